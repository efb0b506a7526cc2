/**
 * Dynamic large objects (Swift's "Large Object Support"): an object whose X-Object-Manifest names `container/prefix` reads as all
 * objects there in order of their names, as they are at the moment of the request.
 */
import { hash } from 'node:crypto';
import { percentDecode } from '#common/http';
import { SYSTEM_PREFIX, totalBytes, type Segment, type Store } from '#proxy/core';
import { isSubdirectory } from '#storage-node/protocol';
import { Refusal } from '../refusal.ts';

/** The metadata name under which an object keeps its `container/prefix`, percent-encoded as the client sent it. */
export const MANIFEST = `${SYSTEM_PREFIX}dynamic-manifest`;

const PAGE = 10_000;

/** The metadata of a PUT or POST with this X-Object-Manifest; refuses what does not name a container and a prefix. */
export function manifestMetadata(header: string | undefined): Record<string, string> {
  if (header === undefined || header === '') return {};
  const { container, prefix } = parseManifest(header);
  if (container === '' || prefix === '' || /[?&]/.test(header) || prefix.startsWith('/')) {
    throw new Refusal(400, 'X-Object-Manifest must be in the format container/prefix');
  }
  return { [MANIFEST]: header.replace(/^\//, '') };
}

function parseManifest(value: string): { container: string; prefix: string } {
  const text = percentDecode(value.replace(/^\//, '')) ?? '';
  const slash = text.indexOf('/');
  return slash < 0 ? { container: text, prefix: '' } : { container: text.slice(0, slash), prefix: text.slice(slash + 1) };
}

export interface DynamicObject {
  readonly segments: readonly Segment[];
  readonly sizeBytes: number;
  /** MD5 of the segments' ETags, in quotes: it names a list, not bytes. */
  readonly etag: string;
}

/** The container whose objects a manifest stands for. */
export function manifestContainer(value: string): string {
  return parseManifest(value).container;
}

/** The segments as they are listed now. */
export async function resolveManifest(store: Store, account: string, value: string): Promise<DynamicObject> {
  const { container, prefix } = parseManifest(value);
  const segments: Segment[] = [];
  for (let marker = ''; ; ) {
    const page = await store.containers.list({ account, container }, { limit: PAGE, marker, endMarker: '', prefix, delimiter: '', reverse: false });
    for (const entry of page.entries) {
      if (isSubdirectory(entry)) continue;
      segments.push({ target: { account, container, object: entry.name }, sizeBytes: entry.bytes, etag: entry.etag });
      marker = entry.name;
    }
    if (!page.truncated) break;
  }
  const etag = `"${hash('md5', segments.map((segment) => segment.etag).join(''), 'hex')}"`;
  return { segments, sizeBytes: totalBytes(segments), etag };
}

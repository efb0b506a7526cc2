/** The bytes of objects that are made of others: static manifests, be they S3's multipart uploads or Swift's large objects. */
import { StoreError } from '#common';
import { bodyOfChunks } from '#common/stream';
import {
  entryParts, ETAG, isReserved, linkOf, MANIFEST_BYTES, MANIFEST_ETAG, parseStoredManifest, readParts, type Keymaster, type ManifestEntry, type ObjectName, type OpenSegment, type Part, type OpenObject,
} from '#proxy/core';
import type { ObjectInfo } from '#storage-node/protocol';
import { S3Error } from '../errors.ts';
import type { BucketRequest } from '../request.ts';

const MAX_DEPTH = 10;
/** 10,000 parts with their names. */
const MAX_MANIFEST_BYTES = 64 * 1024 ** 2;

/** The parts of a manifest that is open; its data are read whole. */
export async function partsOf(account: string, open: OpenObject): Promise<{ parts: Part[]; entries: ManifestEntry[] }> {
  const { data, info } = open;
  const entries = parseStoredManifest(data ?? (await bodyOfChunks(open.read(0, info.sizeBytes), info.sizeBytes).collect(MAX_MANIFEST_BYTES)));
  return { parts: entryParts(account, entries), entries };
}

interface Reading {
  readonly start: number;
  readonly end: number;
  /** The key that came with the request. */
  readonly key: Keymaster | undefined;
  readonly depth?: number;
}

/** Reads bytes of parts laid end to end, as the caller may see them. */
export function readSegments(request: BucketRequest, parts: readonly Part[], { start, end, key, depth = 0 }: Reading): AsyncIterable<Buffer> {
  return readParts(parts, start, end, (target) => openSegment(request, target, { key, depth: depth + 1 }));
}

async function openSegment(request: BucketRequest, target: ObjectName, { key, depth }: { key: Keymaster | undefined; depth: number }): Promise<OpenSegment> {
  if (depth > MAX_DEPTH) throw new StoreError('conflict', 'the manifest holds manifests that hold too many others');
  const { bucket, caller } = request;
  // What the store itself laid beside the object goes with it; of Swift's segments elsewhere only their owner reads.
  if (!isReserved(target.container) && target.container !== bucket.container && !bucket.isOwnedBy(caller)) throw new S3Error('AccessDenied');
  const open = await request.store.objects.get(target, { keymaster: key });
  const { info } = open;
  const link = linkOf(info.metadata);
  if (link !== undefined) {
    await open[Symbol.asyncDispose]();
    return openSegment(request, { account: link.account ?? target.account, container: link.container, object: link.object }, { key, depth: depth + 1 });
  }
  if (info.metadata[MANIFEST_ETAG] === undefined) return plainSegment(open, info);
  const { parts } = await partsOf(target.account, open);
  await open[Symbol.asyncDispose]();
  return {
    etag: info.metadata[MANIFEST_ETAG],
    sizeBytes: Number(info.metadata[MANIFEST_BYTES]),
    data: undefined,
    read: (start, end) => readSegments(request, parts, { start, end, key, depth }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function plainSegment(open: OpenObject, info: ObjectInfo): OpenSegment {
  return {
    etag: info.metadata[ETAG],
    sizeBytes: info.sizeBytes,
    data: open.data,
    read: (start, end) => open.read(start, end),
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  };
}

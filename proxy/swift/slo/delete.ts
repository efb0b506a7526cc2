/**
 * DELETE with `?multipart-manifest=delete`: the segments, the manifests among them with theirs, and the manifest itself. The manifests go
 * last, and only where no segment was refused: what is left can be deleted again.
 */
import { bodyOfChunks } from '#common/stream';
import { isStoreError } from '#common';
import { entryTarget, MANIFEST_ETAG, parseStoredManifest, type SegmentEntry } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { reportDeletes, type Doomed } from '../bulk/delete.ts';
import type { Outcome } from '../bulk/outcome.ts';
import { lookAt } from '../object/look.ts';
import { Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';
import { SLO_LIMITS } from './limits.ts';

/** Names held while a manifest of manifests is taken apart. */
const MAX_NAMES = 10 * SLO_LIMITS.max_manifest_segments;

export function deleteManifest(request: ObjectRequest): Response {
  return reportDeletes(request, (outcome) => batches(request, outcome));
}

async function* batches(request: ObjectRequest, outcome: Outcome): AsyncGenerator<readonly Doomed[]> {
  const top: Doomed = { name: `${request.container}/${request.object}`, versionId: request.query.get('version-id') };
  const manifests: Doomed[] = [];
  const segments: Doomed[] = [];
  const waiting: Doomed[] = [top];
  const seen = new Set<string>();
  for (let manifest = waiting.shift(); manifest !== undefined; manifest = waiting.shift()) {
    if (waiting.length + segments.length > MAX_NAMES) throw new Refusal(400, 'Too many buffered slo segments to delete.');
    if (seen.has(manifest.name)) continue;
    seen.add(manifest.name);
    const entries = await entriesOf(request, manifest, outcome, manifest === top);
    if (entries === undefined) continue;
    manifests.unshift(manifest);
    for (const entry of entries) (entry.sub_slo === true ? waiting : segments).push({ name: entry.name });
  }
  // One segment may be in many places of a manifest.
  yield [...new Map(segments.map((segment) => [segment.name, segment])).values()];
  if (outcome.failed) return;
  for (const manifest of manifests) yield [manifest];
}

/** The object-backed entries of a manifest; undefined where it is gone or cannot be read, which is noted. */
async function entriesOf(request: ObjectRequest, { name, versionId }: Doomed, outcome: Outcome, top: boolean): Promise<SegmentEntry[] | undefined> {
  const query = new Map([['multipart-manifest', 'get'], ...(versionId === undefined ? [] : [['version-id', versionId] as const])]);
  try {
    await using seen = await lookAt({ ...request, ...entryTarget({ name }), query }, 'get');
    if (seen.info.metadata[MANIFEST_ETAG] === undefined) throw new Refusal(400, 'Not an SLO manifest');
    const data = seen.data ?? (await bodyOfChunks(seen.read(0, seen.sizeBytes ?? 0), seen.sizeBytes).collect(Infinity));
    return parseStoredManifest(data).filter((entry): entry is SegmentEntry => 'name' in entry);
  } catch (error) {
    if (isStoreError(error, 'object-not-found', 'container-not-found') || (error instanceof Refusal && error.status === 404)) {
      outcome.count('Number Not Found');
    } else {
      outcome.fail(name, error instanceof Refusal && error.status === 400 && top ? 'Not an SLO manifest' : error);
    }
    return undefined;
  }
}

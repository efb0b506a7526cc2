/** DELETE with `?multipart-manifest=delete&async=on`: the segments, all of one container, are put on the agenda of what is deleted after the answer. */
import { percentEncodePath } from '#common/http';
import { bodyOfChunks } from '#common/stream';
import { entryTarget, MANIFEST_ETAG, parseStoredManifest, type SegmentEntry } from '#proxy/core';
import { authorizeContainer } from '../container/access.ts';
import { lookAt } from '../object/look.ts';
import { Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';

const PLAIN = { 'Content-Type': 'text/plain' };

export async function deleteSegmentsLater(request: ObjectRequest): Promise<void> {
  const { store, account, container } = request;
  await authorizeContainer(request, 'object-write');
  const segments = await segmentsOf(request);
  const containers = [...new Set(segments.map((segment) => entryTarget(segment).container))];
  const [place] = containers;
  if (place === undefined) return;
  if (containers.length > 1) throw new Refusal(400, `All segments must be in one container. Found segments in ${containers.map((name) => `"${percentEncodePath(name)}"`).join(', ')}`, PLAIN);
  if (segments.some((segment) => segment.sub_slo === true)) throw new Refusal(400, 'No segments may be large objects.', PLAIN);
  if (place !== container) await authorizeContainer({ ...request, container: place }, 'object-write');
  const names = new Set(segments.map((segment) => entryTarget(segment).object));
  await store.deleting.note(store.cluster.timestamps.now(), [...names].map((object) => ({ account, container: place, object })));
}

async function segmentsOf(request: ObjectRequest): Promise<SegmentEntry[]> {
  await using seen = await lookAt({ ...request, query: new Map([['multipart-manifest', 'get']]) }, 'get');
  if (seen.info.metadata[MANIFEST_ETAG] === undefined) throw new Refusal(400, 'Not an SLO manifest', PLAIN);
  const data = seen.data ?? (await bodyOfChunks(seen.read(0, seen.sizeBytes ?? 0), seen.sizeBytes).collect(Infinity));
  return parseStoredManifest(data).filter((entry): entry is SegmentEntry => 'name' in entry);
}

/**
 * Dynamic large objects (Swift's "Large Object Support") as they are read: all objects under a prefix in order of their names, as they
 * are at the moment of the request. One page of the listing is read before the answer begins. Where it is the whole, length and ETag
 * are known; where it is not, more pages are read as the reader gets there, and the answer has neither.
 */
import { hash } from 'node:crypto';
import { CONTENT_TYPE, parseListed, readParts, totalBytes, type SegmentPart } from '#proxy/core';
import { isSubdirectory, type ListingPage, type ListingRow } from '#storage-node/protocol';
import { authorizeContainer } from '../container/access.ts';
import { CONSTRAINTS } from '../constraints.ts';
import { asItIs, type Show } from '../object/representation.ts';
import type { ContainerRequest } from '../request.ts';
import { DYNAMIC, parseDynamic } from './header.ts';

export { DYNAMIC };

export const showDynamic: Show = async (request, found, _reading, { trail, lookAt }) => {
  // Within a dynamic one another is what it is stored as: it could name itself.
  if (request.query.get('multipart-manifest') === 'get' || trail.dynamic) return asItIs(found);
  const { info } = found;
  await found.open?.[Symbol.asyncDispose]();
  const { container, prefix } = parseDynamic(info.metadata[DYNAMIC]!);
  const segments: ContainerRequest = { ...request, container };
  // Asked before anything of the segments is listed: a stranger learns not even how many there are.
  await authorizeContainer(segments, 'object-read');
  const first = await segmentPage(segments, prefix, '');
  const parts = first.truncated ? allParts(segments, prefix, first) : partsOf(segments, first);
  const known = first.truncated ? undefined : partsOf(segments, first);
  return {
    info,
    contentType: info.metadata[CONTENT_TYPE] ?? 'application/octet-stream',
    sizeBytes: known === undefined ? undefined : totalBytes(known),
    leastBytes: totalBytes(partsOf(segments, first)),
    etag: known === undefined ? undefined : `"${hash('md5', etagsOf(first).join(''), 'hex')}"`,
    multipleRanges: false,
    headers: {},
    data: undefined,
    unproven: true,
    read: (start, end) => readParts(parts, start, end, (target) => lookAt({ ...request, ...target, query: NO_QUERY }, 'get', { links: 0, led: true, manifests: trail.manifests + 1, dynamic: true })),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
};

const NO_QUERY: ReadonlyMap<string, string> = new Map();

function segmentPage({ store, account, container }: ContainerRequest, prefix: string, marker: string): Promise<ListingPage> {
  return store.containers.list({ account, container }, { limit: CONSTRAINTS.container_listing_limit, marker, endMarker: '', prefix, delimiter: '', reverse: false });
}

function partsOf({ account, container }: ContainerRequest, { entries }: ListingPage): SegmentPart[] {
  // Neither tag nor length is checked when it is read: a dynamic object is whatever is there.
  return entries.flatMap((entry) => (isSubdirectory(entry) ? [] : [{ target: { account, container, object: entry.name }, start: 0, end: sizeOf(entry) }]));
}

/** What is read of a segment: of a link to one state of an object only, that object's. */
function sizeOf({ etag, bytes }: ListingRow): number {
  return parseListed(etag).link?.bytes ?? bytes;
}

function etagsOf({ entries }: ListingPage): string[] {
  return entries.flatMap((entry) => (isSubdirectory(entry) ? [] : [etagOf(entry)]));
}

function etagOf({ etag }: ListingRow): string {
  const listed = parseListed(etag);
  return listed.link?.etag ?? listed.etag;
}

async function* allParts(segments: ContainerRequest, prefix: string, first: ListingPage): AsyncGenerator<SegmentPart> {
  for (let page = first; ; ) {
    const parts = partsOf(segments, page);
    yield* parts;
    const last = parts.at(-1);
    if (!page.truncated || last === undefined) return;
    page = await segmentPage(segments, prefix, last.target.object);
  }
}

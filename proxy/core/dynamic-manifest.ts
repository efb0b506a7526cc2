/**
 * Dynamic large objects (Swift's "Large Object Support"): all objects under a prefix in order of their names, read as one, as they are at
 * the moment of the request. One page of the listing is read before the answer begins. Where it is the whole, length and tag are known;
 * where it is not, more pages are read as the reader gets there.
 */
import { createHash, hash } from 'node:crypto';
import { percentDecode } from '#common/http';
import { isSubdirectory, type ListingPage, type ListingRow } from '#storage-node/protocol';
import type { ContainerName, Containers } from './containers.ts';
import { parseListed } from './listed.ts';
import { totalBytes, type SegmentPart } from './manifest.ts';
import { SYSTEM_PREFIX } from './metadata.ts';

/** The metadata name under which an object keeps its `container/prefix`, percent-encoded as the client sent it. */
export const DYNAMIC = `${SYSTEM_PREFIX}dynamic-manifest`;

const PAGE = 10_000;

export function parseDynamic(value: string): { container: string; prefix: string } {
  const text = percentDecode(value.replace(/^\//, '')) ?? '';
  const slash = text.indexOf('/');
  return slash < 0 ? { container: text, prefix: '' } : { container: text.slice(0, slash), prefix: text.slice(slash + 1) };
}

/** What a dynamic object is made of. */
export interface DynamicParts {
  /** The first of them, to ask whether the reader may see any; undefined where there are none. */
  readonly first: SegmentPart | undefined;
  readonly parts: Iterable<SegmentPart> | AsyncIterable<SegmentPart>;
  /** Undefined where there are more than a page of segments. */
  readonly whole: { readonly sizeBytes: number; readonly etag: string } | undefined;
  readonly leastBytes: number;
}

/** The parts under the prefix. Throws `container-not-found`. */
export async function dynamicParts(containers: Containers, segments: ContainerName, prefix: string): Promise<DynamicParts> {
  const page = await segmentPage(containers, segments, { prefix, marker: '' });
  const known = partsOf(segments, page);
  const leastBytes = totalBytes(known);
  const [first] = known;
  if (page.truncated) return { first, parts: allParts(containers, segments, { prefix, page }), whole: undefined, leastBytes };
  return { first, parts: known, whole: { sizeBytes: leastBytes, etag: hash('md5', etagsOf(page).join(''), 'hex') }, leastBytes };
}

/** Length and tag of what is under the prefix, however many pages that takes: for answers that must have a length. */
export async function measureDynamic(containers: Containers, segments: ContainerName, prefix: string): Promise<{ sizeBytes: number; etag: string }> {
  const tags = createHash('md5');
  let sizeBytes = 0;
  for await (const page of pagesFrom(containers, segments, { prefix, page: await segmentPage(containers, segments, { prefix, marker: '' }) })) {
    sizeBytes += totalBytes(partsOf(segments, page));
    for (const tag of etagsOf(page)) tags.update(tag);
  }
  return { sizeBytes, etag: tags.digest('hex') };
}

function segmentPage(containers: Containers, { account, container }: ContainerName, { prefix, marker }: { prefix: string; marker: string }): Promise<ListingPage> {
  return containers.list({ account, container }, { limit: PAGE, marker, endMarker: '', prefix, delimiter: '', reverse: false });
}

function partsOf({ account, container }: ContainerName, { entries }: ListingPage): SegmentPart[] {
  // Neither tag nor length is checked when it is read: a dynamic object is whatever is there.
  return rowsOf(entries).map((row) => ({ target: { account, container, object: row.name }, start: 0, end: sizeOf(row) }));
}

function rowsOf(entries: ListingPage['entries']): ListingRow[] {
  return entries.flatMap((entry) => (isSubdirectory(entry) ? [] : [entry]));
}

/** What is read of a segment: of a link to one state of an object only, that object's. */
function sizeOf({ etag, bytes }: ListingRow): number {
  return parseListed(etag).link?.bytes ?? bytes;
}

function etagsOf({ entries }: ListingPage): string[] {
  return rowsOf(entries).map(({ etag }) => {
    const listed = parseListed(etag);
    return listed.link?.etag ?? listed.etag;
  });
}

async function* allParts(containers: Containers, segments: ContainerName, from: { prefix: string; page: ListingPage }): AsyncGenerator<SegmentPart> {
  for await (const page of pagesFrom(containers, segments, from)) yield* partsOf(segments, page);
}

async function* pagesFrom(containers: Containers, segments: ContainerName, { prefix, page: first }: { prefix: string; page: ListingPage }): AsyncGenerator<ListingPage> {
  for (let page = first; ; ) {
    yield page;
    const last = rowsOf(page.entries).at(-1);
    if (!page.truncated || last === undefined) return;
    page = await segmentPage(containers, segments, { prefix, marker: last.name });
  }
}

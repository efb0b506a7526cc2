/** Looks at every segment that a manifest names, as its sender may see it, and says what the manifest will keep of each. */
import { concurrently, formatIsoTimestamp, TICKS_PER_SECOND, type Timestamp, timestampToSecondsUp } from '#common';
import { percentEncodePath } from '#common/http';
import { MANIFEST_ETAG, type ManifestEntry } from '#proxy/core';
import { changedAt } from '#storage-node/protocol';
import { asRefusal } from '../errors.ts';
import { lookAt } from '../object/look.ts';
import type { Representation } from '../object/representation.ts';
import { statusLine } from '../refusal.ts';
import type { Failure } from '../report/report.ts';
import type { ObjectRequest } from '../request.ts';
import { rangeWithin, type AskedSegment, type ObjectSegment } from './parse.ts';

/** Segments looked at at once. */
const CONCURRENCY = 8;

export interface Checked {
  readonly entries: readonly ManifestEntry[];
  readonly failures: readonly Failure[];
}

/** Each object is looked at once, however often it is named. */
export async function checkSegments(request: ObjectRequest, segments: readonly AskedSegment[], signal?: AbortSignal): Promise<Checked> {
  const paths = new Set(segments.flatMap((segment) => ('data' in segment ? [] : [segment.path])));
  const seen = new Map<string, Representation | string>();
  await concurrently(paths, CONCURRENCY, async (path) => void seen.set(path, await look(request, path)), signal);
  const failures: Failure[] = [];
  const entries = segments.flatMap((segment, index): ManifestEntry[] => {
    if ('data' in segment) return [{ data: segment.data }];
    const representation = seen.get(segment.path) ?? statusLine(503);
    if (typeof representation === 'string') {
      failures.push([percentEncodePath(segment.path), representation]);
      return [];
    }
    const { entry, faults } = describe(segment, representation, index === segments.length - 1);
    failures.push(...faults.map((fault): Failure => [percentEncodePath(segment.path), fault]));
    return [entry];
  });
  return { entries, failures };
}

/** What the sender sees of a segment, or the status line of why he does not. */
async function look(request: ObjectRequest, path: string): Promise<Representation | string> {
  const name = path.replace(/^\/+/, '');
  if (name.includes('\0')) return statusLine(412);
  const slash = name.indexOf('/');
  const target = { container: name.slice(0, slash), object: name.slice(slash + 1) };
  try {
    return await lookAt({ ...request, ...target, query: NO_QUERY }, 'head', { links: 0, led: true, manifests: 1, dynamic: false });
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal === undefined) throw error;
    return statusLine(refusal.status);
  }
}

const NO_QUERY: ReadonlyMap<string, string> = new Map();

function describe(segment: ObjectSegment, { info, sizeBytes = 0, etag = '', contentType }: Representation, last: boolean): { entry: ManifestEntry; faults: string[] } {
  const faults: string[] = [];
  const hash = etag.replaceAll('"', '');
  const range = segment.range === undefined ? undefined : rangeWithin(segment.range, sizeBytes);
  if (segment.range !== undefined && range === undefined) faults.push('Unsatisfiable Range');
  const length = range === undefined ? sizeBytes : range.last - range.first + 1;
  if (length < 1 && !last) faults.push('Too small; each segment must be at least 1 byte.');
  if (segment.sizeBytes !== undefined && segment.sizeBytes !== sizeBytes) faults.push('Size Mismatch');
  if (segment.etag !== undefined && segment.etag.replaceAll('"', '') !== hash) faults.push('Etag Mismatch');
  const partial = range !== undefined && length !== sizeBytes;
  const modified = (timestampToSecondsUp(changedAt(info)) * TICKS_PER_SECOND) as Timestamp;
  const entry: ManifestEntry = {
    name: `/${segment.path.replace(/^\/+/, '')}`,
    bytes: sizeBytes,
    hash,
    content_type: contentType,
    last_modified: formatIsoTimestamp(modified),
    ...(partial ? { range: `${range.first}-${range.last}` } : {}),
    ...(info.metadata[MANIFEST_ETAG] === undefined ? {} : { sub_slo: true }),
  };
  return { entry, faults };
}

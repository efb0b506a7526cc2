/** The manifest of a static large object as clients send it (Swift's "Large Object Support"): JSON, checked before anything is looked up. */
import { HTML, Refusal } from '../refusal.ts';

export interface InlineSegment {
  /** Base64, in its canonical form. */
  readonly data: string;
}

export interface ObjectSegment {
  /** `container/object`, as sent, perhaps with slashes before it. */
  readonly path: string;
  readonly etag: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly range: AskedRange | undefined;
}

export type AskedSegment = InlineSegment | ObjectSegment;

/** `first-last`, `first-` or `-length`. */
export interface AskedRange {
  readonly first: number | undefined;
  readonly last: number | undefined;
}

/** Says which entry is wrong, and how. */
class Fault extends Error {}

/** The segments that the text asks for; one 400 that names every fault. `self` is the manifest's own `container/object`. */
export function parseManifest(text: string, self: string): AskedSegment[] {
  const entries = parseJson(text);
  if (!Array.isArray(entries)) throw new Refusal(400, 'Manifest must be a list.\n', { 'Content-Type': HTML });
  const faults: string[] = [];
  const segments = (entries as unknown[]).flatMap((entry, index): AskedSegment[] => {
    try {
      return [parseEntry(entry, { self, last: index === entries.length - 1 })];
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      faults.push(`Index ${index}: ${error.message}`);
      return [];
    }
  });
  if (entries.length > 0 && (entries as unknown[]).every((entry) => typeof entry === 'object' && entry !== null && 'data' in entry)) {
    faults.push('Inline data segments require at least one object-backed segment.');
  }
  if (faults.length > 0) throw new Refusal(400, faults.map((fault) => `${fault}\n`).join(''), { 'Content-Type': 'text/plain' });
  return segments;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'Manifest must be valid JSON.\n', { 'Content-Type': HTML });
  }
}

interface Place {
  readonly self: string;
  /** The last segment may be empty. */
  readonly last: boolean;
}

function parseEntry(entry: unknown, place: Place): AskedSegment {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw new Fault('not a JSON object');
  const fields = entry as Record<string, unknown>;
  if ('data' in fields) {
    refuseOthers(fields, ['data']);
    return parseData(fields['data']);
  }
  if (!('path' in fields)) throw new Fault("expected keys to include one of 'data' or 'path'");
  refuseOthers(fields, ['path', 'range', 'etag', 'size_bytes']);
  return parseObject(fields, place);
}

function refuseOthers(fields: Record<string, unknown>, known: readonly string[]): void {
  const others = Object.keys(fields).filter((key) => !known.includes(key));
  if (others.length > 0) throw new Fault(`extraneous keys ${others.sort().map((key) => JSON.stringify(key)).join(', ')}`);
}

function parseData(data: unknown): InlineSegment {
  const text = typeof data === 'string' ? data.trim() : '';
  if (typeof data !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1) throw new Fault('data must be valid base64');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < 1) throw new Fault('too small; each segment must be at least 1 byte.');
  return { data: bytes.toString('base64') };
}

function parseObject({ path, etag, size_bytes: size, range }: Record<string, unknown>, { self, last }: Place): ObjectSegment {
  if (typeof path !== 'string') throw new Fault('"path" must be a string');
  if (etag !== undefined && etag !== null && typeof etag !== 'string') throw new Fault('"etag" must be a string or null (if provided)');
  if (!path.replace(/^\/+|\/+$/g, '').includes('/')) throw new Fault('path does not refer to an object. Path must be of the form /container/object.');
  const sizeBytes = parseSize(size);
  if (sizeBytes !== undefined && sizeBytes < 1 && !last) throw new Fault('too small; each segment must be at least 1 byte.');
  if (path.replace(/^\/+/, '') === self) throw new Fault('manifest must not include itself as a segment');
  const asked = range === undefined || range === null || range === '' ? undefined : parseRange(range);
  if (asked !== undefined && sizeBytes !== undefined && rangeWithin(asked, sizeBytes) === undefined) throw new Fault('unsatisfiable range');
  return { path, etag: etag ?? undefined, sizeBytes, range: asked };
}

function parseSize(size: unknown): number | undefined {
  if (size === undefined || size === null) return undefined;
  const value = typeof size === 'string' && /^\s*[+-]?\d+\s*$/.test(size) ? Number(size) : typeof size === 'number' ? Math.trunc(size) : NaN;
  if (!Number.isSafeInteger(value)) throw new Fault('invalid size_bytes');
  return value;
}

function parseRange(range: unknown): AskedRange {
  if (typeof range !== 'string') throw new Fault('invalid range');
  if (range.includes(',')) throw new Fault('multiple ranges (only one allowed)');
  const match = /^(\d{0,15})-(\d{0,15})$/.exec(range.trim());
  if (match === null || (match[1] === '' && match[2] === '')) throw new Fault('invalid range');
  const first = match[1] === '' ? undefined : Number(match[1]);
  const last = match[2] === '' ? undefined : Number(match[2]);
  if (first !== undefined && last !== undefined && last < first) throw new Fault('invalid range');
  return { first, last };
}

/** The bytes of an object of this size that a range names, both ends included; undefined where there are none. */
export function rangeWithin({ first, last }: AskedRange, sizeBytes: number): { first: number; last: number } | undefined {
  if (first === undefined) return last === 0 || sizeBytes === 0 ? undefined : { first: Math.max(0, sizeBytes - last!), last: sizeBytes - 1 };
  if (first >= sizeBytes) return undefined;
  return { first, last: last === undefined ? sizeBytes - 1 : Math.min(last, sizeBytes - 1) };
}

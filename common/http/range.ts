/**
 * Range requests (RFC 9110, section 14) with the bounds that object stores put on them, so that a small request cannot ask
 * for an absurd amount of work.
 */

/** Bytes from `start` up to but not including `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

interface RangeSpec {
  readonly first: number | undefined;
  readonly last: number | undefined;
}

const MAX_RANGES = 50;
const MAX_OVERLAPS = 2;
const MAX_DESCENTS = 8;

/**
 * The ranges that a Range header asks of a body of `sizeBytes`. Undefined where the header is to be ignored (no `bytes` unit,
 * bad syntax); an empty list where nothing it asks for can be served, or too much is asked: 416.
 */
export function parseRange(header: string, sizeBytes: number): ByteRange[] | undefined {
  const specs = parseSpecs(header);
  if (!specs) return undefined;
  const ranges: ByteRange[] = [];
  for (const { first, last } of specs) {
    if (first === undefined) {
      if (last !== 0 && sizeBytes > 0) ranges.push({ start: Math.max(0, sizeBytes - last!), end: sizeBytes });
    } else if (first < sizeBytes) {
      ranges.push({ start: first, end: last === undefined ? sizeBytes : Math.min(last + 1, sizeBytes) });
    }
  }
  return tooMuch(ranges) ? [] : ranges;
}

function parseSpecs(header: string): RangeSpec[] | undefined {
  const match = /^\s*bytes\s*=(.*)$/i.exec(header);
  if (!match) return undefined;
  const specs: RangeSpec[] = [];
  for (const part of match[1]!.split(',')) {
    // Trimmed first: of two runs of blanks beside each other, a pattern would try every way to share out a long one.
    const spec = /^(\d*)\s*-\s*(\d*)$/.exec(part.trim());
    if (!spec || (spec[1] === '' && spec[2] === '')) return undefined;
    const first = spec[1] === '' ? undefined : Number(spec[1]);
    const last = spec[2] === '' ? undefined : Number(spec[2]);
    if (first !== undefined && last !== undefined && last < first) return undefined;
    specs.push({ first, last });
  }
  return specs;
}

function tooMuch(ranges: readonly ByteRange[]): boolean {
  if (ranges.length > MAX_RANGES) return true;
  let overlaps = 0;
  let descents = 0;
  for (let i = 1; i < ranges.length; i++) {
    const range = ranges[i]!;
    if (range.start < ranges[i - 1]!.start) descents++;
    for (let j = 0; j < i && overlaps <= MAX_OVERLAPS; j++) {
      const other = ranges[j]!;
      if (range.start < other.end && other.start < range.end) overlaps++;
    }
  }
  return overlaps > MAX_OVERLAPS || descents >= MAX_DESCENTS;
}

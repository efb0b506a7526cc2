/**
 * Objects made of others: a list of parts read as one. Dialects have grammars for it (dynamic, static, multipart); this is what they
 * mean. Parts are taken one by one, from a list in memory or from pages of a listing; a segment is opened only where bytes of it are
 * wanted, and a few ahead of the one that is being read, so that the reader does not wait between two of them.
 */
import { StoreError } from '#common';
import type { ObjectName } from './objects.ts';

/** Bytes that are in the manifest itself. */
export interface InlinePart {
  readonly data: Buffer;
}

/** Bytes of an object: `start` up to, not including, `end`. */
export interface SegmentPart {
  readonly target: ObjectName;
  readonly start: number;
  readonly end: number;
  /** What the segment must still be; undefined where any version of it will do. The tag without quotes. */
  readonly etag?: string | undefined;
  readonly sizeBytes?: number | undefined;
}

export type Part = InlinePart | SegmentPart;

/** A segment open for reading; it may be a manifest in its turn. */
export interface OpenSegment extends AsyncDisposable {
  readonly etag: string | undefined;
  /** Undefined where it is not known before it is read. */
  readonly sizeBytes: number | undefined;
  readonly data: Buffer | undefined;
  read(this: void, start: number, end: number): AsyncIterable<Buffer>;
}

/** Opens a segment on behalf of whoever reads the manifest; throws where he may not, or where there is none. */
export type OpenSegmentFor = (target: ObjectName) => Promise<OpenSegment>;

/** Segments opened before their turn: with one, reading small segments is all waiting. */
const OPEN_AHEAD = 2;

export function partBytes(part: Part): number {
  return 'data' in part ? part.data.length : part.end - part.start;
}

export function totalBytes(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + partBytes(part), 0);
}

/** Bytes `start` up to `end` of the parts laid end to end. Throws `conflict` where a segment is no longer what the manifest says. */
export async function* readParts(parts: Iterable<Part> | AsyncIterable<Part>, start: number, end: number, open: OpenSegmentFor): AsyncGenerator<Buffer> {
  const pieces = piecesOf(parts, start, end);
  const ahead: Opening[] = [];
  let more = true;
  try {
    for (;;) {
      while (more && ahead.length <= OPEN_AHEAD) {
        const next = await pieces.next();
        more = next.done !== true;
        if (next.done !== true) ahead.push(begin(next.value, open));
      }
      const opening = ahead.shift();
      if (opening === undefined) return;
      yield* readPiece(opening);
    }
  } finally {
    await pieces.return(undefined);
    await Promise.allSettled(ahead.map(async ({ segment }) => (await segment)?.[Symbol.asyncDispose]()));
  }
}

/** What of a part is wanted. */
interface Piece {
  readonly part: Part;
  readonly from: number;
  readonly to: number;
}

interface Opening extends Piece {
  /** Undefined for a part that is here already. */
  readonly segment: Promise<OpenSegment> | undefined;
}

async function* piecesOf(parts: Iterable<Part> | AsyncIterable<Part>, start: number, end: number): AsyncGenerator<Piece> {
  let offset = 0;
  for await (const part of parts) {
    const from = Math.max(0, start - offset);
    const to = Math.min(partBytes(part), end - offset);
    offset += partBytes(part);
    if (from < to) yield { part, from, to };
    if (offset >= end) return;
  }
}

function begin(piece: Piece, open: OpenSegmentFor): Opening {
  if ('data' in piece.part) return { ...piece, segment: undefined };
  const segment = open(piece.part.target);
  // It fails where it is awaited, in its turn; until then nobody looks.
  segment.catch(() => undefined);
  return { ...piece, segment };
}

async function* readPiece({ part, from, to, segment }: Opening): AsyncGenerator<Buffer> {
  if ('data' in part) {
    yield part.data.subarray(from, to);
    return;
  }
  await using open = (await segment)!;
  const changed = (part.etag !== undefined && open.etag !== part.etag) || (part.sizeBytes !== undefined && open.sizeBytes !== part.sizeBytes);
  if (changed || (open.sizeBytes !== undefined && open.sizeBytes < part.start + to)) throw new StoreError('conflict', `the segment ${part.target.container}/${part.target.object} has changed`);
  if (open.data === undefined) yield* open.read(part.start + from, part.start + to);
  else yield open.data.subarray(part.start + from, part.start + to);
}

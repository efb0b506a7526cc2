/**
 * Objects made of others: a list of parts read as one. Dialects have grammars for it (dynamic, static, multipart); this is what they
 * mean. Parts are taken one by one, from a list in memory or from pages of a listing; a segment is opened only where bytes of it are
 * wanted, and a few ahead of the one that is being read; of the very next the first chunk is read too, so that the reader does not wait
 * between two of them.
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
        if (next.done !== true) ahead.push(new Opening(next.value, open));
      }
      const [opening, following] = ahead;
      if (opening === undefined) return;
      following?.begin();
      yield* opening.read();
      ahead.shift();
    }
  } finally {
    await pieces.return(undefined);
    await Promise.all(ahead.map((opening) => opening.abandon()));
  }
}

/** What of a part is wanted. */
interface Piece {
  readonly part: Part;
  readonly from: number;
  readonly to: number;
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

/** A piece that is being opened before its turn. Faults wait until it is. */
class Opening {
  readonly #piece: Piece;
  readonly #segment: Promise<OpenSegment> | undefined;
  #first: Promise<{ readonly chunks: AsyncIterator<Buffer>; readonly step: IteratorResult<Buffer> }> | undefined;

  constructor(piece: Piece, open: OpenSegmentFor) {
    this.#piece = piece;
    if ('data' in piece.part) return;
    this.#segment = open(piece.part.target);
    this.#segment.catch(() => undefined);
  }

  /** Reads the first chunk, for the next in turn. */
  begin(): void {
    if (this.#segment === undefined || this.#first !== undefined) return;
    this.#first = this.#begin(this.#segment);
    this.#first.catch(() => undefined);
  }

  async *read(): AsyncGenerator<Buffer> {
    const { part, from, to } = this.#piece;
    if ('data' in part) {
      yield part.data.subarray(from, to);
      return;
    }
    this.begin();
    const { chunks, step } = await this.#first!;
    for (let at = step; at.done !== true; at = await chunks.next()) yield at.value;
    await this.abandon();
  }

  /** Lets go of the segment, read or not. */
  async abandon(): Promise<void> {
    const first = await this.#first?.catch(() => undefined);
    await first?.chunks.return?.();
    const segment = await this.#segment?.catch(() => undefined);
    await segment?.[Symbol.asyncDispose]();
  }

  async #begin(opening: Promise<OpenSegment>): Promise<{ chunks: AsyncIterator<Buffer>; step: IteratorResult<Buffer> }> {
    const segment = await opening;
    const { part, from, to } = this.#piece as Piece & { part: SegmentPart };
    assertUnchanged(segment, part, to);
    const chunks = (segment.data === undefined ? segment.read(part.start + from, part.start + to) : once(segment.data.subarray(part.start + from, part.start + to)))[Symbol.asyncIterator]();
    return { chunks, step: await chunks.next() };
  }
}

function assertUnchanged(segment: OpenSegment, part: SegmentPart, to: number): void {
  const changed = (part.etag !== undefined && segment.etag !== part.etag) || (part.sizeBytes !== undefined && segment.sizeBytes !== part.sizeBytes);
  if (changed || (segment.sizeBytes !== undefined && segment.sizeBytes < part.start + to)) {
    throw new StoreError('conflict', `the segment ${part.target.container}/${part.target.object} has changed`);
  }
}

async function* once(data: Buffer): AsyncGenerator<Buffer> {
  yield data;
}

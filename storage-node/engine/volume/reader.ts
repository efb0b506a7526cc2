/** An open object: its data in memory where it is small, else read and verified block by block from a volume or a big file. */
import assert from 'node:assert/strict';
import { giveSlab, takeSlab } from '#common/stream';
import type { ObjectInfo, ObjectReader } from '#storage-node/protocol';
import type { File } from '../files/files.ts';
import { BLOCK_BYTES, dataHolds, type Checksum } from './record.ts';

/** Bytes of one read from the disk, and of the largest chunk: whole blocks. */
const CHUNK_BYTES = 1 << 20;
/** Shorter reads get memory of their length: a slab would be much for them. */
const SLAB_READ_BYTES = 256 << 10;

export class SmallReader implements ObjectReader {
  readonly info: ObjectInfo;
  readonly data: Buffer;

  constructor(info: ObjectInfo, data: Buffer) {
    this.info = info;
    this.data = data;
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    assert(start >= 0 && start <= end && end <= this.data.length, `range ${start}-${end} of ${this.data.length} bytes`);
    for (let at = start; at < end; at += CHUNK_BYTES) yield this.data.subarray(at, Math.min(end, at + CHUNK_BYTES));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held open.
  }
}

export interface BlockSource {
  readonly file: File;
  /** Where in the file the data begins. */
  readonly offset: number;
  /** CRC of each block. */
  readonly blocks: readonly number[];
  readonly crc32: Checksum;
  /** Ends the holding of the file. */
  readonly release: () => void;
  /** Makes the error for damage, after it was quarantined; or for a failing read. */
  readonly damaged: () => Promise<Error>;
  readonly failed: (error: unknown) => Error;
}

export class BlockReader implements ObjectReader {
  readonly info: ObjectInfo;
  readonly data = undefined;
  readonly #source: BlockSource;
  #open = true;
  /** The read under way, which the file must stay open for. */
  #reading: Promise<Buffer> | undefined;

  constructor(info: ObjectInfo, source: BlockSource) {
    this.info = info;
    this.#source = source;
  }

  /** The next chunk is read while the reader's owner works on the last. */
  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    const { sizeBytes } = this.info;
    assert(this.#open && start >= 0 && start <= end && end <= sizeBytes, `range ${start}-${end} of ${sizeBytes} bytes`);
    if (start === end) return;
    const first = Math.floor(start / BLOCK_BYTES) * BLOCK_BYTES;
    let next: Promise<Buffer> | undefined = this.#begin(first, end);
    try {
      for (let at = first; next !== undefined; at += CHUNK_BYTES) {
        const chunk: Buffer = await next;
        next = at + CHUNK_BYTES < end ? this.#begin(at + CHUNK_BYTES, end) : undefined;
        yield chunk.subarray(Math.max(0, start - at), Math.min(end, at + CHUNK_BYTES) - at);
      }
    } finally {
      await next?.then(giveSlab, () => undefined);
    }
  }

  #begin(at: number, end: number): Promise<Buffer> {
    const wanted = Math.min(end, at + CHUNK_BYTES);
    const reading = this.#verified(at, Math.min(this.info.sizeBytes, Math.ceil(wanted / BLOCK_BYTES) * BLOCK_BYTES));
    // Whoever stops before this chunk is not told of its fault.
    reading.catch(() => undefined);
    this.#reading = reading;
    return reading;
  }

  async #verified(from: number, to: number): Promise<Buffer> {
    const { file, offset, blocks, crc32, damaged, failed } = this.#source;
    const buffer = to - from < SLAB_READ_BYTES ? Buffer.allocUnsafeSlow(to - from) : takeSlab().subarray(0, to - from);
    let count: number;
    try {
      count = await file.read(buffer, offset + from);
    } catch (error) {
      throw failed(error);
    }
    if (count < buffer.length || !dataHolds(buffer, { blocks, first: from / BLOCK_BYTES, crc32 })) throw await damaged();
    return buffer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#reading?.catch(() => undefined);
    this.#source.release();
  }
}

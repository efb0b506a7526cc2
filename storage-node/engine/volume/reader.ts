/** An open object: its data in memory where it is small, else read and verified block by block from a volume or a big file. */
import assert from 'node:assert/strict';
import type { ObjectInfo, ObjectReader } from '#storage-node/protocol';
import type { File } from '../files/files.ts';
import { BLOCK_BYTES, dataHolds, type Checksum } from './record.ts';

/** Bytes of one read from the disk, and of the largest chunk: whole blocks. */
const CHUNK_BYTES = 1 << 20;

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

  constructor(info: ObjectInfo, source: BlockSource) {
    this.info = info;
    this.#source = source;
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    const { sizeBytes } = this.info;
    assert(this.#open && start >= 0 && start <= end && end <= sizeBytes, `range ${start}-${end} of ${sizeBytes} bytes`);
    if (start === end) return;
    for (let at = Math.floor(start / BLOCK_BYTES) * BLOCK_BYTES; at < end; at += CHUNK_BYTES) {
      const wanted = Math.min(end, at + CHUNK_BYTES);
      const blocksEnd = Math.min(sizeBytes, Math.ceil(wanted / BLOCK_BYTES) * BLOCK_BYTES);
      const chunk = await this.#verified(at, blocksEnd);
      yield chunk.subarray(Math.max(0, start - at), wanted - at);
    }
  }

  async #verified(from: number, to: number): Promise<Buffer> {
    const { file, offset, blocks, crc32, damaged, failed } = this.#source;
    const buffer = Buffer.allocUnsafeSlow(to - from);
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
    if (this.#open) this.#source.release();
    this.#open = false;
  }
}

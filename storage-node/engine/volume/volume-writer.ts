/** An object on its way in: kept in memory while it is small enough for a record, streamed to a big file from then on. */
import assert from 'node:assert/strict';
import { StoreError, type Timestamp } from '#common';
import type { CreateRequest, Metadata, ObjectWriter, WriteReceipt } from '#storage-node/protocol';
import type { BigFiles, BigWriter } from './big-files.ts';
import { textOf } from './entry.ts';
import { blockChecksums, RecordType, type Checksum } from './record.ts';
import type { VolumeSettings } from './settings.ts';
import { PutWrite, type Write } from './write.ts';

export interface VolumeWriterOptions {
  readonly settings: VolumeSettings;
  readonly crc32: Checksum;
  readonly bigs: BigFiles;
  readonly append: (write: Write) => Promise<WriteReceipt>;
  /** Default true: a client's write. */
  readonly rowPending?: boolean;
  /** Checksums that a big object's blocks must have; `corrupt` where it has others. Objects that turn out small are not looked at. */
  readonly blocks?: readonly number[];
}

export class VolumeWriter implements ObjectWriter {
  readonly #request: CreateRequest;
  readonly #options: VolumeWriterOptions;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #big: BigWriter | undefined;
  #ballot: Timestamp | undefined;
  #state: 'open' | 'committing' | 'over' = 'open';

  constructor(request: CreateRequest, options: VolumeWriterOptions) {
    this.#request = request;
    this.#options = options;
  }

  async write(chunk: Buffer): Promise<void> {
    assert(this.#state === 'open', 'write on a writer that was committed or aborted');
    if (chunk.length === 0) return;
    const { settings, bigs } = this.#options;
    if (this.#big !== undefined) return this.#big.write(chunk);
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    // A hint is enough to begin: what is declared large and turns out small merely has a small file.
    if (Math.max(this.#bytes, this.#request.sizeHint ?? 0) <= settings.bigBytes) return;
    this.#big = bigs.create(this.#request.key, settings.writeBehindBytes);
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const early of chunks) await this.#big.write(early);
  }

  /** What is kept for a record is not written before the commit. */
  async written(): Promise<boolean> {
    return this.#big !== undefined && this.#state === 'open' && this.#big.written();
  }

  async commit(metadata: Metadata, ballot?: Timestamp): Promise<WriteReceipt> {
    assert(this.#state === 'open', 'commit on a writer that was committed or aborted');
    this.#state = 'committing';
    this.#ballot = ballot;
    try {
      return this.#big === undefined ? await this.#commitSmall(metadata) : await this.#commitBig(this.#big, metadata);
    } finally {
      this.#state = 'over';
      this.#chunks = [];
    }
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'over';
    this.#chunks = [];
    await this.#big?.discard();
  }

  #commitSmall(metadata: Metadata): Promise<WriteReceipt> {
    const [only] = this.#chunks;
    return this.#append({ metadata, data: this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks), sizeBytes: this.#bytes, bigId: 0 });
  }

  async #commitBig(big: BigWriter, metadata: Metadata): Promise<WriteReceipt> {
    let table: Buffer;
    try {
      table = await big.finish();
      if (!isExpected(table, this.#options.blocks)) throw new StoreError('corrupt', 'a block was damaged on its way');
    } catch (error) {
      await big.discard();
      throw error;
    }
    try {
      const receipt = await this.#append({ metadata, data: table, sizeBytes: big.sizeBytes, bigId: big.id });
      if (receipt.durability === undefined) await big.discard();
      return receipt;
    } finally {
      // After a failed append the record may be on the disk all the same: the file stays until a sweep knows better.
      big.over();
    }
  }

  #append({ metadata, data, sizeBytes, bigId }: { metadata: Metadata; data: Buffer; sizeBytes: number; bigId: number }): Promise<WriteReceipt> {
    const { key, name, conditional } = this.#request;
    const timestamp = this.#ballot ?? this.#request.timestamp;
    const fields = { type: RecordType.put, key, name, timestamp, base: 0 as Timestamp, sizeBytes, bigId, metadata: JSON.stringify(metadata), conditional: this.#ballot === undefined ? conditional : (true as const) };
    return this.#options.append(new PutWrite(textOf(key), { fields, data, blocks: blockChecksums(data, this.#options.crc32) }, metadata['ETag'] ?? '', this.#options.rowPending));
  }
}

function isExpected(table: Buffer, blocks: readonly number[] | undefined): boolean {
  return blocks === undefined || (table.length === blocks.length * 4 && blocks.every((crc, i) => table.readUInt32LE(i * 4) === crc));
}

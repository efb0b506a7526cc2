/**
 * One volume: an append-only file of records and frames after a header. The header is there twice, because without its
 * nonce nothing in the volume can be read; it also says where volumes before it end, so that the tail of a volume that
 * broke is judged once, and never again.
 */
import assert from 'node:assert/strict';
import type { File } from '../files/files.ts';
import { HASH_BYTES } from './frame.ts';
import { decodeHead, recordBytesOf, type Checksum, type Location, type RecordHead } from './record.ts';

const VOLUME_MAGIC = 0x31_56_72_47; // 'GrV1'
const FORMAT_VERSION = 1;
/** Each copy of the header has a page. */
const HEADER_PAGE_BYTES = 4096;
const PREAMBLE_BYTES = 24;
/** Where records begin. */
export const DATA_OFFSET: number = 2 * HEADER_PAGE_BYTES;

export interface VolumeHeader {
  readonly number: number;
  readonly nonce: number;
  /** UUID of the device it was written on. */
  readonly device: string;
  readonly createdMs: number;
  /** Hash of the last frame before this volume. */
  readonly previousHash: Buffer;
  /** Ends of earlier volumes: [number, bytes accepted]. What lies beyond in them was never acknowledged. */
  readonly ends: readonly (readonly [number, number])[];
}

export function encodeHeader(header: VolumeHeader, crc32: Checksum): Buffer {
  const page = Buffer.alloc(HEADER_PAGE_BYTES);
  const { number, device, createdMs, previousHash } = header;
  const json = (ends: VolumeHeader['ends']): Buffer => Buffer.from(JSON.stringify({ number, device, createdMs, previousHash: previousHash.toString('hex'), ends }));
  let text = json(header.ends);
  for (let ends = header.ends; text.length > HEADER_PAGE_BYTES - PREAMBLE_BYTES; text = json(ends)) ends = ends.slice(1);
  page.writeUInt32LE(VOLUME_MAGIC, 0);
  page.writeUInt32LE(FORMAT_VERSION, 8);
  page.writeUInt32LE(text.length, 12);
  page.writeUInt32LE(header.nonce, 16);
  text.copy(page, PREAMBLE_BYTES);
  page.writeUInt32LE(crc32(page.subarray(8)), 4);
  return Buffer.concat([page, page]);
}

/** The header from whichever copy holds, or undefined. */
export function decodeHeader(pages: Buffer, crc32: Checksum): VolumeHeader | undefined {
  for (const page of [pages.subarray(0, HEADER_PAGE_BYTES), pages.subarray(HEADER_PAGE_BYTES, DATA_OFFSET)]) {
    if (page.length < HEADER_PAGE_BYTES || page.readUInt32LE(0) !== VOLUME_MAGIC || page.readUInt32LE(8) !== FORMAT_VERSION) continue;
    if (crc32(page.subarray(8)) !== page.readUInt32LE(4)) continue;
    const text = page.toString('utf8', PREAMBLE_BYTES, PREAMBLE_BYTES + page.readUInt32LE(12));
    const header = JSON.parse(text) as Omit<VolumeHeader, 'nonce' | 'previousHash'> & { previousHash: string };
    const previousHash = Buffer.from(header.previousHash, 'hex');
    if (previousHash.length !== HASH_BYTES) continue;
    return { ...header, nonce: page.readUInt32LE(16), previousHash };
  }
  return undefined;
}

export class Volume {
  readonly header: VolumeHeader;
  readonly path: string;
  readonly file: File;
  /** Where accepted groups end. Grows while the volume is the active one. */
  end: number;
  /** Something lies beyond `end`: a group that failed, or was torn. */
  dirty = false;
  /** Bytes of records in force. After a crash an estimate from above, until compaction looks. */
  liveBytes = 0;
  #readers = 0;
  #retired: (() => void) | undefined;

  constructor(path: string, file: File, header: VolumeHeader, end = DATA_OFFSET) {
    this.path = path;
    this.file = file;
    this.header = header;
    this.end = end;
  }

  get number(): number {
    return this.header.number;
  }

  /** Share of the volume that is no longer in force. */
  get garbage(): number {
    return this.end <= DATA_OFFSET ? 1 : 1 - Math.min(1, this.liveBytes / (this.end - DATA_OFFSET));
  }

  /** Reads the head at `location`; undefined where it is damaged or is not what `keyed` says. */
  headSync(location: Location, crc32: Checksum): RecordHead | undefined {
    const buffer = Buffer.allocUnsafe(location.headBytes);
    if (this.file.readSync(buffer, location.offset) < buffer.length) return undefined;
    return this.headIn(buffer, location, crc32);
  }

  /** Decodes the head at the beginning of `buffer`, which was read from `location`. */
  headIn(buffer: Buffer, location: Location, crc32: Checksum): RecordHead | undefined {
    const head = decodeHead(buffer, 0, { nonce: this.header.nonce, crc32 });
    return head !== undefined && head.headBytes === location.headBytes && recordBytesOf(head) === location.recordBytes ? head : undefined;
  }

  /** The file stays open until the same number of releases. */
  acquire(): void {
    this.#readers++;
  }

  release(): void {
    assert(this.#readers > 0);
    if (--this.#readers === 0) this.#retired?.();
  }

  /** Closes the file when the last reader has left. Its name may be unlinked at once. */
  retire(): void {
    this.#retired = () => this.file.close();
    if (this.#readers === 0) this.#retired();
  }
}

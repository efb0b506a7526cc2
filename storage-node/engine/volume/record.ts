/**
 * Records: what a volume is made of. A record is a head (fixed fields, the CRC of each 64 KiB block of its data, the name,
 * the metadata as JSON), then the data, then zeros up to a multiple of 8. docs/on-disk-format.md has the table of fields.
 *
 * The head's CRC begins from the volume's nonce, so that bytes of a record inside a client's data, or of another volume,
 * are never taken for a record of this one.
 */
import assert from 'node:assert/strict';
import type { Key, Metadata } from '#storage-node/protocol';
import type { Timestamp } from '#common';

/** CRC-32 of `data`, continuing from `seed`: zlib.crc32, or a planted fault in tests of the tests. */
export type Checksum = (data: Buffer, seed?: number) => number;

export const BLOCK_BYTES = 64 << 10;
export const ALIGNMENT = 8;
export const RECORD_MAGIC = 0x31_52_72_47; // 'GrR1'
const FORMAT_VERSION = 1;
/** Length of the fixed part of a head. */
export const FIXED_BYTES = 96;
/** Longest head that is believed: keeps a scan of damaged bytes from reading on for gigabytes. */
const MAX_HEAD_BYTES = 16 << 20;

export const RecordType = { put: 1, meta: 2, delete: 3, /** Reserved for parts of erasure-coded objects. */ fragment: 4, /** A key is forgotten: its record was damaged. */ forget: 5, /** A promise (promises.ts): a head and nothing else. */ promise: 6 } as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

const FLAG_BIG = 1;
const FLAG_CONDITIONAL = 2;

/** What a record says, without its data. */
export interface RecordFields {
  readonly type: RecordType;
  readonly sequence: number;
  /** Of the data, tombstone or metadata; of the state that is forgotten. */
  readonly timestamp: Timestamp;
  /** Of a META record: timestamp of the data record it belongs to; else 0. */
  readonly base: Timestamp;
  readonly key: Key;
  /** Length of the object, which is the length of the data unless that is in a big file. */
  readonly sizeBytes: number;
  /** Names the big file that has the data; 0 where the record has it itself. The record's data is then the table of the file's block CRCs. */
  readonly bigId: number;
  readonly name: string;
  /** JSON text of the metadata. */
  readonly metadata: string;
  /** Of data and tombstones: written under a condition. */
  readonly conditional?: true | undefined;
}

/** A head as it was read. */
export interface RecordHead extends RecordFields {
  readonly headBytes: number;
  /** Length of data in the record itself. */
  readonly dataBytes: number;
  /** CRC of each block of the data. */
  readonly blocks: readonly number[];
  /** The head's own CRC: its identity in the frame that closes its group. */
  readonly crc: number;
}

/** Where a record stands, and how long it is with its padding. */
export interface Location {
  readonly volume: number;
  readonly offset: number;
  readonly headBytes: number;
  readonly recordBytes: number;
}

export function padded(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

export function blockCount(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES);
}

export function recordBytesOf({ headBytes, dataBytes }: { headBytes: number; dataBytes: number }): number {
  return padded(headBytes + dataBytes);
}

/** CRC of each block of `data`. */
export function blockChecksums(data: Buffer, crc32: Checksum): number[] {
  const crcs: number[] = [];
  if (data.length <= BLOCK_BYTES) {
    if (data.length > 0) crcs.push(crc32(data));
    return crcs;
  }
  for (let at = 0; at < data.length; at += BLOCK_BYTES) crcs.push(crc32(data.subarray(at, at + BLOCK_BYTES)));
  return crcs;
}

export interface HeadSource {
  readonly fields: RecordFields;
  readonly dataBytes: number;
  readonly blocks: readonly number[];
}

/** Length of the head that `encodeHead` will write. */
export function headBytesOf({ fields, blocks }: HeadSource): number {
  return FIXED_BYTES + blocks.length * 4 + Buffer.byteLength(fields.name) + Buffer.byteLength(fields.metadata);
}

/** Writes a head at `at` of `target` and answers its CRC. */
export function encodeHead(source: HeadSource, { target, at, headBytes, nonce, crc32 }: { target: Buffer; at: number; headBytes: number; nonce: number; crc32: Checksum }): number {
  const { fields, dataBytes, blocks } = source;
  assert(headBytes <= MAX_HEAD_BYTES, 'a head longer than any name and metadata may be');
  target.writeUInt32LE(RECORD_MAGIC, at);
  target.writeUInt32LE(FORMAT_VERSION | (fields.type << 8) | (((fields.bigId !== 0 ? FLAG_BIG : 0) | (fields.conditional ? FLAG_CONDITIONAL : 0)) << 16), at + 8);
  target.writeUInt32LE(headBytes, at + 12);
  writeUint53(target, dataBytes, at + 16);
  writeUint53(target, fields.sequence, at + 24);
  writeUint53(target, fields.timestamp, at + 32);
  writeUint53(target, fields.base, at + 40);
  fields.key.copy(target, at + 48);
  writeUint53(target, fields.sizeBytes, at + 64);
  writeUint53(target, fields.bigId, at + 72);
  target.writeUInt32LE(blocks.length, at + 84);
  target.writeUInt32LE(0, at + 92);
  let end = at + FIXED_BYTES;
  for (const crc of blocks) end = target.writeUInt32LE(crc, end);
  const nameBytes = target.write(fields.name, end, 'utf8');
  const metadataBytes = target.write(fields.metadata, end + nameBytes, 'utf8');
  target.writeUInt32LE(nameBytes, at + 80);
  target.writeUInt32LE(metadataBytes, at + 88);
  const crc = crc32(target.subarray(at + 8, at + headBytes), nonce);
  target.writeUInt32LE(crc, at + 4);
  return crc;
}

/** The length a head at `at` claims, or undefined where there cannot be one. Reads the fixed part's first 16 bytes only. */
export function claimedHeadBytes(source: Buffer, at: number): number | undefined {
  if (source.length < at + FIXED_BYTES || source.readUInt32LE(at) !== RECORD_MAGIC || source[at + 8] !== FORMAT_VERSION) return undefined;
  const headBytes = source.readUInt32LE(at + 12);
  return headBytes >= FIXED_BYTES && headBytes <= MAX_HEAD_BYTES ? headBytes : undefined;
}

/** Reads a head that begins at `at` and lies in `source` whole; undefined where its CRC, or anything else, does not hold. */
export function decodeHead(source: Buffer, at: number, { nonce, crc32 }: { nonce: number; crc32: Checksum }): RecordHead | undefined {
  const headBytes = claimedHeadBytes(source, at);
  if (headBytes === undefined || source.length < at + headBytes) return undefined;
  const crc = source.readUInt32LE(at + 4);
  if (crc32(source.subarray(at + 8, at + headBytes), nonce) !== crc) return undefined;
  const count = source.readUInt32LE(at + 84);
  const nameBytes = source.readUInt32LE(at + 80);
  const metadataBytes = source.readUInt32LE(at + 88);
  const dataBytes = readUint53(source, at + 16);
  const nameAt = at + FIXED_BYTES + count * 4;
  if (FIXED_BYTES + count * 4 + nameBytes + metadataBytes !== headBytes || count !== blockCount(dataBytes)) return undefined;
  const blocks: number[] = [];
  for (let i = 0; i < count; i++) blocks.push(source.readUInt32LE(at + FIXED_BYTES + i * 4));
  return {
    type: source[at + 9] as RecordType,
    headBytes,
    dataBytes,
    blocks,
    crc,
    sequence: readUint53(source, at + 24),
    timestamp: readUint53(source, at + 32) as Timestamp,
    base: readUint53(source, at + 40) as Timestamp,
    key: Buffer.from(source.subarray(at + 48, at + 64)),
    sizeBytes: readUint53(source, at + 64),
    bigId: readUint53(source, at + 72),
    name: source.toString('utf8', nameAt, nameAt + nameBytes),
    metadata: source.toString('utf8', nameAt + nameBytes, at + headBytes),
    ...((source[at + 10]! & FLAG_CONDITIONAL) === 0 ? {} : { conditional: true as const }),
  };
}

/** True if every block of `data`, which begins at block `first`, has the CRC its head says. */
export function dataHolds(data: Buffer, { blocks, first = 0, crc32 }: { blocks: readonly number[]; first?: number; crc32: Checksum }): boolean {
  for (let at = 0, block = first; at < data.length; at += BLOCK_BYTES, block++) {
    if (crc32(data.length <= BLOCK_BYTES ? data : data.subarray(at, at + BLOCK_BYTES)) !== blocks[block]) return false;
  }
  return true;
}

export function metadataOf(head: RecordHead): Metadata {
  return head.metadata === '' ? {} : (JSON.parse(head.metadata) as Metadata);
}

/** Whole numbers below 2^53 as 8 bytes, little end first. */
export function writeUint53(target: Buffer, value: number, at: number): void {
  target.writeUInt32LE(value >>> 0, at);
  target.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}

export function readUint53(source: Buffer, at: number): number {
  return source.readUInt32LE(at) + source.readUInt32LE(at + 4) * 2 ** 32;
}

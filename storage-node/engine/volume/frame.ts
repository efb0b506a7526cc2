/**
 * Commit frames: each closes a group of records that were written and synced together, says which they are, and holds the
 * hash of the frame before it. A record counts only when its frame does; the chain of hashes is the device's history,
 * from its first write to its last.
 */
import { hash } from 'node:crypto';
import { readUint53, writeUint53, type Checksum } from './record.ts';

export const FRAME_MAGIC = 0x31_46_72_47; // 'GrF1'
export const FRAME_BYTES = 80;
export const HASH_BYTES = 16;
/** What the first frame of a device holds as the hash before it. */
export const NO_HASH: Buffer = Buffer.alloc(HASH_BYTES);
const FORMAT_VERSION = 1;

export interface FrameFields {
  /** Offset in the volume of the group's first record. */
  readonly groupOffset: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** CRC over the head CRCs of the group's records in order: with them, all of the group is covered. */
  readonly groupCrc: number;
  readonly previousHash: Buffer;
  /** When the group was written, ms since the epoch. */
  readonly writtenAtMs: number;
}

/** Writes a frame at `at` of `target` (FRAME_BYTES long) and answers its hash. */
export function encodeFrame(fields: FrameFields, { target, at, nonce, crc32 }: { target: Buffer; at: number; nonce: number; crc32: Checksum }): Buffer {
  target.writeUInt32LE(FRAME_MAGIC, at);
  target.writeUInt32LE(FORMAT_VERSION, at + 8);
  target.writeUInt32LE(fields.groupCrc, at + 12);
  writeUint53(target, fields.groupOffset, at + 16);
  writeUint53(target, fields.firstSequence, at + 24);
  writeUint53(target, fields.lastSequence, at + 32);
  writeUint53(target, Math.floor(fields.writtenAtMs), at + 40);
  fields.previousHash.copy(target, at + 48);
  target.fill(0, at + 64, at + FRAME_BYTES);
  target.writeUInt32LE(crc32(target.subarray(at + 8, at + FRAME_BYTES), nonce), at + 4);
  return hashOf(target, at);
}

/** Reads a frame at `at`; undefined where its CRC does not hold. */
export function decodeFrame(source: Buffer, at: number, { nonce, crc32 }: { nonce: number; crc32: Checksum }): (FrameFields & { hash: Buffer }) | undefined {
  if (source.length < at + FRAME_BYTES || source.readUInt32LE(at) !== FRAME_MAGIC || source.readUInt32LE(at + 8) !== FORMAT_VERSION) return undefined;
  if (crc32(source.subarray(at + 8, at + FRAME_BYTES), nonce) !== source.readUInt32LE(at + 4)) return undefined;
  return {
    groupCrc: source.readUInt32LE(at + 12),
    groupOffset: readUint53(source, at + 16),
    firstSequence: readUint53(source, at + 24),
    lastSequence: readUint53(source, at + 32),
    writtenAtMs: readUint53(source, at + 40),
    previousHash: Buffer.from(source.subarray(at + 48, at + 48 + HASH_BYTES)),
    hash: hashOf(source, at),
  };
}

/** CRC over head CRCs, one after the other. */
export function groupChecksum(headCrcs: readonly number[], crc32: Checksum): number {
  const bytes = Buffer.allocUnsafe(headCrcs.length * 4);
  headCrcs.forEach((crc, i) => bytes.writeUInt32LE(crc, i * 4));
  return crc32(bytes);
}

function hashOf(source: Buffer, at: number): Buffer {
  return hash('sha256', source.subarray(at, at + FRAME_BYTES), 'buffer').subarray(0, HASH_BYTES);
}

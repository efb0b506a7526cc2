/**
 * Index entries: what the index knows of a key, and where its records are. The index key is a letter and the 16 bytes of
 * the object's key, so that entries in order are partitions in order:
 *
 *   o <key>  entry         p <key>  pending mark        c  the checkpoint        d <page>  digests of 256 slices (digests.ts)
 *   q <key>  promise (promises.ts)   r <key>  what was lost to damage (damages.ts)
 */
import { crc32 } from 'node:zlib';
import type { Timestamp } from '#common';
import type { ObjectState } from '#storage-node/protocol';
import { readUint53, writeUint53, type Location } from './record.ts';

/** State of a key and the place of its records. Never changed once made. */
export interface Entry extends ObjectState {
  /** The data record or tombstone. */
  readonly data: Location;
  /** The META record in force, where there is one. */
  readonly meta: Location | undefined;
  /** The big file with the data; 0 for none. */
  readonly bigId: number;
}

const LOCATION_BYTES = 24;
const ENTRY_BYTES = 40 + 2 * LOCATION_BYTES;
/** Of entries with a checksum; those of version 1 have none. */
const VERSION = 2;
const UNCHECKED_VERSION = 1;
const DELETED = 1;
const HAS_META = 2;
const CONDITIONAL = 4;

export const ENTRY_PREFIX = 0x6f; // o
export const PENDING_PREFIX = 0x70; // p
export const PROMISE_PREFIX = 0x71; // q
export const DAMAGE_PREFIX = 0x72; // r
export const CHECKPOINT_KEY: Buffer = Buffer.from('c');

/** Text of a key for Maps: one character a byte. */
export function textOf(key: Buffer): string {
  return key.toString('latin1', 0, 16);
}

export function indexKey(prefix: number, keyText: string): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = prefix;
  key.write(keyText, 1, 'latin1');
  return key;
}

/** The key text in an index key. */
export function textOfIndexKey(indexKey: Buffer): string {
  return indexKey.toString('latin1', 1, 17);
}

/** The value of an entry: its checksum covers the key too, so that neither rots without notice. */
export function encodeEntry(keyText: string, entry: Entry): Buffer {
  const buffer = Buffer.allocUnsafe(entry.meta ? ENTRY_BYTES : ENTRY_BYTES - LOCATION_BYTES);
  buffer.writeUInt32LE(VERSION | ((entry.deleted ? DELETED : 0) << 8) | ((entry.meta ? HAS_META : 0) << 8) | ((entry.conditional ? CONDITIONAL : 0) << 8), 0);
  writeUint53(buffer, entry.timestamp, 8);
  writeUint53(buffer, entry.metaTimestamp, 16);
  writeUint53(buffer, entry.sizeBytes, 24);
  writeUint53(buffer, entry.bigId, 32);
  encodeLocation(entry.data, buffer, 40);
  if (entry.meta) encodeLocation(entry.meta, buffer, 40 + LOCATION_BYTES);
  buffer.writeUInt32LE(checksumOf(keyText, buffer), 4);
  return buffer;
}

/** Undefined where it is damaged. */
export function decodeEntry(keyText: string, buffer: Buffer): Entry | undefined {
  if (!holds(keyText, buffer)) return undefined;
  const flags = buffer[1] ?? 0;
  const entry: Entry = {
    timestamp: readUint53(buffer, 8) as Timestamp,
    deleted: (flags & DELETED) !== 0,
    metaTimestamp: readUint53(buffer, 16) as Timestamp,
    sizeBytes: readUint53(buffer, 24),
    bigId: readUint53(buffer, 32),
    data: decodeLocation(buffer, 40),
    meta: (flags & HAS_META) === 0 ? undefined : decodeLocation(buffer, 40 + LOCATION_BYTES),
  };
  return (flags & CONDITIONAL) === 0 ? entry : { ...entry, conditional: true };
}

function holds(keyText: string, buffer: Buffer): boolean {
  if (buffer[0] === UNCHECKED_VERSION) return buffer.length >= ENTRY_BYTES - LOCATION_BYTES;
  return buffer[0] === VERSION && buffer.length >= ENTRY_BYTES - LOCATION_BYTES && buffer.readUInt32LE(4) === checksumOf(keyText, buffer);
}

/** CRC-32 of all but the checksum itself, and of the key. */
function checksumOf(keyText: string, buffer: Buffer): number {
  return crc32(buffer.subarray(8), crc32(keyText, buffer.readUInt32LE(0)));
}

function encodeLocation(location: Location, buffer: Buffer, at: number): void {
  buffer.writeUInt32LE(location.volume, at);
  buffer.writeUInt32LE(location.headBytes, at + 4);
  writeUint53(buffer, location.offset, at + 8);
  writeUint53(buffer, location.recordBytes, at + 16);
}

function decodeLocation(buffer: Buffer, at: number): Location {
  return {
    volume: buffer.readUInt32LE(at),
    headBytes: buffer.readUInt32LE(at + 4),
    offset: readUint53(buffer, at + 8),
    recordBytes: readUint53(buffer, at + 16),
  };
}

export function sameLocation(a: Location | undefined, b: Location | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.volume === b.volume && a.offset === b.offset);
}

/** The entry's state alone, as the port shows it. */
export function stateOf(entry: Entry): ObjectState;
export function stateOf(entry: Entry | undefined): ObjectState | undefined;
export function stateOf(entry: Entry | undefined): ObjectState | undefined {
  if (entry === undefined) return undefined;
  const { timestamp, deleted, metaTimestamp, sizeBytes } = entry;
  const state: ObjectState = { timestamp, deleted, metaTimestamp, sizeBytes };
  return entry.conditional ? { ...state, conditional: true } : state;
}

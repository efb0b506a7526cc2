/**
 * The order-free digest of a database's rows: the sum of a hash of each row, tombstones too. Adding a row's hash and taking
 * one away are exact inverses, so the digest is kept up to date with each change and never computed over all rows.
 * The sum runs in four lanes of 32 bits (the group Z/2^32 four times): cheaper than one addition of 128 bits and as order-free.
 */
import { hash } from 'node:crypto';
import type { ListingRow } from '#storage-node/protocol';

/** Four lanes; all zero for no rows. */
export type Digest = Uint32Array;

export function emptyDigest(): Digest {
  return new Uint32Array(4);
}

export function addRow(digest: Digest, row: ListingRow): void {
  const bytes = hashRow(row);
  for (let lane = 0; lane < 4; lane++) digest[lane] = digest[lane]! + bytes.readUInt32BE(lane * 4);
}

export function removeRow(digest: Digest, row: ListingRow): void {
  const bytes = hashRow(row);
  for (let lane = 0; lane < 4; lane++) digest[lane] = digest[lane]! - bytes.readUInt32BE(lane * 4);
}

/** 32 hex digits. */
export function formatDigest(digest: Digest): string {
  let text = '';
  for (const lane of digest) text += lane.toString(16).padStart(8, '0');
  return text;
}

export function parseDigest(text: string): Digest {
  return Uint32Array.from({ length: 4 }, (_, lane) => Number.parseInt(text.slice(lane * 8, lane * 8 + 8), 16));
}

/** Replicas in one process are given the same row: it is hashed once for all of them. */
const hashes = new WeakMap<ListingRow, Buffer>();

/** The NUL between fields occurs in none of them, so unlike rows never have one text. */
function hashRow(row: ListingRow): Buffer {
  let bytes = hashes.get(row);
  if (bytes === undefined) hashes.set(row, (bytes = hashOf(row)));
  return bytes;
}

function hashOf(row: ListingRow): Buffer {
  const numbers = `${row.timestamp} ${row.metaTimestamp} ${row.bytes} ${row.count} ${row.policy} ${row.deleted ? 1 : 0}`;
  return hash('sha256', `${row.name}\0${numbers}\0${row.etag}\0${row.contentType}`, 'buffer');
}

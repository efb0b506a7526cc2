/**
 * The keys of a device's listing database. All are text: UTF-8 in byte order is the order of names, and level hands text to
 * JavaScript three times as fast as buffers.
 *
 *     d<kind><key>   state of a database: JSON with its id (kind is a or c, key 32 hex digits)
 *     i<id>          which database has the id: <kind><key>
 *     f<id>          its figures: totals, digest, what was last reported
 *     l<id><name>    a live row
 *     t<id><name>    a tombstone
 *     u<id>          a container whose account does not know its figures yet
 *
 * Tombstones have a range of their own, so that a listing never walks over the deleted and reclaiming never over the living.
 */
import { textAfterPrefix, type DatabaseName } from '#storage-node/protocol';

/** Digits of base 36: ids grow to 78 billion databases of a device, and sort as they count. */
const ID_LENGTH = 7;

/** `<kind><key>`. */
export type DatabaseKey = string;
/** Seven digits of base 36. */
export type DatabaseId = string;

export const ROW_PREFIX_LENGTH = 1 + ID_LENGTH;

export function databaseKey(name: DatabaseName): DatabaseKey {
  return (name.kind === 'account' ? 'a' : 'c') + name.key.toString('hex');
}

export function formatId(id: number): DatabaseId {
  return id.toString(36).padStart(ID_LENGTH, '0');
}

export function parseId(id: DatabaseId): number {
  return Number.parseInt(id, 36);
}

export const stateKey = (key: DatabaseKey): string => `d${key}`;
export const idKey = (id: DatabaseId): string => `i${id}`;
export const figuresKey = (id: DatabaseId): string => `f${id}`;
export const unreportedKey = (id: DatabaseId): string => `u${id}`;
export const liveKey = (id: DatabaseId, name: string): string => `l${id}${name}`;
export const tombstoneKey = (id: DatabaseId, name: string): string => `t${id}${name}`;

/** The state keys of databases whose keys' leading `bits` bits are `first` or one of the `count - 1` numbers after it. */
export function stateRange(kind: DatabaseName['kind'], { bits, first, count }: { bits: number; first: number; count: number }): { gte: string; lt: string } {
  const letter = kind === 'account' ? 'a' : 'c';
  const bound = (number: number): string => (number >= 2 ** bits ? 'g' : (number * 2 ** (32 - bits)).toString(16).padStart(8, '0'));
  return { gte: stateKey(letter + bound(first)), lt: stateKey(letter + bound(first + count)) };
}

/** Everything that starts with `prefix` (not empty, not all U+10FFFF). */
export function rangeOf(prefix: string): { gte: string; lt: string } {
  return { gte: prefix, lt: textAfterPrefix(prefix)! };
}

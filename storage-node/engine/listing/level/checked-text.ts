/**
 * Values under a checksum that covers their key too: LevelDB does not look at its own when it reads, and a flipped bit would be taken for a row.
 * `~`, six characters of FNV-1a (32 bits, Fowler, Noll and Vo), then the value. A single flipped bit always changes it, anything else but for one in four
 * billion. Values of before have no `~` and are taken as they are.
 */
import { StoreError } from '#common';

const MARK = 0x7e; // ~
const CHECK_LENGTH = 6;
const ZERO = 0x30;
const DIGIT_BITS = 6;
const DIGIT_MASK = 63;

export function seal(key: string, text: string): string {
  const sum = sumOf(key, text, 0);
  let check = '~';
  for (let shift = DIGIT_BITS * (CHECK_LENGTH - 1); shift >= 0; shift -= DIGIT_BITS) check += String.fromCharCode(ZERO + (shift > 24 ? sum >>> shift : (sum >>> shift) & DIGIT_MASK));
  return check + text;
}

/** The text that was sealed. Throws `corrupt`, with the key in its detail. */
export function unseal(key: string, value: string): string {
  const first = value.charCodeAt(0);
  // JSON or a number: of before there were checksums.
  if (first === 0x7b || first === 0x5b || (first >= ZERO && first <= ZERO + 9)) return value;
  let check = 0;
  for (let at = 1; at <= CHECK_LENGTH; at++) check = check * (DIGIT_MASK + 1) + (value.charCodeAt(at) - ZERO);
  if (first !== MARK || check !== sumOf(key, value, 1 + CHECK_LENGTH)) throw new StoreError('corrupt', 'a stored value is damaged', { detail: { key } });
  return value.slice(1 + CHECK_LENGTH);
}

/** Over the key and the value from `from` on, by UTF-16 units. */
function sumOf(key: string, value: string, from: number): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) sum = Math.imul(sum ^ key.charCodeAt(at), 0x01000193);
  for (let at = from; at < value.length; at++) sum = Math.imul(sum ^ value.charCodeAt(at), 0x01000193);
  return sum >>> 0;
}

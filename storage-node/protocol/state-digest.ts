/**
 * What replicas compare instead of everything they hold: the sum of a hash of each (key, state). Sums are the same in whatever order
 * states came, and adding a state's hash and taking it away are exact inverses, so a sum is kept up to date with each change and never
 * computed over all keys; and the sum over a range of keys is the sum of its parts' sums. Both sides must hash alike: this is the wire.
 */
import type { ObjectState } from './object-engine.ts';

/** 32-bit lanes of a digest: two sums beside each other, hashed with constants of their own. */
export const DIGEST_LANES = 2;
export const DIGEST_BYTES: number = DIGEST_LANES * 4;

/** Adds the hash of a state to the digest at index `at` of `lanes`. `keyText` has one character a byte. */
export function addState(lanes: Uint32Array, at: number, keyText: string, state: ObjectState): void {
  hash(keyText, state);
  lanes[at] = lanes[at]! + first;
  lanes[at + 1] = lanes[at + 1]! + second;
}

/** Takes away what `addState` added. */
export function removeState(lanes: Uint32Array, at: number, keyText: string, state: ObjectState): void {
  hash(keyText, state);
  lanes[at] = lanes[at]! - first;
  lanes[at + 1] = lanes[at + 1]! - second;
}

/** The number that the leading `bits` bits of a key are: 0 to 30 bits. */
export function prefixOf(keyText: string, bits: number): number {
  const word = (keyText.charCodeAt(0) << 24) | (keyText.charCodeAt(1) << 16) | (keyText.charCodeAt(2) << 8) | keyText.charCodeAt(3);
  return bits === 0 ? 0 : word >>> (32 - bits);
}

let first = 0;
let second = 0;

/**
 * Two runs of MurmurHash3's rounds. Keys are salted MD5, which a client cannot choose, so that no stronger hash is needed; 64 bits of the
 * key are enough to tell keys of one range apart.
 */
function hash(keyText: string, { timestamp, metaTimestamp, deleted, sizeBytes }: ObjectState): void {
  first = 0x2545f491;
  second = 0x9e3779b9;
  round((keyText.charCodeAt(4) << 24) | (keyText.charCodeAt(5) << 16) | (keyText.charCodeAt(6) << 8) | keyText.charCodeAt(7));
  round((keyText.charCodeAt(8) << 24) | (keyText.charCodeAt(9) << 16) | (keyText.charCodeAt(10) << 8) | keyText.charCodeAt(11));
  round(timestamp >>> 0);
  // Timestamps have 53 bits: the sign bit of the upper word is free.
  round(Math.floor(timestamp / 2 ** 32) | (deleted ? 0x80000000 : 0));
  round(sizeBytes >>> 0);
  round(Math.floor(sizeBytes / 2 ** 32));
  if (metaTimestamp !== timestamp) {
    round(metaTimestamp >>> 0);
    round(Math.floor(metaTimestamp / 2 ** 32));
  }
  first = finish(first);
  second = finish(second);
}

function round(word: number): void {
  const a = Math.imul(word, 0xcc9e2d51);
  first ^= Math.imul((a << 15) | (a >>> 17), 0x1b873593);
  first = (Math.imul((first << 13) | (first >>> 19), 5) + 0xe6546b64) | 0;
  const b = Math.imul(word, 0x239b961b);
  second ^= Math.imul((b << 16) | (b >>> 16), 0xab0e9789);
  second = (Math.imul((second << 17) | (second >>> 15), 5) + 0x0bcaa747) | 0;
}

function finish(bits: number): number {
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** The key of one encrypted body: how it is stored with the object, and the cipher (AES-256 in counter mode) that starts at any byte. */
import { createCipheriv, randomBytes, type Cipheriv } from 'node:crypto';
import { StoreError } from '#common';
import type { Metadata } from '#storage-node/protocol';
import type { Keymaster, WrappedKey } from './keymaster.ts';

/** Metadata of an object whose body is encrypted: kind of keymaster, id of its key, wrapped key and counter, in base64. */
export const BODY_KEY = 'crypt:body';

const KEY_BYTES = 32;
const BLOCK_BYTES = 16;
const COUNTERS = 1n << 128n;

export interface BodyKey {
  readonly key: Buffer;
  /** The counter of the first block. */
  readonly counter: Buffer;
}

/** What tells of an encrypted body without any key. */
export interface BodyEncryption extends WrappedKey {
  readonly kind: string;
  readonly counter: Buffer;
}

/** A new key, and the metadata value that keeps it. */
export async function newBodyKey(keymaster: Keymaster): Promise<{ bodyKey: BodyKey; stored: string }> {
  const bodyKey = { key: randomBytes(KEY_BYTES), counter: randomBytes(BLOCK_BYTES) };
  const { id, wrapped } = await keymaster.wrap(bodyKey.key);
  return { bodyKey, stored: [keymaster.kind, encodeURIComponent(id), wrapped.toString('base64'), bodyKey.counter.toString('base64')].join(' ') };
}

/** How the body of an object with this metadata is encrypted; undefined where it is not. */
export function encryptionOf(metadata: Metadata): BodyEncryption | undefined {
  const stored = metadata[BODY_KEY];
  if (stored === undefined) return undefined;
  const [kind, id, wrapped, counter] = stored.split(' ');
  if (kind === undefined || id === undefined || wrapped === undefined || counter === undefined) throw new StoreError('corrupt', 'a stored key cannot be read');
  return { kind, id: decodeURIComponent(id), wrapped: Buffer.from(wrapped, 'base64'), counter: Buffer.from(counter, 'base64') };
}

/** Encrypts and decrypts (in counter mode they are the same) what begins at a byte of the body. */
export function cipherAt({ key, counter }: BodyKey, offset: number): Cipheriv {
  const block = BigInt(`0x${counter.toString('hex')}`) + BigInt(Math.floor(offset / BLOCK_BYTES));
  const start = Buffer.from((block % COUNTERS).toString(16).padStart(2 * BLOCK_BYTES, '0'), 'hex');
  const cipher = createCipheriv('aes-256-ctr', key, start);
  const skipped = offset % BLOCK_BYTES;
  if (skipped > 0) cipher.update(Buffer.alloc(skipped));
  return cipher;
}

/** A key that a client sends with each request (S3's SSE-C): it wraps the keys of what it stores, and is never kept. */
import { hash } from 'node:crypto';
import { StoreError } from '#common';
import type { Keymaster, WrappedKey } from './keymaster.ts';
import { seal, unseal } from './sealed.ts';

const CLIENT = 'client';

export class ClientKey implements Keymaster {
  readonly kind = CLIENT;
  /** MD5 of the key in base64, as S3 shows it: it is stored, and tells which key is wanted. */
  readonly id: string;
  readonly #key: Buffer;

  /** 32 bytes. */
  constructor(key: Buffer) {
    if (key.length !== 32) throw new StoreError('bad-request', 'the key must have 256 bits');
    this.#key = key;
    this.id = hash('md5', key, 'base64');
  }

  async wrap(bodyKey: Buffer): Promise<WrappedKey> {
    return { id: this.id, wrapped: seal(this.#key, bodyKey, CLIENT) };
  }

  async unwrap({ wrapped }: WrappedKey): Promise<Buffer> {
    const key = unseal(this.#key, wrapped, CLIENT);
    if (key === undefined) throw new StoreError('forbidden', 'the object was stored under another key');
    return key;
  }
}

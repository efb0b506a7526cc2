/** Named keys that the operator keeps in the configuration: what S3 calls KMS keys, where there is no key service. Each wraps the keys of bodies that ask for it by its id. */
import { StoreError } from '#common';
import type { Keymaster, WrappedKey } from './keymaster.ts';
import { seal, unseal } from './sealed.ts';

const KIND = 'kms';

/** Reads what any of the keys wrapped; writes with the one that `keyed` names. */
export class LocalKeys implements Keymaster {
  readonly kind = KIND;
  readonly #keys: ReadonlyMap<string, Buffer>;

  /** 32 bytes each, by id. */
  constructor(keys: ReadonlyMap<string, Buffer>) {
    for (const [id, key] of keys) if (key.length !== 32) throw new StoreError('bad-request', `the key ${JSON.stringify(id)} has ${key.length} bytes; it must have 32`);
    this.#keys = keys;
  }

  /** The keymaster that writes with one key; undefined where there is none of that id. */
  keyed(id: string): Keymaster | undefined {
    const key = this.#keys.get(id);
    if (key === undefined) return undefined;
    return { kind: KIND, wrap: async (bodyKey) => ({ id, wrapped: seal(key, bodyKey, KIND) }), unwrap: (wrapped) => this.unwrap(wrapped) };
  }

  wrap(): Promise<WrappedKey> {
    return Promise.reject(new StoreError('bad-request', 'which key?'));
  }

  async unwrap({ id, wrapped }: WrappedKey): Promise<Buffer> {
    const key = this.#keys.get(id);
    if (key === undefined) throw new StoreError('unavailable', `the key ${JSON.stringify(id)} is not in the configuration`);
    const bodyKey = unseal(key, wrapped, KIND);
    if (bodyKey === undefined) throw new StoreError('unavailable', `the key ${JSON.stringify(id)} is not the one that this was encrypted with`);
    return bodyKey;
  }
}

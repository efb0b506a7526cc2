/**
 * The cluster's own root secrets, by their ids: the active one for what is written, all of them for what was. A new secret is made active
 * beside the old ones; an old one may go when nothing that it wrapped is left.
 */
import { createHmac } from 'node:crypto';
import { StoreError } from '#common';
import type { Keymaster, WrappedKey } from './keymaster.ts';
import { seal, unseal } from './sealed.ts';

const BODIES = 'bodies';

export class RootSecrets implements Keymaster {
  readonly kind = 'root';
  readonly active: string;
  readonly #secrets: ReadonlyMap<string, Buffer>;

  /** Secrets of at least 32 bytes each; `active` is the id of one. */
  constructor({ active, secrets }: { active: string; secrets: ReadonlyMap<string, Buffer> }) {
    if (!secrets.has(active)) throw new StoreError('bad-request', `there is no root secret ${JSON.stringify(active)}, which should be the active one`);
    for (const [id, secret] of secrets) if (secret.length < 32) throw new StoreError('bad-request', `the root secret ${JSON.stringify(id)} has ${secret.length} bytes; 32 are needed`);
    this.active = active;
    this.#secrets = secrets;
  }

  /** The same with one more secret, which is not the active one. */
  beside(id: string, secret: Buffer): RootSecrets {
    return new RootSecrets({ active: this.active, secrets: new Map([[id, secret], ...this.#secrets]) });
  }

  /** A key for one purpose, of the secret of that id. Throws `unavailable` where it is not known. */
  derive(id: string, purpose: string): Buffer {
    const secret = this.#secrets.get(id);
    if (secret === undefined) throw new StoreError('unavailable', `the root secret ${JSON.stringify(id)} is not in the key file`);
    return createHmac('sha256', secret).update(purpose).digest();
  }

  async wrap(bodyKey: Buffer): Promise<WrappedKey> {
    return { id: this.active, wrapped: seal(this.derive(this.active, BODIES), bodyKey, BODIES) };
  }

  async unwrap({ id, wrapped }: WrappedKey): Promise<Buffer> {
    const key = unseal(this.derive(id, BODIES), wrapped, BODIES);
    if (key === undefined) throw new StoreError('unavailable', `the root secret ${JSON.stringify(id)} in the key file is not the one that this was encrypted with`);
    return key;
  }
}

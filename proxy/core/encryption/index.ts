/**
 * Encryption of what is stored, invisible to who reads it: bodies by keys of their own (keymaster.ts tells of theirs), metadata and rows by the
 * cluster's root secrets. Tags stay those of what was sent, lengths are the same, and any range is read without the bytes before it.
 */
import { StoreError } from '#common';
import type { ListingEntry, Metadata, ObjectInfo } from '#storage-node/protocol';
import type { OpenObject } from '../resumable-object.ts';
import { encryptionOf, type BodyKey } from './body-key.ts';
import { DecryptedObject } from './decrypted-object.ts';
import type { Keymaster } from './keymaster.ts';
import { LocalKeys } from './local-keys.ts';
import { isSealed, isSealedRow, MetadataSeal } from './metadata-seal.ts';
import type { RootSecrets } from './root-secrets.ts';

export { BODY_KEY, cipherAt, encryptionOf, newBodyKey, type BodyEncryption, type BodyKey } from './body-key.ts';
export { ClientKey } from './client-key.ts';
export type { Keymaster, WrappedKey } from './keymaster.ts';
export { LocalKeys } from './local-keys.ts';
export { RootSecrets } from './root-secrets.ts';
export { seal, unseal } from './sealed.ts';

export interface EncryptionOptions {
  /** Undefined where there are none: nothing is encrypted but under a client's key. */
  readonly roots?: RootSecrets | undefined;
  /** Whether what is written from now on is encrypted; what was is read either way. */
  readonly enabled?: boolean;
  /** More keymasters, whose bodies are read without one in the request. */
  readonly keymasters?: readonly Keymaster[];
}

export class Encryption {
  /** The cluster's own secrets, for dialects that let a client ask for encryption under them. */
  readonly roots: RootSecrets | undefined;
  /** Of bodies whose writer names none; undefined where those are not encrypted. */
  readonly byDefault: Keymaster | undefined;
  readonly #seal: MetadataSeal | undefined;
  readonly #keymasters: ReadonlyMap<string, Keymaster>;

  constructor({ roots, enabled = false, keymasters = [] }: EncryptionOptions) {
    this.roots = roots;
    this.byDefault = enabled ? roots : undefined;
    this.#seal = roots === undefined ? undefined : new MetadataSeal(roots);
    this.#keymasters = new Map([...(roots === undefined ? [] : [roots]), ...keymasters].map((keymaster) => [keymaster.kind, keymaster]));
  }

  /** The keymaster of a key that clients may name; undefined where there is none of that id. */
  namedKey(id: string): Keymaster | undefined {
    const keys = this.#keymasters.get('kms');
    return keys instanceof LocalKeys ? keys.keyed(id) : undefined;
  }

  /** Metadata as they are to be stored of the object of that full name. */
  sealed(name: string, metadata: Metadata): Metadata {
    return this.byDefault === undefined || this.#seal === undefined ? metadata : this.#seal.seal(name, metadata);
  }

  /** An info with its metadata as they were before they were sealed. Throws `unavailable` where the secret is missing. */
  opened(info: ObjectInfo): ObjectInfo {
    return isSealed(info.metadata) ? this.#sealOf().open(info) : info;
  }

  openedRows(name: { account: string; container: string }, entries: readonly ListingEntry[]): readonly ListingEntry[] {
    return entries.some(isSealedRow) ? this.#sealOf().openRows(name.account, name.container, entries) : entries;
  }

  /**
   * An object as its client sees it, with the keymaster that came with the request. With `asStored` the body is left as it is, its key among the
   * metadata. Throws `forbidden` where the body is under a key that the client has to send, and did not.
   */
  async openedObject(stored: OpenObject, { keymaster, asStored = false }: { keymaster?: Keymaster | undefined; asStored?: boolean }): Promise<OpenObject> {
    const info = this.opened(stored.info);
    const encryption = asStored ? undefined : encryptionOf(info.metadata);
    if (encryption === undefined && info === stored.info) return stored;
    let bodyKey: BodyKey | undefined;
    if (encryption !== undefined) {
      const { kind, counter } = encryption;
      const keeper = keymaster?.kind === kind ? keymaster : this.#keymasters.get(kind);
      if (keeper === undefined) throw new StoreError('forbidden', `the object is encrypted, and its key (${kind}) is not the cluster's`);
      bodyKey = { key: await keeper.unwrap(encryption), counter };
    }
    return new DecryptedObject(stored, info, bodyKey);
  }

  #sealOf(): MetadataSeal {
    if (this.#seal === undefined) throw new StoreError('unavailable', 'what is stored is sealed, and this process has no key file');
    return this.#seal;
  }
}

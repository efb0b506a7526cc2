/**
 * Identities as the cluster keeps them: each a small object of the store's own, replicated and durable like any other, and written on the
 * condition that nobody changed it meanwhile. Their names are listed by the container's database, in the order of their bytes.
 */
import { isStoreError, StoreError } from '#common';
import { bodyOfBuffer, bodyOfChunks } from '#common/stream';
import { CONTENT_TYPE, ETAG, ifAbsent, type ObjectName, type Store, type WriteCondition } from '#proxy/core';
import { isSubdirectory } from '#storage-node/protocol';

/** Accounts that begin with a dot are no identity service's. */
const PLACE = { account: '.gori', container: 'identities' };
const MAX_RECORD_BYTES = 1 << 20;
const CHANGE_ATTEMPTS = 20;

export type RecordKind = 'user' | 'user-name' | 'group' | 'group-name' | 'member' | 'role' | 'policy' | 'provider' | 'key';

/** Where a record is: of which account, by which name. Names may hold anything. */
export interface RecordName {
  readonly kind: RecordKind;
  readonly account: string;
  readonly name: string;
}

export interface Held<T> {
  readonly value: T;
  /** Changes with every other content. */
  readonly etag: string;
}

export class Records {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async read<T>(name: RecordName): Promise<Held<T> | undefined> {
    try {
      await using open = await this.#store.objects.get(targetOf(name));
      const { data, info } = open;
      const bytes = data ?? (await bodyOfChunks(open.read(0, info.sizeBytes), info.sizeBytes).collect(MAX_RECORD_BYTES));
      return { value: JSON.parse(bytes.toString('utf8')) as T, etag: info.metadata[ETAG] ?? '' };
    } catch (error) {
      if (isStoreError(error, 'object-not-found', 'container-not-found')) return undefined;
      throw error;
    }
  }

  /** False where there is one already. */
  create(name: RecordName, value: object): Promise<boolean> {
    return this.#put(name, value, ifAbsent);
  }

  /** False where it is no longer as it was. */
  replace(name: RecordName, value: object, etag: string): Promise<boolean> {
    return this.#put(name, value, unchangedSince(etag));
  }

  /**
   * Changes a record by what `change` makes of it, again where somebody else changed it meanwhile; `change` may throw, or answer undefined for no
   * change. Undefined where there is no such record.
   */
  async change<T extends object>(name: RecordName, change: (value: T) => T | undefined): Promise<T | undefined> {
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt++) {
      const held = await this.read<T>(name);
      if (held === undefined) return undefined;
      const next = change(held.value);
      if (next === undefined) return held.value;
      if (await this.replace(name, next, held.etag)) return next;
    }
    throw new StoreError('conflict', 'the identity is being changed by many');
  }

  async remove(name: RecordName): Promise<void> {
    await this.#store.objects.delete(targetOf(name)).catch((error: unknown) => {
      if (!isStoreError(error, 'object-not-found', 'container-not-found')) throw error;
    });
  }

  /** Removes a record as `mayGo` saw it, which throws where it may not go; looked at again where somebody changed it meanwhile. False where there is none. */
  async removeIf<T extends object>(name: RecordName, mayGo: (value: T) => void): Promise<boolean> {
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt++) {
      const held = await this.read<T>(name);
      if (held === undefined) return false;
      mayGo(held.value);
      const condition = unchangedSince(held.etag);
      const gone = await this.#store.objects.delete(targetOf(name), { condition }).then(() => true, (error: unknown) => {
        if (isStoreError(error, 'object-not-found', 'precondition-failed', 'conflict')) return false;
        throw error;
      });
      if (gone) return true;
    }
    throw new StoreError('conflict', 'the identity is being changed by many');
  }

  /** Names after `marker` that begin with `prefix`, at most `limit`. */
  async names({ kind, account }: Pick<RecordName, 'kind' | 'account'>, { marker = '', prefix = '', limit }: { marker?: string; prefix?: string; limit: number }): Promise<{ names: string[]; more: boolean }> {
    const folder = folderOf(kind, account);
    try {
      const page = await this.#store.containers.list(PLACE, { limit, marker: marker === '' ? '' : folder + packed(marker), endMarker: '', prefix: folder + packed(prefix), delimiter: '', reverse: false });
      return { names: page.entries.flatMap((row) => (isSubdirectory(row) ? [] : [unpacked(row.name.slice(folder.length))])), more: page.truncated };
    } catch (error) {
      if (isStoreError(error, 'container-not-found', 'account-not-found')) return { names: [], more: false };
      throw error;
    }
  }

  async #put(name: RecordName, value: object, condition: WriteCondition): Promise<boolean> {
    await this.#prepare();
    try {
      await this.#store.objects.put({ target: targetOf(name), body: bodyOfBuffer(Buffer.from(JSON.stringify(value))), metadata: { [CONTENT_TYPE]: 'application/json' }, condition });
      return true;
    } catch (error) {
      if (isStoreError(error, 'precondition-failed', 'conflict')) return false;
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    try {
      await this.#store.containers.summary(PLACE);
    } catch (error) {
      if (!isStoreError(error, 'container-not-found', 'account-not-found')) throw error;
      await this.#store.containers.put(PLACE, { metadata: {}, policy: undefined });
    }
  }
}

function unchangedSince(etag: string): WriteCondition {
  return (current) => {
    if (current?.metadata[ETAG] !== etag) throw new StoreError('precondition-failed', 'the record was changed');
  };
}

function targetOf({ kind, account, name }: RecordName): ObjectName {
  return { ...PLACE, object: folderOf(kind, account) + packed(name) };
}

function folderOf(kind: RecordKind, account: string): string {
  return `${kind}/${packed(account)}/`;
}

/** Order is kept: only what would be taken for structure is escaped. */
function packed(text: string): string {
  return text.replace(/[%\0]/g, (character) => (character === '%' ? '%25' : '%00')).replaceAll('/', '%2F');
}

function unpacked(text: string): string {
  return text.replaceAll('%2F', '/').replaceAll('%00', '\0').replaceAll('%25', '%');
}

/**
 * What is sealed of an object's metadata and of its row: everything but what storage nodes act on (when it expires, what it counts for) and
 * its content type, as in Swift. The seal is under a key of the cluster's root secrets, whoever keeps the key of the body: core has to know
 * tags and links without a client's key at hand. A row is sealed under a key of its container, so that equal objects do not look equal.
 */
import { createHmac } from 'node:crypto';
import { StoreError } from '#common';
import { LISTED_BYTES, LISTED_ETAG, splitName, type ListingRow, type Metadata, type ObjectInfo } from '#storage-node/protocol';
import { CONTENT_TYPE, DELETE_AT, ETAG } from '../metadata.ts';
import type { RootSecrets } from './root-secrets.ts';
import { seal, unseal } from './sealed.ts';

/** Id of the root secret, and what is sealed, in base64. */
const SEALED = 'crypt:metadata';
const CLEAR: readonly string[] = [CONTENT_TYPE, DELETE_AT, LISTED_BYTES];
/** Begins the tag of a row that is sealed; tags and what stands beside them begin otherwise. */
const ROW_MARK = '~';

export class MetadataSeal {
  readonly #roots: RootSecrets;

  constructor(roots: RootSecrets) {
    this.#roots = roots;
  }

  /** Metadata as they are stored of the object of that full name. */
  seal(name: string, metadata: Metadata): Metadata {
    const clear = Object.fromEntries(Object.entries(metadata).filter(([key]) => CLEAR.includes(key)));
    const { active } = this.#roots;
    const key = this.#roots.derive(active, `metadata ${name}`);
    const sealed = seal(key, Buffer.from(JSON.stringify(metadata)), name).toString('base64');
    return {
      ...clear,
      [SEALED]: `${encodeURIComponent(active)} ${sealed}`,
      // Replicas decide by it between writes of one moment; it tells nothing to who has no key.
      [ETAG]: createHmac('md5', key).update(sealed).digest('hex'),
      [LISTED_ETAG]: this.#sealRow(name, metadata[LISTED_ETAG] ?? metadata[ETAG] ?? ''),
    };
  }

  #sealRow(name: string, text: string): string {
    const { account, container } = splitName(name);
    const { active } = this.#roots;
    const sealed = seal(this.#roots.derive(active, rowPurpose(account, container)), Buffer.from(text), ROW_MARK);
    return `${ROW_MARK}${encodeURIComponent(active)} ${sealed.toString('base64')}`;
  }

  open(info: ObjectInfo): ObjectInfo {
    const [id = '', text = ''] = info.metadata[SEALED]!.split(' ');
    const plain = unseal(this.#roots.derive(decodeURIComponent(id), `metadata ${info.name}`), Buffer.from(text, 'base64'), info.name);
    if (plain === undefined) throw unreadable(id);
    return { ...info, metadata: JSON.parse(plain.toString('utf8')) as Metadata };
  }

  /** Rows of a container with what is sealed of them opened. */
  openRows<Entry extends object>(account: string, container: string, entries: readonly Entry[]): Entry[] {
    const keys = new Map<string, Buffer>();
    return entries.map((entry) => {
      const { etag } = entry as Partial<ListingRow>;
      if (etag?.startsWith(ROW_MARK) !== true) return entry;
      const [id = '', text = ''] = etag.slice(ROW_MARK.length).split(' ');
      let key = keys.get(id);
      if (key === undefined) keys.set(id, (key = this.#roots.derive(decodeURIComponent(id), rowPurpose(account, container))));
      const plain = unseal(key, Buffer.from(text, 'base64'), ROW_MARK);
      if (plain === undefined) throw unreadable(id);
      return { ...entry, etag: plain.toString('utf8') };
    });
  }
}

/** Whether the metadata are sealed: whoever has no seal can do nothing with them. */
export function isSealed(metadata: Metadata): boolean {
  return metadata[SEALED] !== undefined;
}

export function isSealedRow(entry: object): boolean {
  return (entry as Partial<ListingRow>).etag?.startsWith(ROW_MARK) === true;
}

function rowPurpose(account: string, container: string): string {
  return `rows ${account}/${container}`;
}

function unreadable(id: string): StoreError {
  return new StoreError('unavailable', `what was sealed with the root secret ${JSON.stringify(id)} cannot be opened with the one in the key file`);
}

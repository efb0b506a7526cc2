/** How an object's state reads as a row of its container: one place, for the proxy that commits it and the updater that does so later. */
import { isUtf8 } from 'node:buffer';
import type { Timestamp } from '#common';
import type { ListingRow } from './listing-engine.ts';
import type { ObjectInfo } from './object-engine.ts';

/** The parts of `/account/container/object`. */
export function splitName(name: string): { account: string; container: string; object: string } {
  const [, account = '', container = ''] = name.split('/', 3);
  return { account, container, object: name.slice(account.length + container.length + 3) };
}

/** Metadata of an object that stands for others: what is listed instead of the length of its data, and of their MD5. */
export const LISTED_BYTES = 'listed:bytes';
export const LISTED_ETAG = 'listed:etag';

/** When an object, or its row, was last changed: its data or its metadata, whichever is newer. */
export function changedAt({ timestamp, metaTimestamp }: { readonly timestamp: Timestamp; readonly metaTimestamp: Timestamp }): Timestamp {
  return metaTimestamp > timestamp ? metaTimestamp : timestamp;
}

/** The row of an object (or of its tombstone) of the storage policy. */
export function rowOfObject(info: ObjectInfo, policy: number): ListingRow {
  return {
    name: splitName(info.name).object,
    timestamp: info.timestamp,
    deleted: info.deleted,
    metaTimestamp: info.metaTimestamp,
    bytes: Number(info.metadata[LISTED_BYTES] ?? info.sizeBytes),
    count: 1,
    policy,
    etag: info.deleted ? '' : (info.metadata[LISTED_ETAG] ?? info.metadata['ETag'] ?? ''),
    contentType: info.deleted ? '' : textOfValue(info.metadata['Content-Type'] ?? ''),
  };
}

/** The text that a metadata value spells: its characters are bytes (latin-1), as HTTP carries them; UTF-8 where they are that. */
function textOfValue(value: string): string {
   
  if (/^[\x00-\x7f]*$/.test(value)) return value;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : value;
}

/**
 * How a static manifest is stored: an object whose data is a JSON list of entries, and whose metadata say the tag and length of what it
 * makes, so that a HEAD and a listing need not read it. The fields of an entry are those that Swift's users know from
 * `?multipart-manifest=get`; names are relative to the account.
 */
import { hash } from 'node:crypto';
import { StoreError } from '#common';
import { LISTED_BYTES, LISTED_ETAG } from '#storage-node/protocol';
import { listedEtag } from './listed.ts';
import { partBytes, type Part } from './manifest.ts';
import { SYSTEM_PREFIX } from './metadata.ts';

/** Tag (without quotes) and length of what a static manifest makes; an object that has them is one. */
export const MANIFEST_ETAG = `${SYSTEM_PREFIX}manifest-etag`;
export const MANIFEST_BYTES = `${SYSTEM_PREFIX}manifest-bytes`;

export interface SegmentEntry {
  /** `/container/object`. */
  readonly name: string;
  /** Of the whole segment; of one that is a manifest, what that makes. */
  readonly bytes: number;
  readonly hash: string;
  readonly content_type: string;
  readonly last_modified: string;
  /** `first-last`, both included, where only a part of the segment belongs. */
  readonly range?: string | undefined;
  readonly sub_slo?: boolean | undefined;
}

export interface InlineEntry {
  /** Base64. */
  readonly data: string;
}

export type ManifestEntry = SegmentEntry | InlineEntry;

/** Reads what `storeManifest` wrote. Throws `corrupt` for anything else. */
export function parseStoredManifest(data: Buffer): ManifestEntry[] {
  try {
    return JSON.parse(data.toString('utf8')) as ManifestEntry[];
  } catch (cause) {
    throw new StoreError('corrupt', 'a stored manifest is no JSON', { cause });
  }
}

/** The parts that entries name, in the account. */
export function entryParts(account: string, entries: readonly ManifestEntry[]): Part[] {
  return entries.map((entry): Part => {
    if ('data' in entry) return { data: Buffer.from(entry.data, 'base64') };
    const { container, object } = entryTarget(entry);
    const [first, last] = entry.range === undefined ? [0, entry.bytes - 1] : (entry.range.split('-').map(Number) as [number, number]);
    return { target: { account, container, object }, start: first, end: last + 1, etag: entry.hash, sizeBytes: entry.bytes };
  });
}

export function entryTarget({ name }: Pick<SegmentEntry, 'name'>): { container: string; object: string } {
  const path = name.replace(/^\/+/, '');
  const slash = path.indexOf('/');
  return { container: path.slice(0, slash), object: path.slice(slash + 1) };
}

/** MD5 of the segments' tags; of a segment in part also of which part. */
export function manifestEtag(entries: readonly ManifestEntry[]): string {
  const tags = entries.map((entry) => {
    if ('data' in entry) return hash('md5', Buffer.from(entry.data, 'base64'), 'hex');
    return entry.range === undefined ? entry.hash : `${entry.hash}:${entry.range};`;
  });
  return hash('md5', tags.join(''), 'hex');
}

/** Data and metadata of the object that keeps a manifest. `etag` is what it is known by. */
export function storeManifest(account: string, entries: readonly ManifestEntry[], etag: string): { data: Buffer; sizeBytes: number; metadata: Record<string, string> } {
  const data = Buffer.from(JSON.stringify(entries));
  const sizeBytes = entryParts(account, entries).reduce((sum, part) => sum + partBytes(part), 0);
  const metadata = {
    [MANIFEST_ETAG]: etag,
    [MANIFEST_BYTES]: String(sizeBytes),
    [LISTED_BYTES]: String(sizeBytes),
    [LISTED_ETAG]: listedEtag({ etag: hash('md5', data, 'hex'), manifestEtag: etag }),
  };
  return { data, sizeBytes, metadata };
}

/**
 * How rows and databases of replicas merge: one place for the rules of the ListingEngine port, so that engines which store
 * rows and readers that merge replicas' pages never disagree.
 */
import type { DatabaseInfo, ListingEntry, ListingRow, Subdirectory } from './listing-engine.ts';
import { compareNames } from './name-order.ts';

/**
 * Positive where `a` wins over `b` (rows of one name), negative where `b` does, 0 where they are the same row. The order is total:
 * timestamp, tombstone, metadata timestamp, then contents, so that replicas end equal whatever order they hear rows in.
 */
export function compareRows(a: ListingRow, b: ListingRow): number {
  return (
    a.timestamp - b.timestamp ||
    Number(a.deleted) - Number(b.deleted) ||
    a.metaTimestamp - b.metaTimestamp ||
    compareNames(a.etag, b.etag) ||
    compareNames(a.contentType, b.contentType) ||
    a.bytes - b.bytes ||
    a.count - b.count ||
    a.policy - b.policy
  );
}

export function isSubdirectory(entry: ListingEntry): entry is Subdirectory {
  return 'subdir' in entry;
}

/** What an entry sorts by: a row's name, or the subdirectory itself. */
export function entryName(entry: ListingEntry): string {
  return isSubdirectory(entry) ? entry.subdir : entry.name;
}

/** Whether an account or container exists at present. */
export function isAlive(info: Pick<DatabaseInfo, 'putTimestamp' | 'deleteTimestamp'>): boolean {
  return info.putTimestamp > info.deleteTimestamp;
}

/** A page of a listing: a scan over the names between the query's bounds that seeks past what a delimiter rolls up. */
import { compareNames, textAfterPrefix, type ListingEntry, type ListingQuery } from '#storage-node/protocol';
import { nameRange } from './name-bounds.ts';
import { liveKey, tombstoneKey, type DatabaseId } from './keys.ts';
import type { ListingStore, LevelSnapshot } from './listing-store.ts';
import { MergedCursor, RangeCursor, type RowCursor } from './row-cursor.ts';

/** Rows read at first where a delimiter may make the scan jump; without one, as many as the page may take. */
const FIRST_BATCH_WITH_DELIMITER = 16;

export interface Page {
  readonly entries: ListingEntry[];
  readonly truncated: boolean;
}

/**
 * Opens the cursor at once, so that it shows the database as it is (or as the snapshot is) at the moment of the call; reads later.
 * Undefined where the bounds leave no names between them.
 */
export function openCursor(store: ListingStore, id: DatabaseId, query: ListingQuery, snapshot: LevelSnapshot | undefined): RowCursor | undefined {
  const range = nameRange(query);
  if (!range) return undefined;
  const batch = query.delimiter === '' ? query.limit + 1 : FIRST_BATCH_WITH_DELIMITER;
  const seekTarget = query.reverse ? (prefix: string) => prefix : textAfterPrefix;
  const open = (keyPrefix: string, deleted: boolean): RowCursor => new RangeCursor(store, { keyPrefix, deleted, range, snapshot, batch, seekTarget });
  const live = open(liveKey(id, ''), false);
  return query.includeDeleted ? new MergedCursor([live, open(tombstoneKey(id, ''), true)], query.reverse) : live;
}

export async function readPage(cursor: RowCursor, query: ListingQuery): Promise<Page> {
  const { prefix, delimiter, limit, reverse } = query;
  const lowerBound = reverse ? query.endMarker : query.marker;
  const entries: ListingEntry[] = [];
  for (;;) {
    if (cursor.name === undefined && !(await cursor.fill())) return { entries, truncated: false };
    const end = delimiter === '' ? -1 : cursor.name!.indexOf(delimiter, prefix.length);
    if (end < 0) {
      if (entries.length >= limit) return { entries, truncated: true };
      entries.push(cursor.take());
      continue;
    }
    const subdir = cursor.name!.slice(0, end + delimiter.length);
    // Rows inside the bounds may roll up to a subdirectory before the lower one, which is then not named again.
    if (lowerBound === '' || compareNames(subdir, lowerBound) > 0) {
      if (entries.length >= limit) return { entries, truncated: true };
      entries.push({ subdir });
    }
    cursor.skipPrefix(subdir);
  }
}

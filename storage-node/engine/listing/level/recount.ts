/**
 * Counting anew. A loss of power may take batches that nobody had synced out of the middle of the order in which they were written: the
 * end of one log is gone, and what stood in the next one is there. The rows that were lost are told again by whoever waits for a
 * sync; but figures that were counted with them, and rows left on both sides of a deletion, have to be put right here.
 */
import { compareRows, type ListingRow } from '#storage-node/protocol';
import { emptyFigures, replaceRow } from '../totals.ts';
import { encodeFigures, isUnreported, type DatabaseRecord } from './database-record.ts';
import { figuresKey, liveKey, rangeOf, tombstoneKey, unreportedKey, type DatabaseId } from './keys.ts';
import type { ListingStore } from './listing-store.ts';
import { MergedCursor, RangeCursor } from './row-cursor.ts';

const ALL = { after: undefined, from: '', before: undefined, reverse: false } as const;
const BATCH = 1000;

/** Counts the rows of every database; answers how many figures were wrong. To be called before anyone else reads or writes. */
export async function recount(store: ListingStore): Promise<number> {
  let mended = 0;
  for await (const key of store.level.keys(rangeOf('d'))) {
    const record = store.load(key.slice(1));
    if (record !== undefined && (await mend(store, record))) mended++;
  }
  return mended;
}

async function mend(store: ListingStore, record: DatabaseRecord): Promise<boolean> {
  const { id, report } = record;
  const { figures, doubles } = await count(store, id);
  const batch = store.level.batch();
  for (const double of doubles) batch.del(double);
  const before = encodeFigures(record.figures, report);
  const after = encodeFigures(figures, report);
  if (after !== before) batch.put(figuresKey(id), after);
  const unreported = isUnreported({ ...record, figures });
  if (unreported !== (store.get(unreportedKey(id)) !== undefined)) {
    if (unreported) batch.put(unreportedKey(id), '');
    else batch.del(unreportedKey(id));
  }
  const changed = batch.length > 0;
  if (changed) await batch.write({ sync: true });
  else await batch.close();
  return changed;
}

/** The figures of the rows that are there, and the keys of rows that a newer one of the same name stands for. */
async function count(store: ListingStore, id: DatabaseId): Promise<{ figures: ReturnType<typeof emptyFigures>; doubles: string[] }> {
  const open = (keyPrefix: string, deleted: boolean): RangeCursor =>
    new RangeCursor(store.level, { keyPrefix, deleted, range: ALL, snapshot: undefined, batch: BATCH, seekTarget: () => undefined });
  await using cursor = new MergedCursor([open(liveKey(id, ''), false), open(tombstoneKey(id, ''), true)], false);
  const figures = emptyFigures();
  const doubles: string[] = [];
  let last: ListingRow | undefined;
  while (cursor.name !== undefined || (await cursor.fill())) {
    const row = cursor.take();
    if (last?.name !== row.name) {
      replaceRow(figures, undefined, row);
      last = row;
      continue;
    }
    const [winner, loser] = compareRows(row, last) > 0 ? [row, last] : [last, row];
    if (winner === row) replaceRow(figures, last, row);
    doubles.push(loser.deleted ? tombstoneKey(id, loser.name) : liveKey(id, loser.name));
    last = winner;
  }
  return { figures, doubles };
}

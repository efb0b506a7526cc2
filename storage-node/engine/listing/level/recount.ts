/**
 * Counting anew. A loss of power may take batches that nobody had synced out of the middle of the order in which they were written: the
 * end of one log is gone, and what stood in the next one is there. The rows that were lost are told again by whoever waits for a
 * sync; but figures that were counted with them, and rows left on both sides of a deletion, have to be put right here. So have
 * those of databases some of whose values rot has taken.
 */
import { isStoreError } from '#common';
import { compareRows, type ListingRow } from '#storage-node/protocol';
import { emptyFigures, replaceRow, type Figures } from '../totals.ts';
import { decodeFigures, encodeFigures, isUnreported, type DatabaseRecord } from './database-record.ts';
import { seal } from './checked-text.ts';
import { figuresKey, idKey, liveKey, rangeOf, ROW_PREFIX_LENGTH, stateKey, tombstoneKey, unreportedKey, type DatabaseId, type DatabaseKey } from './keys.ts';
import type { ListingStore } from './listing-store.ts';
import { MergedCursor, RangeCursor } from './row-cursor.ts';

const ALL = { after: undefined, from: '', before: undefined, reverse: false } as const;
const BATCH = 1000;

/** Counts the rows of every database; answers how many figures were wrong. To be called before anyone else reads or writes. */
export async function recount(store: ListingStore): Promise<number> {
  let mended = 0;
  for (const key of await store.level.keys(rangeOf('d')).all()) {
    const database = key.slice(1);
    const changed = await recountDatabase(store, database);
    if (changed === undefined) await removeDatabase(store, database);
    if (changed !== 'right') mended++;
  }
  return mended;
}

/**
 * Takes out damaged rows and puts the figures of one database right; nobody may write meanwhile. Undefined where its state is damaged, so that
 * nothing can be said of it any more.
 */
export async function recountDatabase(store: ListingStore, key: DatabaseKey): Promise<'right' | 'mended' | undefined> {
  const stored = store.loadState(key);
  if (stored === undefined) return undefined;
  const { id, state } = stored;
  const held = heldFigures(store, id);
  const { figures, doubles } = await countRows(store, id);
  const batch = store.level.batch();
  for (const double of doubles) batch.del(double);
  const before = held && encodeFigures(held.figures, held.report);
  const after = encodeFigures(figures, held?.report);
  if (after !== before) batch.put(figuresKey(id), seal(figuresKey(id), after));
  const unreported = isUnreported({ key, state, figures, report: held?.report });
  if (unreported !== (store.get(unreportedKey(id)) !== undefined)) {
    if (unreported) batch.put(unreportedKey(id), '');
    else batch.del(unreportedKey(id));
  }
  const changed = batch.length > 0;
  if (changed) await batch.write({ sync: true });
  else await batch.close();
  return changed ? 'mended' : 'right';
}

function heldFigures(store: ListingStore, id: DatabaseId): Pick<DatabaseRecord, 'figures' | 'report'> | undefined {
  try {
    const text = store.text(figuresKey(id));
    return text === undefined ? undefined : decodeFigures(text);
  } catch (error) {
    if (!isStoreError(error, 'corrupt')) throw error;
    return undefined;
  }
}

/** The figures of the rows that are there, and the keys of rows that are damaged, or that a newer one of the same name stands for. */
export async function countRows(store: ListingStore, id: DatabaseId): Promise<{ figures: Figures; doubles: string[] }> {
  const open = (keyPrefix: string, deleted: boolean): RangeCursor => new RangeCursor(store, { keyPrefix, deleted, range: ALL, snapshot: undefined, batch: BATCH, seekTarget: () => undefined });
  await using cursor = new MergedCursor([open(liveKey(id, ''), false), open(tombstoneKey(id, ''), true)], false);
  const figures = emptyFigures();
  const doubles: string[] = [];
  let last: ListingRow | undefined;
  while (cursor.name !== undefined || (await cursor.fill())) {
    const row = takenOrDamaged(cursor);
    if (typeof row === 'string') {
      doubles.push(row);
      continue;
    }
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

/** The next row, or the key of a damaged one. */
function takenOrDamaged(cursor: MergedCursor): ListingRow | string {
  try {
    return cursor.take();
  } catch (error) {
    if (!isStoreError(error, 'corrupt')) throw error;
    return String(error.detail?.['key']);
  }
}

/** The database that a stored key is of; undefined where that cannot be told any more. */
export async function databaseOfDamage(store: ListingStore, storedKey: string): Promise<DatabaseKey | undefined> {
  if (storedKey.startsWith('d')) return storedKey.slice(1);
  const id = storedKey.slice(1, ROW_PREFIX_LENGTH);
  const named = store.get(idKey(id));
  if (named !== undefined && store.loadState(named)?.id === id) return named;
  // The entry of the id may be damaged itself; then the states say whose it is.
  for (const key of await store.level.keys(rangeOf('d')).all()) if (store.loadState(key.slice(1))?.id === id) return key.slice(1);
  return undefined;
}

/** Forgets a database whose state is damaged, with all that is known to be of it: a device that has nothing is copied whole from the others. */
export async function removeDatabase(store: ListingStore, key: DatabaseKey): Promise<void> {
  const ids = (await store.level.iterator(rangeOf('i')).all()).flatMap(([stored, named]) => (named === key ? [stored.slice(1)] : []));
  for (const id of ids) {
    for (const range of [rangeOf(liveKey(id, '')), rangeOf(tombstoneKey(id, ''))]) await store.level.clear(range);
    await store.level.batch([{ type: 'del', key: figuresKey(id) }, { type: 'del', key: unreportedKey(id) }, { type: 'del', key: idKey(id) }]);
  }
  await store.level.batch([{ type: 'del', key: stateKey(key) }], { sync: true });
}

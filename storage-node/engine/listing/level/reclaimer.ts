/**
 * Reclaims what only had to outlive the reclaim age: tombstones, removed metadata, deleted databases. Works in steps that
 * each look at a bounded number of keys, and changes through the committer like any writer, looking again before it removes.
 */
import { isStoreError, type Timestamp } from '#common';
import { isAlive } from '#storage-node/protocol';
import { reclaimMetadata } from '../database-state.ts';
import { isUnreported } from './database-record.ts';
import type { GroupCommitter } from './group-committer.ts';
import { rangeOf, ROW_PREFIX_LENGTH, type DatabaseKey } from './keys.ts';
import type { ListingStore } from './listing-store.ts';
import { decodeRow } from './row-codec.ts';
import type { Transaction } from './transaction.ts';

export interface ReclaimStep {
  /** Rows, removed metadata sets and databases reclaimed. */
  readonly reclaimed: number;
  /** True where the step reached the end: the next one starts over. */
  readonly done: boolean;
}

/** Whether all primaries of a database are known to have heard of what was deleted in it at a time. */
type IsAgreed = (key: DatabaseKey, deletedAt: Timestamp) => boolean;

export class Reclaimer {
  readonly #store: ListingStore;
  readonly #committer: GroupCommitter;
  readonly #isAgreed: IsAgreed;
  /** The last key looked at: tombstones first, then databases. */
  #cursor = 't';

  constructor(store: ListingStore, committer: GroupCommitter, isAgreed: IsAgreed) {
    this.#store = store;
    this.#committer = committer;
    this.#isAgreed = isAgreed;
  }

  async step(olderThan: Timestamp, maxKeys: number): Promise<ReclaimStep> {
    const range = rangeOf(this.#cursor[0]!);
    const found = await this.#store.level.iterator({ gt: this.#cursor, lt: range.lt, limit: maxKeys }).all();
    const tombstones = this.#cursor.startsWith('t');
    const work = tombstones ? found.filter(([key, value]) => isOlder(this.#store, key, { value, olderThan })) : found;
    const isAgreed = this.#isAgreed;
    const change = (transaction: Transaction): number =>
      work.reduce((reclaimed, [key]) => reclaimed + Number(tombstones ? reclaimTombstone(transaction, key, { olderThan, isAgreed }) : reclaimDatabase(transaction, key.slice(1), { olderThan, isAgreed })), 0);
    const reclaimed = work.length === 0 ? 0 : await this.#committer.commit(change);
    const ended = found.length < maxKeys;
    if (!ended) this.#cursor = found.at(-1)![0];
    else this.#cursor = tombstones ? 'd' : 't';
    return { reclaimed, done: ended && !tombstones };
  }
}

function isOlder(store: ListingStore, key: string, { value, olderThan }: { value: string; olderThan: Timestamp }): boolean {
  try {
    return decodeRow(key, true, store.unsealed(key, value)).timestamp < olderThan;
  } catch (error) {
    if (!isStoreError(error, 'corrupt')) throw error;
    return false;
  }
}

interface Reclaimable {
  readonly olderThan: Timestamp;
  readonly isAgreed: IsAgreed;
}

function reclaimTombstone(transaction: Transaction, key: string, { olderThan, isAgreed }: Reclaimable): boolean {
  const draft = transaction.findById(key.slice(1, ROW_PREFIX_LENGTH));
  const name = key.slice(ROW_PREFIX_LENGTH);
  const held = draft && transaction.row(draft, name);
  if (!held?.deleted || held.timestamp >= olderThan || !isAgreed(draft!.after.key, held.timestamp)) return false;
  transaction.replaceRow(draft!, name, held, undefined);
  return true;
}

function reclaimDatabase(transaction: Transaction, key: DatabaseKey, { olderThan, isAgreed }: Reclaimable): boolean {
  const draft = transaction.findByKey(key);
  if (!draft) return false;
  const { state, figures } = draft.after;
  const empty = figures.totals.rows === 0 && figures.tombstones === 0;
  if (!isAgreed(key, olderThan)) return false;
  if (!isAlive(state) && state.deleteTimestamp < olderThan && empty && !isUnreported(draft.after)) {
    draft.removed = true;
    return true;
  }
  draft.after.state = reclaimMetadata(state, olderThan);
  return draft.after.state !== state;
}

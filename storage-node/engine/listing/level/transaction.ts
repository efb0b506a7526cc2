/**
 * The changes of one commit group: each sees those before it, level sees them all in one batch, readers see them once that is
 * synced. A database's records are written once a group however many of its rows change.
 */
import { isStoreError } from '#common';
import { compareRows, type DatabaseName, type ListingRow } from '#storage-node/protocol';
import { sameState, type DatabaseState } from '../database-state.ts';
import { emptyFigures, replaceRow } from '../totals.ts';
import { seal } from './checked-text.ts';
import { copyRecord, encodeFigures, encodeState, isUnreported, type DatabaseRecord, type Report } from './database-record.ts';
import { databaseKey, figuresKey, idKey, liveKey, stateKey, tombstoneKey, unreportedKey, type DatabaseId, type DatabaseKey } from './keys.ts';
import type { LevelDatabase, ListingStore } from './listing-store.ts';
import { decodeRow, encodeRow } from './row-codec.ts';

interface RowChange {
  readonly before: ListingRow | undefined;
  /** Undefined: reclaimed. */
  after: ListingRow | undefined;
}

/** A database as the group leaves it, so far. */
export interface Draft {
  /** As committed; undefined for a new one. */
  readonly before: DatabaseRecord | undefined;
  readonly after: ReturnType<typeof copyRecord>;
  readonly rows: Map<string, RowChange>;
  removed: boolean;
}

type Batch = ReturnType<LevelDatabase['batch']>;

export class Transaction {
  readonly #store: ListingStore;
  readonly #drafts = new Map<DatabaseKey, Draft>();
  /** Rows changed so far: what bounds a group. */
  rowChanges = 0;

  constructor(store: ListingStore) {
    this.#store = store;
  }

  find(name: DatabaseName): Draft | undefined {
    return this.findByKey(databaseKey(name));
  }

  findByKey(key: DatabaseKey): Draft | undefined {
    const drafted = this.#drafts.get(key);
    if (drafted) return drafted.removed ? undefined : drafted;
    const before = this.#store.record(key);
    if (!before) return undefined;
    const draft: Draft = { before, after: copyRecord(before), rows: new Map(), removed: false };
    this.#drafts.set(key, draft);
    return draft;
  }

  findById(id: DatabaseId): Draft | undefined {
    const record = this.#store.recordOfId(id);
    return record && this.findByKey(record.key);
  }

  create(name: DatabaseName, state: DatabaseState): Draft {
    const key = databaseKey(name);
    const gone = this.#drafts.get(key);
    if (gone) {
      // Reclaimed earlier in this group: its keys go first, then come the new database's.
      this.#drafts.delete(key);
      this.#drafts.set(`${key} reclaimed`, gone);
    }
    const record = { id: this.#store.newId(), key, state, figures: emptyFigures(), report: undefined, info: undefined };
    const draft: Draft = { before: undefined, after: record, rows: new Map(), removed: false };
    this.#drafts.set(key, draft);
    return draft;
  }

  /** Merges a row by the port's rule. */
  mergeRow(draft: Draft, row: ListingRow): void {
    const held = this.row(draft, row.name);
    if (!held || compareRows(row, held) > 0) this.replaceRow(draft, row.name, held, row);
  }

  replaceRow(draft: Draft, name: string, held: ListingRow | undefined, next: ListingRow | undefined): void {
    replaceRow(draft.after.figures, held, next);
    const change = draft.rows.get(name);
    if (change) change.after = next;
    else draft.rows.set(name, { before: held, after: next });
    this.rowChanges++;
  }

  /** The row as the group leaves it so far. Looks only where the figures say that there are rows. */
  row(draft: Draft, name: string): ListingRow | undefined {
    const change = draft.rows.get(name);
    if (change) return change.after;
    const { before } = draft;
    if (!before) return undefined;
    if (before.figures.totals.rows > 0) {
      const live = this.#stored(liveKey(before.id, name));
      if (live !== undefined) return decodeRow(name, false, live);
    }
    if (before.figures.tombstones > 0) {
      const tombstone = this.#stored(tombstoneKey(before.id, name));
      if (tombstone !== undefined) return decodeRow(name, true, tombstone);
    }
    return undefined;
  }

  /** A row's text; a damaged row is none, and the database is counted anew after this group. */
  #stored(key: string): string | undefined {
    try {
      return this.#store.text(key);
    } catch (error) {
      if (!isStoreError(error, 'corrupt')) throw error;
      return undefined;
    }
  }

  setReport(draft: Draft, report: Report): void {
    draft.after.report = report;
  }

  /**
   * Writes everything, then shows it to readers. Synced where `sync` says so, and wherever more than rows of databases that were there
   * before has changed: recounting mends rows and figures, nothing else.
   */
  async commit({ sync }: { sync: boolean }): Promise<void> {
    const batch = this.#store.level.batch();
    for (const draft of this.#drafts.values()) writeDraft(batch, draft);
    if (batch.length === 0) await batch.close();
    else await batch.write({ sync: sync || this.#drafts.values().some(changesMore) });
    for (const [key, draft] of this.#drafts) this.#store.install(key, draft.removed ? undefined : draft.after, draft.before);
  }
}

/** Whether something of the database besides its rows and figures changes. */
function changesMore({ before, after, removed }: Draft): boolean {
  return before === undefined || removed || !sameState(before.state, after.state) || before.report !== after.report;
}

function writeDraft(batch: Batch, { before, after, rows, removed }: Draft): void {
  const { id, key, state, figures, report } = after;
  for (const [name, change] of rows) writeRow(batch, id, name, change);
  const wasUnreported = before !== undefined && isUnreported(before);
  const unreported = !removed && isUnreported(after);
  if (unreported && !wasUnreported) batch.put(unreportedKey(id), '');
  if (wasUnreported && !unreported) batch.del(unreportedKey(id));
  if (removed) {
    if (before) batch.del(stateKey(key)).del(idKey(id)).del(figuresKey(id));
    return;
  }
  if (!before) batch.put(idKey(id), key);
  if (!before || !sameState(before.state, state)) batch.put(stateKey(key), seal(stateKey(key), encodeState(id, state)));
  if (!before || rows.size > 0 || before.report !== report) batch.put(figuresKey(id), seal(figuresKey(id), encodeFigures(figures, report)));
}

function writeRow(batch: Batch, id: DatabaseId, name: string, { before, after }: RowChange): void {
  if (after) {
    const key = after.deleted ? tombstoneKey(id, name) : liveKey(id, name);
    batch.put(key, seal(key, encodeRow(after)));
  }
  if (before && before.deleted !== after?.deleted) batch.del(before.deleted ? tombstoneKey(id, name) : liveKey(id, name));
}

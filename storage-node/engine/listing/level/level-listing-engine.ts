/**
 * The ListingEngine on level: one database a device, a range of keys for each account and container. Reads answer from memory
 * or from level's snapshots and never wait for writers; writes go through group commit and answer when they are synced.
 */
import assert from 'node:assert';
import { LRUCache } from 'lru-cache';
import { isStoreError, systemClock, type Clock, type Timestamp } from '#common';
import { isAlive } from '#storage-node/protocol';
import type {
  DatabaseCopy, DatabaseInfo, DatabaseName, DatabaseRanges, DatabaseVersion, Key, ListingEngine,
  ListingPage, ListingQuery, ListingRow, LocalListingReplica, MergeRequest, PutDatabase, ReplicatedState, TimedMetadata,
} from '#storage-node/protocol';
import { deleteState, postState, putState } from '../database-state.ts';
import { encodeFigures, recordInfo, reportOf } from './database-record.ts';
import type { Gatherer } from '../../gatherer.ts';
import { GroupCommitter } from './group-committer.ts';
import { databaseKey, rangeOf, type DatabaseKey } from './keys.ts';
import { ListingStore, putAsideDamaged, storeFault, type ListingStoreOptions } from './listing-store.ts';
import { openCursor, readPage } from './list-rows.ts';
import { Mender } from './mender.ts';
import { countRows } from './recount.ts';
import { Reclaimer, type ReclaimStep } from './reclaimer.ts';
import { ListingsReplica } from './replica.ts';
import type { Draft, Transaction } from './transaction.ts';

export interface ListingEngineOptions extends ListingStoreOptions {
  readonly clock?: Clock;
  /** Shared with the other devices' listings in the process. Default: its own. */
  readonly gatherer?: Gatherer;
  /** Deletions are kept, however old, until a replicator has seen that all primaries have heard of them. Default false. */
  readonly reclaimAgreed?: boolean;
}

/** Opens the listings of a device, recovering what a killed process left. Throws `device-locked` where another process has them open. */
export async function openListingEngine(options: ListingEngineOptions): Promise<LevelListingEngine> {
  await putAsideDamaged(options.directory);
  const store = new ListingStore(options);
  await store.open();
  return new LevelListingEngine(store, options);
}

export class LevelListingEngine implements ListingEngine, LocalListingReplica, AsyncDisposable {
  readonly #store: ListingStore;
  readonly #committer: GroupCommitter;
  readonly #reclaimer: Reclaimer;
  readonly #replica: ListingsReplica;
  readonly #mender: Mender;
  /** The last database that the audit looked at. */
  #audited = 'd';
  /** Where the last `unreported` ended: a report that always fails must not keep the others from their turn. */
  #unreportedCursor = 'u';
  /** Settles when the last report is noted. */
  #noting: Promise<void> = Promise.resolve();
  /** Keys of the containers that `unreported` told of, by path: infos name their path only. A lost one is just told again. */
  readonly #told = new LRUCache<string, DatabaseKey>({ max: 10_000 });

  constructor(store: ListingStore, options: ListingEngineOptions) {
    this.#store = store;
    this.#committer = new GroupCommitter({ store, clock: options.clock ?? systemClock, gatherer: options.gatherer });
    this.#replica = new ListingsReplica(store, this.#committer);
    this.#mender = new Mender(store, this.#committer);
    const isAgreed = (key: DatabaseKey, deletedAt: Timestamp): boolean => options.reclaimAgreed !== true || deletedAt < this.#replica.agreedAt(key);
    this.#reclaimer = new Reclaimer(store, this.#committer, isAgreed);
  }

  async info(database: DatabaseName): Promise<DatabaseInfo | undefined> {
    const record = this.#store.record(databaseKey(database));
    return record && recordInfo(record);
  }

  async put(request: PutDatabase): Promise<{ created: boolean; info: DatabaseInfo }> {
    const [created, draft] = await this.#committer.commit((transaction) => {
      const held = transaction.find(request.database);
      const wasAlive = held !== undefined && isAlive(held.after.state);
      const put = putDatabase(transaction, request);
      return [!wasAlive && isAlive(put.after.state), put] as const;
    });
    return { created, info: recordInfo(draft.after) };
  }

  async post(request: { database: DatabaseName; timestamp: Timestamp; metadata: TimedMetadata }): Promise<DatabaseInfo | undefined> {
    const draft = await this.#committer.commit((transaction) => {
      const held = findAlive(transaction, request.database);
      if (held) held.after.state = postState(held.after.state, request.timestamp, request.metadata);
      return held;
    });
    return draft && recordInfo(draft.after);
  }

  delete(request: { database: DatabaseName; timestamp: Timestamp; force?: boolean }): Promise<'deleted' | 'not-found' | 'not-empty'> {
    return this.#committer.commit((transaction) => {
      const draft = transaction.find(request.database);
      if (!draft) return 'not-found';
      const { after } = draft;
      const wasAlive = isAlive(after.state);
      if (wasAlive && after.figures.totals.rows > 0 && !request.force) return 'not-empty';
      after.state = deleteState(after.state, request.timestamp);
      if (!wasAlive) return 'not-found';
      return isAlive(after.state) ? 'not-empty' : 'deleted';
    });
  }

  async merge({ database, rows, createWith, deferSync }: MergeRequest): Promise<DatabaseInfo | undefined> {
    for (const { name } of rows) assert(name !== '' && name.isWellFormed(), 'a row without a name in Unicode');
    const draft = await this.#committer.commit((transaction) => {
      const held = createWith ? putDatabase(transaction, { database, metadata: {}, ...createWith }) : findAlive(transaction, database);
      if (held) for (const row of rows) transaction.mergeRow(held, row);
      return held;
    }, { deferSync });
    return draft && recordInfo(draft.after);
  }

  sync(): Promise<string> {
    return this.#store.sync();
  }

  async list(database: DatabaseName, query: ListingQuery): Promise<ListingPage | undefined> {
    const key = databaseKey(database);
    // While a batch is being written, level may show it before memory does: then both are read from one snapshot.
    const snapshot = this.#committer.writing ? this.#store.level.snapshot() : undefined;
    try {
      const record = snapshot ? this.#store.load(key, snapshot) : this.#store.record(key);
      if (!record || !isAlive(record.state)) return undefined;
      await using cursor = openCursor(this.#store, record.id, query, snapshot);
      const page = cursor ? await readPage(cursor, query) : { entries: [], truncated: false };
      return { info: recordInfo(record), ...page };
    } catch (error) {
      this.#mender.noteFault(error);
      throw storeFault(error);
    } finally {
      await snapshot?.close();
    }
  }

  async unreported(limit: number): Promise<DatabaseInfo[]> {
    await this.#noting;
    const { lt } = rangeOf('u');
    const ids = await this.#store.level.keys({ gt: this.#unreportedCursor, lt, limit }).all();
    if (ids.length < limit) ids.push(...(await this.#store.level.keys({ gt: 'u', lte: this.#unreportedCursor, limit: limit - ids.length }).all()));
    this.#unreportedCursor = ids.at(-1) ?? 'u';
    return ids.flatMap((key) => {
      const record = this.#store.recordOfId(key.slice(1));
      if (!record) return [];
      this.#told.set(record.state.path, record.key);
      return [recordInfo(record)];
    });
  }

  reported(info: DatabaseInfo): void {
    const key = this.#told.get(info.path);
    if (key === undefined) return;
    const noted = this.#committer.commit((transaction) => {
      const draft = transaction.findByKey(key);
      if (draft) transaction.setReport(draft, reportOf(info));
    });
    // A report that is not noted is made again, which is harmless.
    this.#noting = noted.catch(() => undefined);
  }

  databaseDigests(ranges: DatabaseRanges): Promise<Buffer> {
    return this.#replica.databaseDigests(ranges);
  }

  databaseVersions(request: DatabaseRanges & { after?: Key | undefined; limit: number }): Promise<DatabaseVersion[]> {
    return this.#replica.databaseVersions(request);
  }

  databaseState(database: DatabaseName): Promise<ReplicatedState | undefined> {
    return this.#replica.databaseState(database);
  }

  databaseRows(database: DatabaseName, page: { after: string; limit: number }): Promise<ListingRow[]> {
    return this.#replica.databaseRows(database, page);
  }

  rowDigests(database: DatabaseName, ranges: { after: string; ends: readonly string[] }): Promise<string[]> {
    return this.#replica.rowDigests(database, ranges);
  }

  adopt(copies: readonly DatabaseCopy[]): Promise<void> {
    return this.#replica.adopt(copies);
  }

  release(database: DatabaseName, version: string): Promise<boolean> {
    return this.#replica.release(database, version);
  }

  agree(ranges: DatabaseRanges, at: Timestamp): void {
    this.#replica.agree(ranges, at);
  }

  /** One bounded step of reclaiming what was deleted before `olderThan`: call again until `done`, then once in a while. */
  async reclaim(olderThan: Timestamp, maxKeys = 1000): Promise<ReclaimStep> {
    try {
      return await this.#reclaimer.step(olderThan, maxKeys);
    } catch (error) {
      throw storeFault(error);
    }
  }

  /**
   * One step of the audit: reads one database whole, and has it mended where values are damaged or its figures are not those of its rows. Answers the rows
   * that were read, and whether all databases have had their turn: the next step begins anew.
   */
  async audit(): Promise<{ rows: number; wrong: boolean; done: boolean }> {
    try {
      const [stored] = await this.#store.level.keys({ gt: this.#audited, lt: rangeOf('d').lt, limit: 1 }).all();
      this.#audited = stored ?? 'd';
      if (stored === undefined) return await this.#auditTables();
      const key = stored.slice(1);
      const before = this.#store.record(key);
      const record = this.#store.load(key);
      if (record === undefined || before === undefined) return { rows: 0, wrong: false, done: false };
      const { figures, doubles } = await countRows(this.#store, record.id);
      const rows = figures.totals.rows + figures.tombstones;
      // Where it changed meanwhile, nothing can be said of the figures.
      const wrong = this.#store.record(key) === before && !this.#committer.writing && (doubles.length > 0 || encodeFigures(figures, undefined) !== encodeFigures(before.figures, undefined));
      if (wrong) this.#mender.note(stored);
      return { rows, wrong, done: false };
    } catch (error) {
      this.#mender.noteFault(error);
      const fault = storeFault(error);
      if (!isStoreError(fault, 'corrupt')) throw fault;
      return { rows: 0, wrong: true, done: false };
    }
  }

  async #auditTables(): Promise<{ rows: number; wrong: boolean; done: boolean }> {
    const wrong = !(await this.#store.isSound());
    if (wrong) this.#mender.noteTables();
    return { rows: 0, wrong, done: true };
  }

  /** Resolves when what was found damaged is taken out and counted. */
  mended(): Promise<void> {
    return this.#mender.settled();
  }

  /** Commits what is under way and closes the database. */
  async close(): Promise<void> {
    await this.#committer.close();
    await this.#store.sync().catch(() => undefined);
    await this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function findAlive(transaction: Transaction, database: DatabaseName): Draft | undefined {
  const draft = transaction.find(database);
  return draft && isAlive(draft.after.state) ? draft : undefined;
}

function putDatabase(transaction: Transaction, put: PutDatabase): Draft {
  const draft = transaction.find(put.database);
  const state = putState(draft?.after.state, put.database.path, put);
  if (!draft) return transaction.create(put.database, state);
  draft.after.state = state;
  return draft;
}

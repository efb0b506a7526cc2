/**
 * The level database under a device's listings: opening, reading records, syncing, and one rule for its faults. Batches are written with
 * `sync: true`, but for rows whose sync may come later (group-committer.ts); what a loss of power can do to those is put right
 * when the database is opened (recount.ts).
 */
import { randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { Level } from 'level';
import { LRUCache } from 'lru-cache';
import { isStoreError, StoreError } from '#common';
import { damagedTables, markClosed, wasClosed } from '../../index-store/tables.ts';
import { unseal } from './checked-text.ts';
import { DatabaseDigests } from './database-digests.ts';
import { decodeFigures, decodeState, type DatabaseRecord } from './database-record.ts';
import type { DatabaseState } from '../database-state.ts';
import { recount } from './recount.ts';
import { WriteAheadLogs } from './write-ahead-logs.ts';
import { figuresKey, formatId, idKey, parseId, rangeOf, stateKey, type DatabaseId, type DatabaseKey } from './keys.ts';

export type LevelDatabase = Level;
export type LevelSnapshot = ReturnType<Level['snapshot']>;

export interface ListingStoreOptions {
  readonly directory: string;
  /** Bytes of uncompressed blocks that level keeps in memory. Default 8 MiB. */
  readonly cacheBytes?: number;
  /** Bytes of changes gathered in memory before they become a sorted table; up to twice that is held. Default 4 MiB. */
  readonly writeBufferBytes?: number;
  /** Databases whose state and figures are kept in memory. Default 10,000. */
  readonly maxRecords?: number;
}

/** Before a store is made on a directory, since level opens what is there by itself: what was left open and is damaged is put aside. */
export async function putAsideDamaged(directory: string): Promise<void> {
  if (!(await wasClosed(directory)) && (await damagedTables(directory)).length > 0) await putAside(directory);
}

async function putAside(directory: string): Promise<void> {
  await rename(directory, `${directory}.damaged-${Date.now()}`);
}

export class ListingStore {
  readonly level: Level;
  readonly digests: DatabaseDigests = new DatabaseDigests();
  readonly #directory: string;
  readonly #records: LRUCache<DatabaseKey, DatabaseRecord>;
  readonly #logs: WriteAheadLogs;
  #life = randomUUID();
  #syncing: Promise<void> | undefined;
  #nextSync: Promise<void> | undefined;
  #nextId = 0;
  /** Hears of the key of each value that turns out to be damaged. */
  onDamage: ((key: string) => void) | undefined;

  constructor(options: ListingStoreOptions) {
    this.level = new Level(options.directory, { cacheSize: options.cacheBytes ?? 8 << 20, writeBufferSize: options.writeBufferBytes ?? 4 << 20 });
    this.#directory = options.directory;
    this.#logs = new WriteAheadLogs(options.directory);
    this.#records = new LRUCache({ max: options.maxRecords ?? 10_000 });
  }

  async open(): Promise<void> {
    try {
      // With one log, what is left is all that was written up to some moment. With two, the end of the first may be missing.
      const suspect = (await this.#logs.count()) > 1;
      await this.level.open();
      if (suspect) await recount(this);
      const [last] = await this.level.keys({ ...rangeOf('i'), reverse: true, limit: 1 }).all();
      this.#nextId = Math.max(this.#nextId, last === undefined ? 0 : parseId(last.slice(1)) + 1);
    } catch (error) {
      throw storeFault(error);
    }
  }

  /** Closes and opens again after a failed write: what was in doubt is then there or not, and nothing cached outlives the doubt. */
  async reopen(): Promise<void> {
    await this.#shut();
    await this.open();
  }

  /** Whether all of its tables are what LevelDB wrote. */
  async isSound(): Promise<boolean> {
    return (await damagedTables(this.#directory)).length === 0;
  }

  /** Puts a damaged database aside and begins with an empty one, which the replicator fills. Nobody may write meanwhile, and who reads is refused. */
  async startAnew(): Promise<void> {
    await this.#shut();
    await putAside(this.#directory);
    await this.open();
  }

  async #shut(): Promise<void> {
    this.digests.reset();
    await this.level.close();
    this.#records.clear();
    this.#life = randomUUID();
  }

  /**
   * Puts all that was written before the call on stable storage; calls that come meanwhile share the next one. Answers the name of this life:
   * it changes whenever something that was written may have been lost.
   */
  async sync(): Promise<string> {
    const life = this.#life;
    if (this.#syncing === undefined) await (this.#syncing = this.#sync());
    else await (this.#nextSync ??= this.#syncing.catch(() => undefined).then(() => (this.#syncing = this.#sync())));
    if (life !== this.#life) throw new StoreError('device-unavailable', 'listings were opened anew meanwhile');
    return life;
  }

  async #sync(): Promise<void> {
    this.#nextSync = undefined;
    try {
      await this.#logs.sync();
    } catch (error) {
      // The system has forgotten which pages it failed to write: a second sync would say that all is well.
      this.#life = randomUUID();
      throw new StoreError('device-unavailable', 'listings cannot be synced', { cause: error });
    } finally {
      this.#syncing = undefined;
    }
  }

  async close(): Promise<void> {
    await this.level.close();
    await markClosed(this.#directory);
  }

  newId(): DatabaseId {
    return formatId(this.#nextId++);
  }

  /** The committed record of a database, from memory where it can be. */
  record(key: DatabaseKey): DatabaseRecord | undefined {
    const cached = this.#records.get(key);
    if (cached) return cached;
    const loaded = this.load(key);
    if (loaded) this.#records.set(key, loaded);
    return loaded;
  }

  recordOfId(id: DatabaseId): DatabaseRecord | undefined {
    const key = this.get(idKey(id));
    const record = key === undefined ? undefined : this.record(key);
    return record?.id === id ? record : undefined;
  }

  /** The record as the database holds it, at the moment of a snapshot where one is given. */
  load(key: DatabaseKey, snapshot?: LevelSnapshot): DatabaseRecord | undefined {
    const stored = this.text(stateKey(key), snapshot);
    if (stored === undefined) return undefined;
    const { id, state } = decodeState(stored);
    const figuresText = this.text(figuresKey(id), snapshot);
    if (figuresText === undefined) {
      this.onDamage?.(figuresKey(id));
      throw new StoreError('corrupt', 'a database without figures', { detail: { key: figuresKey(id) } });
    }
    const { figures, report } = decodeFigures(figuresText);
    return { id, key, state, figures, report, info: undefined };
  }

  /** Id and state alone; undefined where they are not there, or damaged. */
  loadState(key: DatabaseKey): { id: DatabaseId; state: DatabaseState } | undefined {
    const value = this.get(stateKey(key));
    if (value === undefined) return undefined;
    try {
      return decodeState(unseal(stateKey(key), value));
    } catch (error) {
      if (!isStoreError(error, 'corrupt')) throw error;
      return undefined;
    }
  }

  /** A sealed value. Throws `corrupt`. */
  text(key: string, snapshot?: LevelSnapshot): string | undefined {
    const value = this.get(key, snapshot);
    return value === undefined ? undefined : this.unsealed(key, value);
  }

  /** What was sealed in a value that was read; its damage is noted before it is thrown. */
  unsealed(key: string, value: string): string {
    try {
      return unseal(key, value);
    } catch (error) {
      this.onDamage?.(key);
      throw error;
    }
  }

  /** A database was changed past all records: nothing that is remembered of it counts. */
  forget(key: DatabaseKey): void {
    this.#records.delete(key);
    this.digests.reset();
  }

  /** Replaces a record by its committed successor; undefined where it was removed. */
  install(key: DatabaseKey, record: DatabaseRecord | undefined, before: DatabaseRecord | undefined): void {
    this.digests.change(key, before, record);
    if (record) this.#records.set(key, record);
    else this.#records.delete(key);
  }

  get(key: string, snapshot?: LevelSnapshot): string | undefined {
    try {
      return snapshot ? this.level.getSync(key, { snapshot }) : this.level.getSync(key);
    } catch (error) {
      throw storeFault(error);
    }
  }
}

/** Whether LevelDB itself cannot read a table any more. */
export function isTableDamage(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (code === 'LEVEL_CORRUPTION') return true;
  return typeof cause === 'object' && cause !== null && isTableDamage(cause);
}

/** What a fault of level means to callers; StoreErrors and failed assertions pass through. */
export function storeFault(error: unknown): unknown {
  const { code, cause, message } = error as { code?: unknown; cause?: { code?: unknown; message?: string }; message?: string };
  if (error instanceof StoreError || typeof code !== 'string' || !code.startsWith('LEVEL_')) return error;
  if (code === 'LEVEL_LOCKED' || cause?.code === 'LEVEL_LOCKED') return new StoreError('device-locked', 'another process has the listings open', { cause: error });
  if (isTableDamage(error)) return new StoreError('corrupt', `listings: ${cause?.message ?? message ?? ''}`, { cause: error });
  const text = `${message ?? ''} ${cause?.message ?? ''}`;
  if (/no space|quota exceeded/i.test(text)) return new StoreError('device-full', 'no room for listings', { cause: error });
  return new StoreError('device-unavailable', `listings: ${text.trim()}`, { cause: error });
}

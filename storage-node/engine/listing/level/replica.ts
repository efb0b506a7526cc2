/** The side of a device's listings that other replicas see: digests and versions of databases, their rows in pages, and what is merged from others. */
import { StoreError, type Timestamp } from '#common';
import {
  compareNames, compareRows, DIGEST_BYTES,
  type DatabaseCopy, type DatabaseKind, type DatabaseName, type DatabaseRanges, type DatabaseVersion, type Key, type ListingRow, type ReplicatedState,
} from '#storage-node/protocol';
import { mergeStates } from '../database-state.ts';
import { formatVersion } from '../database-version.ts';
import { addRow, emptyDigest, formatDigest } from '../row-digest.ts';
import { DATABASE_SLICE_BITS, databasePrefix, recordVersion } from './database-digests.ts';
import type { DatabaseRecord } from './database-record.ts';
import type { GroupCommitter } from './group-committer.ts';
import { databaseKey, stateRange, type DatabaseKey } from './keys.ts';
import { openCursor } from './list-rows.ts';
import { storeFault, type LevelSnapshot, type ListingStore } from './listing-store.ts';

/** Rows of one commit, and databases read at once. */
const ROWS_AT_ONCE = 1000;
const DATABASES_AT_ONCE = 1000;

export class ListingsReplica {
  readonly #store: ListingStore;
  readonly #committer: GroupCommitter;
  readonly #agreed = new Map<DatabaseKind, { bits: number; at: Map<number, Timestamp> }>();

  constructor(store: ListingStore, committer: GroupCommitter) {
    this.#store = store;
    this.#committer = committer;
  }

  async databaseDigests(ranges: DatabaseRanges): Promise<Buffer> {
    try {
      if (ranges.bits > DATABASE_SLICE_BITS) return await this.#count(ranges);
      const { digests } = this.#store;
      await digests.ready((started) => this.#everything(started));
      return digests.sums(ranges);
    } catch (error) {
      throw storeFault(error);
    }
  }

  /** Ranges smaller than a slice are counted. */
  async #count(ranges: DatabaseRanges): Promise<Buffer> {
    const sums = Buffer.alloc(ranges.prefixes.length * DIGEST_BYTES);
    for (const [i, prefix] of ranges.prefixes.entries()) {
      let [low, high] = [0, 0];
      for (const { version } of await this.databaseVersions({ ...ranges, prefixes: [prefix], limit: Infinity })) {
        low = (low + Number.parseInt(version.slice(0, 8), 16)) >>> 0;
        high = (high + Number.parseInt(version.slice(8), 16)) >>> 0;
      }
      sums.writeUInt32LE(low, i * DIGEST_BYTES);
      sums.writeUInt32LE(high, i * DIGEST_BYTES + 4);
    }
    return sums;
  }

  /** Every record as of a moment between two commits. */
  async *#everything(started: () => void): AsyncGenerator<DatabaseRecord, void, undefined> {
    const snapshot = await this.#committer.commit(() => {
      started();
      return this.#store.level.snapshot();
    });
    try {
      for (const kind of ['account', 'container'] as const) {
        const iterator = this.#store.level.keys({ ...stateRange(kind, { bits: 0, first: 0, count: 1 }), snapshot });
        try {
          for (let page = await iterator.nextv(DATABASES_AT_ONCE); page.length > 0; page = await iterator.nextv(DATABASES_AT_ONCE)) {
            for (const key of page) yield this.#store.load(key.slice(1), snapshot)!;
          }
        } finally {
          await iterator.close();
        }
      }
    } finally {
      await snapshot.close();
    }
  }

  async databaseVersions({ kind, bits, prefixes, after, limit }: DatabaseRanges & { after?: Key | undefined; limit: number }): Promise<DatabaseVersion[]> {
    const found: DatabaseVersion[] = [];
    const afterHex = after?.toString('hex');
    for (const first of prefixes) {
      const range = stateRange(kind, { bits, first, count: 1 });
      const behind = afterHex === undefined ? undefined : `${range.gte.slice(0, 2)}${afterHex}`;
      if (behind !== undefined && behind >= range.lt) continue;
      const keys = await this.#store.level.keys({ ...(behind !== undefined && behind >= range.gte ? { gt: behind } : { gte: range.gte }), lt: range.lt, limit: Math.min(limit - found.length, 1e9) }).all();
      for (const key of keys) {
        const record = this.#store.record(key.slice(1));
        if (record) found.push({ database: nameOf(record), version: formatVersion(recordVersion(record)) });
      }
      if (found.length >= limit) break;
    }
    return found;
  }

  async databaseState(database: DatabaseName): Promise<ReplicatedState | undefined> {
    return this.#store.record(databaseKey(database))?.state;
  }

  async databaseRows(database: DatabaseName, { after, limit }: { after: string; limit: number }): Promise<ListingRow[]> {
    const record = this.#store.record(databaseKey(database));
    const rows: ListingRow[] = [];
    if (record && limit > 0) for await (const row of this.#rows(record, after, limit)) if (rows.push(row) >= limit) break;
    return rows;
  }

  async rowDigests(database: DatabaseName, { after, ends }: { after: string; ends: readonly string[] }): Promise<string[]> {
    const record = this.#store.record(databaseKey(database));
    const digests = ends.map(emptyDigest);
    let range = 0;
    if (record) {
      for await (const row of this.#rows(record, after, ROWS_AT_ONCE)) {
        while (range < ends.length && ends[range] !== '' && compareNames(row.name, ends[range]!) > 0) range++;
        if (range >= ends.length) break;
        addRow(digests[range]!, row);
      }
    }
    return digests.map(formatDigest);
  }

  async adopt(copies: readonly DatabaseCopy[]): Promise<void> {
    await Promise.all(copies.flatMap(({ database, state, rows }) => {
      const parts: (readonly ListingRow[])[] = [];
      for (let at = 0; at === 0 || at < rows.length; at += ROWS_AT_ONCE) parts.push(rows.slice(at, at + ROWS_AT_ONCE));
      return parts.map((part) => this.#committer.commit((transaction) => {
        const held = transaction.find(database);
        const draft = held ?? transaction.create(database, mergeStates(undefined, state));
        draft.after.state = mergeStates(held?.after.state, state);
        for (const row of part) transaction.mergeRow(draft, row);
      }));
    }));
  }

  /** Row by row, each only if it is what it was at `version`; then the database, if nothing is left and nothing changed. */
  async release(database: DatabaseName, version: string): Promise<boolean> {
    const key = databaseKey(database);
    const snapshot = await this.#committer.commit((transaction) => {
      const draft = transaction.findByKey(key);
      const current = draft?.before && draft.rows.size === 0 && draft.after.state === draft.before.state;
      return current && formatVersion(recordVersion(draft.before)) === version ? this.#store.level.snapshot() : undefined;
    });
    if (snapshot === undefined) return false;
    try {
      const record = this.#store.load(key, snapshot)!;
      let batch: ListingRow[] = [];
      for await (const row of this.#rows(record, '', ROWS_AT_ONCE, snapshot)) {
        if (batch.push(row) < ROWS_AT_ONCE) continue;
        await this.#drop(key, batch);
        batch = [];
      }
      await this.#drop(key, batch);
      return await this.#committer.commit((transaction) => {
        const draft = transaction.findByKey(key);
        const { figures, state } = draft?.after ?? record;
        if (!draft || figures.totals.rows + figures.tombstones > 0 || JSON.stringify(state) !== JSON.stringify(record.state)) return false;
        return (draft.removed = true);
      });
    } finally {
      await snapshot.close();
    }
  }

  async #drop(key: DatabaseKey, rows: readonly ListingRow[]): Promise<void> {
    await this.#committer.commit((transaction) => {
      const draft = transaction.findByKey(key);
      for (const row of draft ? rows : []) {
        const held = transaction.row(draft!, row.name);
        if (held && compareRows(held, row) === 0) transaction.replaceRow(draft!, row.name, held, undefined);
      }
    });
  }

  agree({ kind, bits, prefixes }: DatabaseRanges, at: Timestamp): void {
    let agreed = this.#agreed.get(kind);
    if (agreed === undefined || agreed.bits !== bits) this.#agreed.set(kind, (agreed = { bits, at: new Map() }));
    for (const prefix of prefixes) agreed.at.set(prefix, at);
  }

  /** Up to when all primaries are known to have heard of what was deleted in a database; 0 for never. */
  agreedAt(key: DatabaseKey): Timestamp {
    const agreed = this.#agreed.get(key.startsWith('a') ? 'account' : 'container');
    return agreed?.at.get(databasePrefix(key, agreed.bits)) ?? (0 as Timestamp);
  }

  async *#rows(record: DatabaseRecord, after: string, batch: number, snapshot?: LevelSnapshot): AsyncGenerator<ListingRow, void, undefined> {
    const query = { limit: batch, marker: after, endMarker: '', prefix: '', delimiter: '', reverse: false, includeDeleted: true };
    await using cursor = openCursor(this.#store, record.id, query, snapshot);
    if (cursor === undefined) throw new StoreError('bad-request', 'no names there');
    while (cursor.name !== undefined || (await cursor.fill())) yield cursor.take();
  }
}

function nameOf({ key, state }: DatabaseRecord): DatabaseName {
  return { kind: key.startsWith('a') ? 'account' : 'container', key: Buffer.from(key.slice(1), 'hex'), path: state.path };
}

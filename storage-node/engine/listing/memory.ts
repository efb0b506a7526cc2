/** The model of the ListingEngine port: rows in a Map, listings by sorting and filtering all of them. What the level engine is measured against. */
import { compareNames, compareRows, DIGEST_LANES, isAlive, prefixOf } from '#storage-node/protocol';
import type {
  DatabaseCopy, DatabaseInfo, DatabaseName, DatabaseRanges, DatabaseVersion, Key, ListingEngine, ListingEntry,
  ListingPage, ListingQuery, ListingRow, LocalListingReplica, MergeRequest, PutDatabase, ReplicatedState, TimedMetadata,
} from '#storage-node/protocol';
import type { Timestamp } from '#common';
import { deleteState, infoOf, mergeStates, postState, putState, reclaimMetadata, type DatabaseState } from './database-state.ts';
import { formatVersion, versionOf } from './database-version.ts';
import { addRow, emptyDigest, formatDigest } from './row-digest.ts';
import { emptyFigures, replaceRow, type Figures } from './totals.ts';

interface Database {
  readonly kind: DatabaseName['kind'];
  state: DatabaseState;
  readonly figures: Figures;
  readonly rows: Map<string, ListingRow>;
  reported: DatabaseInfo | undefined;
}

export class MemoryListingEngine implements ListingEngine, LocalListingReplica {
  readonly #databases = new Map<string, Database>();

  async info(name: DatabaseName): Promise<DatabaseInfo | undefined> {
    const database = this.#find(name);
    return database && infoOf(database.state, database.figures);
  }

  async put(request: PutDatabase): Promise<{ created: boolean; info: DatabaseInfo }> {
    const before = this.#find(request.database);
    const wasAlive = before !== undefined && isAlive(before.state);
    const database = this.#put(request);
    return { created: !wasAlive && isAlive(database.state), info: infoOf(database.state, database.figures) };
  }

  async post(request: { database: DatabaseName; timestamp: Timestamp; metadata: TimedMetadata }): Promise<DatabaseInfo | undefined> {
    const database = this.#findAlive(request.database);
    if (!database) return undefined;
    database.state = postState(database.state, request.timestamp, request.metadata);
    return infoOf(database.state, database.figures);
  }

  async delete(request: { database: DatabaseName; timestamp: Timestamp; force?: boolean }): Promise<'deleted' | 'not-found' | 'not-empty'> {
    const database = this.#find(request.database);
    if (!database) return 'not-found';
    const wasAlive = isAlive(database.state);
    if (wasAlive && database.figures.totals.rows > 0 && !request.force) return 'not-empty';
    database.state = deleteState(database.state, request.timestamp);
    if (!wasAlive) return 'not-found';
    return isAlive(database.state) ? 'not-empty' : 'deleted';
  }

  async merge(request: MergeRequest): Promise<DatabaseInfo | undefined> {
    const { database: name, rows, createWith } = request;
    const database = createWith ? this.#put({ database: name, metadata: {}, ...createWith }) : this.#findAlive(name);
    if (!database) return undefined;
    mergeRows(database, rows);
    return infoOf(database.state, database.figures);
  }

  /** Memory is as stable as it will ever be. */
  async sync(): Promise<string> {
    return 'memory';
  }

  async list(name: DatabaseName, query: ListingQuery): Promise<ListingPage | undefined> {
    const database = this.#findAlive(name);
    if (!database) return undefined;
    const all = entriesOf([...database.rows.values()], query);
    return { info: infoOf(database.state, database.figures), entries: all.slice(0, query.limit), truncated: all.length > query.limit };
  }

  async unreported(limit: number): Promise<DatabaseInfo[]> {
    const infos: DatabaseInfo[] = [];
    for (const { kind, state, figures, reported } of this.#databases.values()) {
      const info = infoOf(state, figures);
      if (kind === 'container' && infos.length < limit && !sameReport(info, reported)) infos.push(info);
    }
    return infos;
  }

  reported(info: DatabaseInfo): void {
    for (const database of this.#databases.values()) if (database.kind === 'container' && database.state.path === info.path) database.reported = info;
  }

  async databaseDigests({ kind, bits, prefixes }: DatabaseRanges): Promise<Buffer> {
    const sums = new Uint32Array(prefixes.length * DIGEST_LANES);
    for (const { database, version } of this.#versions(kind)) {
      const at = prefixes.indexOf(prefixOf(database.key.toString('latin1'), bits)) * DIGEST_LANES;
      if (at < 0) continue;
      sums[at] = sums[at]! + Number.parseInt(version.slice(0, 8), 16);
      sums[at + 1] = sums[at + 1]! + Number.parseInt(version.slice(8), 16);
    }
    return Buffer.from(sums.buffer);
  }

  async databaseVersions({ kind, bits, prefixes, after, limit }: DatabaseRanges & { after?: Key | undefined; limit: number }): Promise<DatabaseVersion[]> {
    const wanted = this.#versions(kind).filter(({ database: { key } }) => prefixes.includes(prefixOf(key.toString('latin1'), bits)));
    return wanted.filter(({ database: { key } }) => after === undefined || Buffer.compare(key, after) > 0).slice(0, limit);
  }

  async databaseState(name: DatabaseName): Promise<ReplicatedState | undefined> {
    return this.#find(name)?.state;
  }

  async databaseRows(name: DatabaseName, { after, limit }: { after: string; limit: number }): Promise<ListingRow[]> {
    const rows = [...(this.#find(name)?.rows.values() ?? [])].sort((a, b) => compareNames(a.name, b.name));
    return rows.filter((row) => after === '' || compareNames(row.name, after) > 0).slice(0, limit);
  }

  async rowDigests(name: DatabaseName, { after, ends }: { after: string; ends: readonly string[] }): Promise<string[]> {
    const rows = await this.databaseRows(name, { after, limit: Infinity });
    return ends.map((end, i) => {
      const digest = emptyDigest();
      const from = i === 0 ? after : ends[i - 1]!;
      for (const row of rows) if ((from === '' || compareNames(row.name, from) > 0) && (end === '' || compareNames(row.name, end) <= 0)) addRow(digest, row);
      return formatDigest(digest);
    });
  }

  async adopt(copies: readonly DatabaseCopy[]): Promise<void> {
    for (const { database: name, state, rows } of copies) {
      let database = this.#find(name);
      if (database) database.state = mergeStates(database.state, state);
      else this.#databases.set(idOf(name), (database = { kind: name.kind, state, figures: emptyFigures(), rows: new Map(), reported: undefined }));
      mergeRows(database, rows);
    }
  }

  async release(name: DatabaseName, version: string): Promise<boolean> {
    if (this.#versions(name.kind).find(({ database }) => database.key.equals(name.key))?.version !== version) return false;
    return this.#databases.delete(idOf(name));
  }

  agree(): void {
    // What is reclaimed here is the caller's choice.
  }

  #versions(kind: DatabaseName['kind']): DatabaseVersion[] {
    const all = [...this.#databases].filter(([, database]) => database.kind === kind).map(([id, { state, figures }]) => {
      const hex = id.slice(kind.length + 1);
      return { database: { kind, key: Buffer.from(hex, 'hex'), path: state.path }, version: formatVersion(versionOf((kind === 'account' ? 'a' : 'c') + hex, state, figures)) };
    });
    return all.sort((a, b) => Buffer.compare(a.database.key, b.database.key));
  }

  /** Forgets tombstones, removed metadata and deleted databases from before `olderThan`. */
  async reclaim(olderThan: Timestamp): Promise<void> {
    for (const [id, database] of this.#databases) {
      for (const row of [...database.rows.values()].filter((held) => held.deleted && held.timestamp < olderThan)) {
        replaceRow(database.figures, row, undefined);
        database.rows.delete(row.name);
      }
      database.state = reclaimMetadata(database.state, olderThan);
      const reported = database.kind === 'account' || sameReport(infoOf(database.state, database.figures), database.reported);
      if (!isAlive(database.state) && database.state.deleteTimestamp < olderThan && database.rows.size === 0 && reported) this.#databases.delete(id);
    }
  }

  #put(request: PutDatabase): Database {
    const database = this.#find(request.database);
    const state = putState(database?.state, request.database.path, request);
    if (database) {
      database.state = state;
      return database;
    }
    const created: Database = { kind: request.database.kind, state, figures: emptyFigures(), rows: new Map(), reported: undefined };
    this.#databases.set(idOf(request.database), created);
    return created;
  }

  #find(name: DatabaseName): Database | undefined {
    return this.#databases.get(idOf(name));
  }

  #findAlive(name: DatabaseName): Database | undefined {
    const database = this.#find(name);
    return database && isAlive(database.state) ? database : undefined;
  }
}

function mergeRows(database: Database, rows: readonly ListingRow[]): void {
  for (const row of rows) {
    const held = database.rows.get(row.name);
    if (held && compareRows(row, held) <= 0) continue;
    replaceRow(database.figures, held, row);
    database.rows.set(row.name, row);
  }
}

function idOf(name: DatabaseName): string {
  return `${name.kind} ${name.key.toString('hex')}`;
}

function sameReport(info: DatabaseInfo, reported: DatabaseInfo | undefined): boolean {
  return (
    reported !== undefined &&
    info.putTimestamp === reported.putTimestamp &&
    info.deleteTimestamp === reported.deleteTimestamp &&
    info.totals.rows === reported.totals.rows &&
    info.totals.bytes === reported.totals.bytes
  );
}

/** Every entry that a query asks for, without its limit: the definition of a listing, in as few words as possible. */
function entriesOf(rows: readonly ListingRow[], query: ListingQuery): ListingEntry[] {
  const { prefix, delimiter, reverse } = query;
  const [after, before] = reverse ? [query.endMarker, query.marker] : [query.marker, query.endMarker];
  const inBounds = (name: string): boolean => (after === '' || compareNames(name, after) > 0) && (before === '' || compareNames(name, before) < 0);
  const entries = new Map<string, ListingEntry>();
  for (const row of rows) {
    if ((row.deleted && !query.includeDeleted) || !row.name.startsWith(prefix) || !inBounds(row.name)) continue;
    const end = delimiter === '' ? -1 : row.name.indexOf(delimiter, prefix.length);
    if (end < 0) {
      entries.set(`row ${row.name}`, row);
      continue;
    }
    const subdir = row.name.slice(0, end + delimiter.length);
    if (inBounds(subdir)) entries.set(`subdir ${subdir}`, { subdir });
  }
  const nameOf = (entry: ListingEntry): string => ('subdir' in entry ? entry.subdir : entry.name);
  return [...entries.values()].sort((a, b) => (reverse ? -1 : 1) * compareNames(nameOf(a), nameOf(b)));
}

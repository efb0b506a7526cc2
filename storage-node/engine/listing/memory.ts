/** The model of the ListingEngine port: rows in a Map, listings by sorting and filtering all of them. What the level engine is measured against. */
import { compareNames, compareRows, isAlive } from '#storage-node/protocol';
import type { DatabaseInfo, DatabaseName, ListingEngine, ListingEntry, ListingPage, ListingQuery, ListingRow, MergeRequest, PutDatabase, TimedMetadata } from '#storage-node/protocol';
import type { Timestamp } from '#common';
import { deleteState, infoOf, postState, putState, reclaimMetadata, type DatabaseState } from './database-state.ts';
import { emptyFigures, replaceRow, type Figures } from './totals.ts';

interface Database {
  readonly kind: DatabaseName['kind'];
  state: DatabaseState;
  readonly figures: Figures;
  readonly rows: Map<string, ListingRow>;
  reported: DatabaseInfo | undefined;
}

export class MemoryListingEngine implements ListingEngine {
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
    for (const row of rows) {
      const held = database.rows.get(row.name);
      if (held && compareRows(row, held) <= 0) continue;
      replaceRow(database.figures, held, row);
      database.rows.set(row.name, row);
    }
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

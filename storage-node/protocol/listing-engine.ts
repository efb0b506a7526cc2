/**
 * The ListingEngine port: the account and container databases of one device. Both are the same thing: metadata with a
 * life of its own, and named rows in byte order with totals kept as they change. An account's rows are its containers,
 * a container's rows its objects. One contract suite (engine/listing-engine.contract.ts) runs against the level engine, the
 * memory model and the HTTP transport.
 *
 * Everything merges by timestamp, so that replicas that hear the same changes in any order, any number of times, end equal.
 */
import type { Timestamp } from '#common';
import type { ListingReplica } from './listing-replica.ts';
import type { Dated, Key } from './object-engine.ts';

export type DatabaseKind = 'account' | 'container';

/** Which database: its kind, key (MD5 of the salted path) and path `/account` or `/account/container`. */
export interface DatabaseName {
  readonly kind: DatabaseKind;
  readonly key: Key;
  readonly path: string;
}

/** Metadata with a timestamp each; the newest wins, an empty value is a removed one (kept until reclaimed, to win over older ones). */
export type TimedMetadata = Readonly<Record<string, readonly [value: string, timestamp: Timestamp]>>;

/** Totals of the live rows. */
export interface ListingTotals {
  /** Live rows: containers of an account, objects of a container. */
  readonly rows: number;
  /** Sum of the rows' `count`: objects of an account (a container's rows count 1 each). */
  readonly objects: number;
  readonly bytes: number;
}

export interface DatabaseInfo {
  readonly path: string;
  /** When it was first created. */
  readonly createdAt: Timestamp;
  /** Alive if `putTimestamp` is newer than `deleteTimestamp`. */
  readonly putTimestamp: Timestamp;
  readonly deleteTimestamp: Timestamp;
  /** When put, delete or metadata last changed it (not its rows): Last-Modified. */
  readonly statusTimestamp: Timestamp;
  readonly metadata: TimedMetadata;
  /** Storage policy index of a container; 0 for an account. */
  readonly policy: number;
  readonly totals: ListingTotals;
  /** Totals by storage policy index of the rows (accounts: of their containers; containers: their own). */
  readonly totalsByPolicy: Readonly<Record<number, ListingTotals>>;
  /**
   * Order-free digest of all rows, tombstones too: two replicas with equal digests hold equal rows. Hex text.
   * The read path uses it: one replica's page is the majority's page where the digests agree.
   */
  readonly digest: string;
}

/**
 * A row. Merge rule: the newer `timestamp` wins; at equal timestamps a deleted row wins over a live one, else the newer
 * `metaTimestamp` wins; still equal, the larger (etag, contentType, size) in byte order: replicas never disagree.
 */
export interface ListingRow {
  /** Object name in a container, container name in an account. */
  readonly name: string;
  /** Of the object's data or tombstone; of the container's put or delete. */
  readonly timestamp: Timestamp;
  readonly deleted: boolean;
  /** Of the object's last metadata change, or of the container's last report of its totals. */
  readonly metaTimestamp: Timestamp;
  readonly bytes: number;
  /** 1 for an object; a container's objects in an account row. */
  readonly count: number;
  /** Storage policy index. */
  readonly policy: number;
  /** Empty in account rows. */
  readonly etag: string;
  readonly contentType: string;
}

/** A name that stands for all rows sharing it as a prefix, up to and with the delimiter. */
export interface Subdirectory {
  readonly subdir: string;
}

export type ListingEntry = ListingRow | Subdirectory;

/** What a listing asks for. Names compare as bytes of UTF-8. */
export interface ListingQuery {
  /** At most this many entries (rows and subdirectories together). */
  readonly limit: number;
  /** Names after this one only, exclusive (before it, with reverse). '' for none. */
  readonly marker: string;
  /** Names before this one only, exclusive (after it, with reverse). '' for none. */
  readonly endMarker: string;
  readonly prefix: string;
  /** Rolls up names at the first occurrence after the prefix. '' for none; may have several characters. */
  readonly delimiter: string;
  readonly reverse: boolean;
  /** Also deleted rows (for merging replicas' pages); they count towards the limit. Default false. */
  readonly includeDeleted?: boolean;
}

export interface ListingPage {
  /** The database at the moment of the listing: page and digest are of one snapshot. */
  readonly info: DatabaseInfo;
  readonly entries: readonly ListingEntry[];
  /** True if the page ended because of the limit and at least one more entry follows. */
  readonly truncated: boolean;
}

export interface PutDatabase extends Dated {
  readonly database: DatabaseName;
  readonly timestamp: Timestamp;
  readonly metadata: TimedMetadata;
  /** For a container: the policy of a new one (ignored where it lives already, see the answer's info.policy). */
  readonly policy: number;
}

export interface MergeRequest {
  readonly database: DatabaseName;
  readonly rows: readonly ListingRow[];
  readonly createWith?: { readonly timestamp: Timestamp; readonly policy: number };
  /**
   * The answer need not wait for stable storage: the rows are listed, and outlive this process, but not yet a loss of power. For
   * rows that can be told again from elsewhere until a `sync` has shown that they are safe.
   */
  readonly deferSync?: boolean;
}

/** Accounts and containers on one device. Methods throw `device-unavailable` / `device-full` like the ObjectEngine's; durable when they resolve, but for deferred merges. */
export interface ListingEngine extends ListingReplica {
  /** State of the database (also of a deleted one), or undefined where there never was one here. Cheap; from memory where it can be. */
  info(database: DatabaseName): Promise<DatabaseInfo | undefined>;
  /** Creates, revives or updates; `created` is true where it was not alive before. A revived container takes the new policy and drops metadata older than its deletion. */
  put(request: PutDatabase): Promise<{ created: boolean; info: DatabaseInfo }>;
  /** Merges metadata into a live database; undefined where it is not alive. */
  post(request: Dated & { database: DatabaseName; timestamp: Timestamp; metadata: TimedMetadata }): Promise<DatabaseInfo | undefined>;
  /**
   * Deletes a live and empty database. `not-found` where it is not alive, `not-empty` where live rows remain (nothing
   * changes), unless `force` (an account being reaped). `not-empty` also where a newer put keeps it alive.
   */
  delete(request: Dated & { database: DatabaseName; timestamp: Timestamp; force?: boolean }): Promise<'deleted' | 'not-found' | 'not-empty'>;
  /**
   * Merges rows into a database. Answers the info after it; undefined where the database is not alive here and
   * `createWith` is not given. With it, the database is put first (a container replica that missed its creation), and the
   * rows merge even where a newer delete keeps it dead: see `isAlive(info)`.
   */
  merge(request: MergeRequest): Promise<DatabaseInfo | undefined>;
  /**
   * Puts every merge answered so far on stable storage. Answers the name of this life of the engine: where two calls answer the same, nothing
   * merged between them was lost by a restart.
   */
  sync(): Promise<string>;
  /** A page of a live database; undefined where it is not alive. */
  list(database: DatabaseName, query: ListingQuery): Promise<ListingPage | undefined>;
  /** Containers whose put, delete or totals changed since they were last reported to their account, at most `limit`: the container updater's work. */
  unreported(limit: number): Promise<DatabaseInfo[]>;
  /** The totals in `info` reached the account; forgets it unless they changed since. Lazy, never fails. */
  reported(info: DatabaseInfo): void;
}

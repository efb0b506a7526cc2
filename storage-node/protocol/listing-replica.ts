/**
 * What replicas of account and container databases say to each other. Databases are found to differ by digests over ranges of their keys,
 * as objects are; the rows of one by digests over ranges of their names. Everything that is sent merges by timestamp, so that it may be
 * sent in any order, twice, or half. Part of the ListingEngine port; storage-node/daemons/replicator is what asks.
 */
import type { Timestamp } from '#common';
import type { DatabaseKind, DatabaseName, ListingRow, TimedMetadata } from './listing-engine.ts';
import type { Key } from './object-engine.ts';
import type { KeyRanges } from './object-replica.ts';

/** What a database says of itself besides its rows. */
export interface ReplicatedState {
  readonly path: string;
  readonly createdAt: Timestamp;
  readonly putTimestamp: Timestamp;
  readonly deleteTimestamp: Timestamp;
  readonly statusTimestamp: Timestamp;
  readonly metadata: TimedMetadata;
  /** Runs of puts that asked for one storage policy. */
  readonly policies: readonly { readonly from: Timestamp; readonly to: Timestamp; readonly policy: number }[];
}

/** Two replicas of one version hold the same state and the same rows. */
export interface DatabaseVersion {
  readonly database: DatabaseName;
  /** 16 hex digits. */
  readonly version: string;
}

/** A database, or a part of it, on its way to another replica. */
export interface DatabaseCopy {
  readonly database: DatabaseName;
  readonly state: ReplicatedState;
  readonly rows: readonly ListingRow[];
}

export interface DatabaseRanges extends KeyRanges {
  readonly kind: DatabaseKind;
}

export interface ListingReplica {
  /** The digest of the databases of each range of keys, 8 bytes each; zeros where there are none. */
  databaseDigests(ranges: DatabaseRanges): Promise<Buffer>;
  /** Databases of the ranges, deleted ones too, in order of key from the first one after `after` on, at most `limit`. */
  databaseVersions(request: DatabaseRanges & { readonly after?: Key | undefined; readonly limit: number }): Promise<DatabaseVersion[]>;
  databaseState(database: DatabaseName): Promise<ReplicatedState | undefined>;
  /** Rows, tombstones too, also of a deleted database, in order of name from the first one after `after` on ('': from the first), at most `limit`. */
  databaseRows(database: DatabaseName, page: { readonly after: string; readonly limit: number }): Promise<ListingRow[]>;
  /** Digests of the rows (32 hex digits) behind `after` up to and with `ends[0]`, behind that up to and with `ends[1]`, and so on; an end of '' is behind all names. */
  rowDigests(database: DatabaseName, ranges: { readonly after: string; readonly ends: readonly string[] }): Promise<string[]>;
  /** Merges states and rows, making databases that are not there; durable when it resolves. */
  adopt(copies: readonly DatabaseCopy[]): Promise<void>;
}

/** What a replicator may do besides with the databases of its own process. */
export interface LocalListingReplica extends ListingReplica {
  /**
   * Forgets a database, for a device that stood in for others once all of them have all of it. What came to it since it had that version
   * stays, and false is answered.
   */
  release(database: DatabaseName, version: string): Promise<boolean>;
  /** All primaries held at `at` what is held here in these ranges: deletions older than that may be forgotten when they are old enough. */
  agree(ranges: DatabaseRanges, at: Timestamp): void;
}

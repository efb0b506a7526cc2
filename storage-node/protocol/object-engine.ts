/**
 * The ObjectEngine port: what one device promises for the objects of one storage policy. The volume engine keeps it on
 * disk, a Map keeps it in tests, and the HTTP transport carries it to a device of another process; one contract suite
 * (engine/object-engine.contract.ts) runs against them all.
 *
 * An object is known by its key: the 16-byte MD5 of its salted path (ring/hash-path.ts), whose leading bits are its
 * partition, so that keys in order are partitions in order. For each key an engine holds one state: a data record with
 * perhaps newer metadata on it, or a tombstone.
 */
import type { Timestamp } from '#common';
import type { ObjectReplica } from './object-replica.ts';

/** What writes say of their timestamps. */
export interface Dated {
  /**
   * It is meant to be far from the present, and no device is to refuse it for that: a copy of what another device holds, a write of another cluster's
   * time, or one that follows a state of a clock that was wrong.
   */
  readonly dated?: true | undefined;
}

/** The 16 bytes of MD5 that name an object, container or account. */
export type Key = Buffer;

/** Flat system and user metadata of an object, names in the dialects' own case, e.g. `ETag`, `Content-Type`, `X-Object-Meta-Colour`. */
export type Metadata = Readonly<Record<string, string>>;

/** What the index knows of a key without reading data. */
export interface ObjectState {
  /** When the data record, or the tombstone, was written (the proxy's timestamp). */
  readonly timestamp: Timestamp;
  /** True for a tombstone: the object was deleted at `timestamp`. */
  readonly deleted: boolean;
  /** When metadata was last replaced; equals `timestamp` where it never was. */
  readonly metaTimestamp: Timestamp;
  /** Length of the data in bytes; 0 for a tombstone. */
  readonly sizeBytes: number;
  /** Data or tombstone came from a conditional write: there and true, or not there. */
  readonly conditional?: true;
}

/** An object's state with its name and the metadata in force. */
export interface ObjectInfo extends ObjectState {
  /** Full name `/account/container/object`. */
  readonly name: string;
  readonly metadata: Metadata;
}

/** An open object. The bytes stay readable until disposed, whatever is written, deleted or compacted meanwhile. */
export interface ObjectReader extends AsyncDisposable {
  readonly info: ObjectInfo;
  /** The whole data, already verified, where it is small enough to have been read with its metadata; else undefined. */
  readonly data: Buffer | undefined;
  /**
   * The bytes from `start` up to but not including `end`, each verified before it is yielded; each chunk in memory that is the receiver's. Chunks are at least 1 byte and at most 1 MiB.
   * Throws `corrupt` at the first block whose CRC fails (and quarantines the record), `device-unavailable` on an I/O error.
   */
  read(start: number, end: number): AsyncIterable<Buffer>;
}

export interface PutRequest extends Dated {
  readonly key: Key;
  /** Full name `/account/container/object`; kept in the record, so that the index can be rebuilt from volumes alone. */
  readonly name: string;
  readonly timestamp: Timestamp;
  readonly metadata: Metadata;
  readonly data: Buffer;
  /** Carries the ballot that its timestamp won (`prepare`). */
  readonly conditional?: true | undefined;
}

export interface CreateRequest extends Dated {
  readonly key: Key;
  readonly name: string;
  readonly timestamp: Timestamp;
  /** Expected length, where the client declared one: a hint for placement, never trusted. */
  readonly sizeHint: number | undefined;
  /** A copy of data that came from a conditional write. */
  readonly conditional?: true | undefined;
}

/** Data on its way in. Nothing is visible before `commit` resolves; an aborted or abandoned writer leaves nothing behind. */
export interface ObjectWriter {
  /** Takes a chunk; resolves when the next may come (back-pressure). The buffer must not be changed afterwards. */
  write(chunk: Buffer): Promise<void>;
  /**
   * Resolves when all chunks given so far have been written, and says whether that is so: if true, their memory may be used again. Left
   * out where chunks are kept, or may be.
   */
  written?(): Promise<boolean>;
  /** Makes data and metadata durable and visible in one step; with a ballot, as of its timestamp, and not as of the one it was created for. */
  commit(metadata: Metadata, ballot?: Timestamp): Promise<WriteReceipt>;
  /** Forgets what was written. Harmless after commit or a failure. */
  abort(): Promise<void>;
}

/** New metadata for the data record written at `base`, replacing all that was set by earlier ones. */
export interface PostRequest extends Dated {
  readonly key: Key;
  readonly name: string;
  readonly timestamp: Timestamp;
  /** Timestamp of the data record this metadata was made for; it has no effect on any other. */
  readonly base: Timestamp;
  readonly metadata: Metadata;
}

export interface DeleteRequest extends Dated {
  readonly key: Key;
  readonly name: string;
  readonly timestamp: Timestamp;
  /** Carries the ballot that its timestamp won (`prepare`). */
  readonly conditional?: true | undefined;
}

/** Asks for a promise: that no data and no tombstone older than `timestamp` takes effect for `key` from now on. */
export interface PrepareRequest extends Dated {
  readonly key: Key;
  readonly name: string;
  readonly timestamp: Timestamp;
  /** Asks besides whether the state of this older timestamp was ever in force here. */
  readonly overtaken?: Timestamp | undefined;
}

/** The durable answer. `refused`: `timestamp` is not newer than what is held, or than another promise; nothing was promised. */
export interface Prepared {
  readonly outcome: 'promised' | 'refused';
  /** What is held, read in the same step as the promise was given. */
  readonly state: ObjectState | undefined;
  /** The newest promise that stands now; NEVER for none. */
  readonly promised: Timestamp;
  /** Whether the state of `overtaken` is in force, or was; not there where that is not remembered, or was not asked. */
  readonly hasHeld?: boolean | undefined;
}

/**
 * The durable answer to a write. `committed`: on stable storage and in force. `superseded`: the engine holds a state at
 * least as new, or has promised (`promised` says what) to take none so old; nothing was written. `absent` (post only): there is no data record of timestamp `base`.
 */
export interface WriteReceipt {
  readonly outcome: 'committed' | 'superseded' | 'absent';
  /** The state in force after the write. For `absent`, with nothing held, timestamp NEVER and deleted. */
  readonly state: ObjectState;
  /** The state that was in force before it, if any: a delete learns from it whether there was an object. */
  readonly previous: ObjectState | undefined;
  /** Where and when it became durable; undefined unless committed. Time in ms since the epoch. */
  readonly durability: { readonly volume: number; readonly sequence: number; readonly syncedAtMs: number } | undefined;
  /** The promise that was in its way; not there where none was. */
  readonly promised?: Timestamp;
}

/** A write whose container row is not known to be committed: the durable async-pending record. */
export interface PendingRow {
  readonly key: Key;
  /** Absent for a key that was overwritten since: then only the newest matters. */
  readonly info: ObjectInfo;
}

/**
 * Objects of one policy on one device.
 *
 * Ordering: a data record or tombstone is in force if its timestamp is newer than the one held; at equal timestamps the
 * tombstone wins, then the larger ETag in byte order, so that replicas agree whatever order they hear things in. A put
 * or delete that is exactly what is held answers `committed` again (a retry is harmless).
 *
 * Every method throws StoreError `device-unavailable` where the device cannot answer, `device-full` where it has no room; those that carry a timestamp throw
 * `clock-skew` where it is too far from the device's clock (engine/timely.ts), with the device's `nowMs` as detail.
 */
export interface ObjectEngine extends ObjectReplica {
  /** The state held for `key` (a tombstone too), or undefined. Index only. */
  stat(key: Key): Promise<ObjectState | undefined>;
  /** State, name and metadata in force (a tombstone too), or undefined. Verifies what it reads; throws `corrupt`. */
  info(key: Key): Promise<ObjectInfo | undefined>;
  /** Opens the data for reading, or undefined where there is no object (none, or a tombstone). Verifies; throws `corrupt` and quarantines. */
  open(key: Key): Promise<ObjectReader | undefined>;
  /** Writes a small object whole. Resolves when it is on stable storage. */
  put(request: PutRequest): Promise<WriteReceipt>;
  /** Begins a write of unknown or large size. */
  create(request: CreateRequest): Promise<ObjectWriter>;
  post(request: PostRequest): Promise<WriteReceipt>;
  /** Writes a tombstone, also where nothing is held. */
  delete(request: DeleteRequest): Promise<WriteReceipt>;
  /**
   * The first half of a conditional write (docs/decisions/0018): a promise that holds through crashes, compaction and a rebuilt index, for
   * data and tombstones from wherever they come, until data or a tombstone as new as it takes effect. It goes when it is older than the reclaim
   * age. Posts are no matter of promises.
   */
  prepare(request: PrepareRequest): Promise<Prepared>;
  /** Whoever was promised `timestamp` has not written at it and never will: the promise need not stand. Cheap, never fails, arrives before the next `prepare` if at all; forgotten by a crash. */
  abandon(key: Key, timestamp: Timestamp): void;
  /** The container row of the write at `timestamp` (data, tombstone or metadata) is committed: it is pending no more. Cheap, lazy, never fails. */
  settle(key: Key, timestamp: Timestamp): void;
  /** Writes older than `olderThanMs` whose rows are not settled, at most `limit`. Survives a crash: after one, a settled write may appear again, never the reverse. */
  pending(options: { olderThanMs: number; limit: number }): Promise<PendingRow[]>;
}

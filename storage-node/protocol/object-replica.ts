/**
 * What replicas of objects say to each other: digests to find where they differ, states of the keys in there, and whole states on their
 * way to whoever lacks them. Part of the ObjectEngine port; the replicator (storage-node/daemons/replicator) is what asks.
 */
import type { Timestamp } from '#common';
import type { Key, Metadata, ObjectState } from './object-engine.ts';

/** Ranges of keys by their leading bits: keys whose first `bits` bits (at most 30) are one of `prefixes`, which ascend. */
export interface KeyRanges {
  readonly bits: number;
  readonly prefixes: readonly number[];
}

export interface KeyedState {
  readonly key: Key;
  readonly state: ObjectState;
}

/**
 * Everything that one replica holds of a key: data or tombstone, and the metadata posted on it. `blocks` are the CRC-32 of each 64 KiB of
 * the data as they were computed when it was first written: whoever takes it compares.
 */
export interface ShippedState {
  readonly key: Key;
  readonly name: string;
  readonly timestamp: Timestamp;
  readonly deleted: boolean;
  readonly sizeBytes: number;
  readonly conditional?: true | undefined;
  /** Of the data record. */
  readonly metadata: Metadata;
  readonly posted: { readonly timestamp: Timestamp; readonly metadata: Metadata } | undefined;
  readonly blocks: readonly number[];
  /** The whole data, where it is small enough to be at hand. */
  readonly data: Buffer | undefined;
  /** The data, once, before the next state is asked for; also where it is at hand. */
  readonly read: () => AsyncIterable<Buffer>;
}

/** What became of states that were sent. */
export interface Taken {
  /** Written, and durable. */
  taken: number;
  /** Not needed: what was held is as new. */
  kept: number;
  /** Not what their checksums say: nothing of them was written. */
  damaged: number;
}

/** Something that happened to a key on a device. */
export interface HistoryEntry {
  readonly event: 'written' | 'posted' | 'deleted' | 'forgotten' | 'promised' | 'quarantined' | 'unknown';
  /** Of the state, by the proxy's clock. */
  readonly timestamp: Timestamp;
  /** When it became durable here, ms by the node's clock; undefined where the frame that tells is damaged. */
  readonly atMs: number | undefined;
  readonly sizeBytes: number;
  /** It won a ballot. */
  readonly conditional: boolean;
  /** What the device answers with. */
  readonly inForce: boolean;
  /** The same was there before: compaction copied it, or a replica sent it once more. */
  readonly again: boolean;
  readonly place: string;
  /** Of a quarantine. */
  readonly reason: string | undefined;
}

export interface ObjectReplica {
  /** What became of a key here, the oldest first; reads all volumes. */
  history(key: Key): Promise<HistoryEntry[]>;
  /** The digest of each range, 8 bytes each (protocol/state-digest.ts); zeros where nothing is held. */
  digests(ranges: KeyRanges): Promise<Buffer>;
  /** States held for keys of the ranges, tombstones too, in order of key, from the first one after `after` on, at most `limit`. */
  states(request: KeyRanges & { readonly after?: Key | undefined; readonly limit: number }): Promise<KeyedState[]>;
  /**
   * Takes whole states as they come; each by the rules of a write, but that no container row is pending after it: that is the
   * business of whoever took it from a client. Resolves when all are durable; throws where the device fails or is full.
   */
  take(states: AsyncIterable<ShippedState>): Promise<Taken>;
}

/** What a replicator may do besides with a device of its own process. */
export interface LocalReplica extends ObjectReplica {
  /** Whole states of the keys, in the order in which they are fastest to read. A key that is gone, or turns out to be damaged, is left out. */
  ship(keys: readonly Key[]): AsyncIterable<ShippedState>;
  /**
   * Forgets states that are held still and have no pending row: for a device that stood in for others, once all of them have them.
   * Durable; answers how many.
   */
  release(states: readonly KeyedState[]): Promise<number>;
  /** Names the present moment of the device's history. */
  moment(): Moment;
  /** All primaries hold what was held at `moment` in these ranges: tombstones among it may go when they are old enough. */
  agree(ranges: KeyRanges, moment: Moment): void;
}

/** A moment of a device's history, comparable to others of the same device while its process lives. */
export interface Moment {
  readonly volume: number;
  readonly offset: number;
}

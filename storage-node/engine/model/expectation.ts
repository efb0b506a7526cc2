/**
 * What a key may hold after a crash: every acknowledged write happened, in the order of the log; each one that failed or
 * was under way happened there whole, or not at all.
 */
import { crc32 } from 'node:zlib';
import { isStoreError, NEVER, type Timestamp } from '#common';
import type { Metadata, ObjectState } from '#storage-node/protocol';

export type Operation =
  | { readonly kind: 'put'; readonly timestamp: Timestamp; readonly metadata: Metadata; readonly data: Buffer }
  | { readonly kind: 'delete'; readonly timestamp: Timestamp }
  | { readonly kind: 'post'; readonly timestamp: Timestamp; readonly base: Timestamp; readonly metadata: Metadata }
  | { readonly kind: 'prepare'; readonly timestamp: Timestamp };

export interface Version {
  readonly timestamp: Timestamp;
  readonly metaTimestamp: Timestamp;
  readonly metadata: Metadata;
  /** Undefined for a tombstone. */
  readonly data: Buffer | undefined;
}

interface Step {
  readonly operation: Operation;
  readonly certain: boolean;
}

/** More unknown writes than this to a key, and the simulation reopens the device to learn what became of them. */
export const MAX_UNCERTAIN = 6;

export class KeyHistory {
  #base: Version | undefined;
  #steps: Step[] = [];
  uncertain = 0;
  /** The newest promise that was given. */
  #promised: Timestamp = NEVER;
  /** Everything that was ever tried, for runs where bits rotted and an older version may come back. */
  readonly attempts: Operation[] = [];

  /** A write took effect, or might have. */
  add(operation: Operation, certain: boolean): void {
    if (operation.kind === 'prepare') {
      if (certain && operation.timestamp > this.#promised) this.#promised = operation.timestamp;
      return;
    }
    this.#steps.push({ operation, certain });
    if (!certain) this.uncertain++;
  }

  /** It is known what is held. */
  restart(version: Version | undefined): void {
    this.#base = version;
    this.#steps = [];
    this.uncertain = 0;
  }

  /** After a reopen: whether a promise may stand that is `promised`, where data or a tombstone of `held` is there. */
  mayPromise(promised: Timestamp, held: Timestamp): boolean {
    const kept = held >= this.#promised || promised >= this.#promised;
    const known = promised === NEVER || this.attempts.some(({ kind, timestamp }) => kind === 'prepare' && timestamp === promised);
    this.#promised = promised;
    return kept && known;
  }

  /** Every state the key may be in. */
  possibilities(): (Version | undefined)[] {
    let states: (Version | undefined)[] = [this.#base];
    for (const { operation, certain } of this.#steps) {
      const after = states.map((state) => applied(state, operation));
      states = certain ? after : [...states, ...after];
    }
    return states;
  }
}

/** The log's rule: newer wins, and at equal timestamps the later place in the log, which only holds what was decided to win. */
function applied(state: Version | undefined, operation: Operation): Version | undefined {
  const { timestamp } = operation;
  if (operation.kind === 'prepare') return state;
  if (operation.kind === 'post') {
    if (state?.data === undefined || state.timestamp !== operation.base || state.metaTimestamp > timestamp) return state;
    return { ...state, metaTimestamp: timestamp, metadata: operation.metadata };
  }
  if (state !== undefined && state.timestamp > timestamp) return state;
  if (operation.kind === 'delete') return { timestamp, metaTimestamp: timestamp, metadata: {}, data: undefined };
  if (state?.timestamp === timestamp && state.data === undefined) return state;
  if (state?.timestamp === timestamp && state.metaTimestamp > timestamp) return { ...state, data: operation.data };
  return { timestamp, metaTimestamp: timestamp, metadata: operation.metadata, data: operation.data };
}

export function sameVersion(a: Version | undefined, b: Version | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.timestamp === b.timestamp && a.metaTimestamp === b.metaTimestamp && sameData(a.data, b.data) && JSON.stringify(a.metadata) === JSON.stringify(b.metadata);
}

function sameData(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.equals(b));
}

export function describe(version: Version | undefined): string {
  if (version === undefined) return 'nothing';
  const { timestamp, metaTimestamp, data, metadata } = version;
  return `${data === undefined ? 'tombstone' : `${data.length} bytes`} of ${timestamp % 1e6}/${metaTimestamp % 1e6} ${JSON.stringify(metadata)}`;
}

/** As good as an MD5 here, and cheaper: it tells two contents apart. */
export function etagOf(data: Buffer): string {
  return crc32(data).toString(16).padStart(8, '0');
}

export function sameState(a: ObjectState | undefined, b: ObjectState | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A model that says that it was damaged has nothing to compare with. */
export function damagedIsNothing(error: unknown): undefined {
  if (!isStoreError(error, 'corrupt')) throw error;
  return undefined;
}

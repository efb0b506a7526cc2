/**
 * What a database says of itself besides its rows, and how puts, posts and deletes change it. Pure, shared by the model
 * and the level engine. Every change merges by timestamp: minimum of creations, maximum of puts, of deletes and of all
 * changes, newest value of each metadata name, so that replicas which hear them in different orders end equal.
 */
import { NEVER, type Timestamp } from '#common';
import { compareNames, type DatabaseInfo, type ReplicatedState, type TimedMetadata } from '#storage-node/protocol';
import { noteDelete, notePut, policyOf } from './policy-history.ts';
import { formatDigest } from './row-digest.ts';
import type { Figures } from './totals.ts';

/** Immutable: a change makes a new one. Replicas send it to each other as it is. */
export type DatabaseState = ReplicatedState;

export interface PutChange {
  readonly timestamp: Timestamp;
  readonly metadata: TimedMetadata;
  readonly policy: number;
}

export function putState(state: DatabaseState | undefined, path: string, put: PutChange): DatabaseState {
  const { timestamp, metadata, policy } = put;
  const held = state ?? { path, createdAt: timestamp, putTimestamp: NEVER, deleteTimestamp: NEVER, statusTimestamp: NEVER, metadata: {}, policies: [] };
  return {
    path: held.path,
    createdAt: earlier(held.createdAt, timestamp),
    putTimestamp: later(held.putTimestamp, timestamp),
    deleteTimestamp: held.deleteTimestamp,
    statusTimestamp: later(held.statusTimestamp, newestOf(timestamp, metadata)),
    metadata: mergeMetadata(held, metadata),
    policies: notePut(held.policies, timestamp, policy),
  };
}

/** What two replicas know, together. Either may be missing. */
export function mergeStates(a: DatabaseState | undefined, b: DatabaseState): DatabaseState {
  if (a === undefined) return b;
  const deleteTimestamp = later(a.deleteTimestamp, b.deleteTimestamp);
  const alive = (metadata: TimedMetadata): TimedMetadata => Object.fromEntries(Object.entries(metadata).filter(([, [, setAt]]) => setAt > deleteTimestamp));
  const policies = b.policies.reduce((history, { from, to, policy }) => notePut(notePut(history, from, policy), to, policy), a.policies);
  const merged = {
    path: a.path,
    createdAt: earlier(a.createdAt, b.createdAt),
    putTimestamp: later(a.putTimestamp, b.putTimestamp),
    deleteTimestamp,
    statusTimestamp: later(a.statusTimestamp, b.statusTimestamp),
    metadata: mergeMetadata({ ...a, deleteTimestamp, metadata: alive(a.metadata) }, b.metadata),
    policies: deleteTimestamp > 0 ? noteDelete(policies, deleteTimestamp) : policies,
  };
  return JSON.stringify(merged) === JSON.stringify(a) ? a : merged;
}

export function postState(state: DatabaseState, timestamp: Timestamp, metadata: TimedMetadata): DatabaseState {
  return { ...state, statusTimestamp: later(state.statusTimestamp, newestOf(timestamp, metadata)), metadata: mergeMetadata(state, metadata) };
}

/** Notes a delete, which ends the database where it is newer than the last put; metadata older than it is gone for good. */
export function deleteState(state: DatabaseState, timestamp: Timestamp): DatabaseState {
  const deleteTimestamp = later(state.deleteTimestamp, timestamp);
  return {
    ...state,
    deleteTimestamp,
    statusTimestamp: later(state.statusTimestamp, timestamp),
    metadata: Object.fromEntries(Object.entries(state.metadata).filter(([, [, setAt]]) => setAt > deleteTimestamp)),
    policies: noteDelete(state.policies, deleteTimestamp),
  };
}

/** Drops removed metadata (empty values) set before `olderThan`; the same state where there is none. */
export function reclaimMetadata(state: DatabaseState, olderThan: Timestamp): DatabaseState {
  const entries = Object.entries(state.metadata);
  const kept = entries.filter(([, [value, setAt]]) => value !== '' || setAt >= olderThan);
  return kept.length === entries.length ? state : { ...state, metadata: Object.fromEntries(kept) };
}

/** True where a change of `a` that made `b` changed nothing. */
export function sameState(a: DatabaseState, b: DatabaseState): boolean {
  return (
    a === b ||
    (a.putTimestamp === b.putTimestamp &&
      a.deleteTimestamp === b.deleteTimestamp &&
      a.statusTimestamp === b.statusTimestamp &&
      a.createdAt === b.createdAt &&
      a.policies === b.policies &&
      a.metadata === b.metadata)
  );
}

export function infoOf(state: DatabaseState, figures: Figures): DatabaseInfo {
  const { path, createdAt, putTimestamp, deleteTimestamp, statusTimestamp, metadata, policies } = state;
  const policy = policyOf(policies, deleteTimestamp);
  const totalsByPolicy = Object.fromEntries(figures.byPolicy);
  return { path, createdAt, putTimestamp, deleteTimestamp, statusTimestamp, metadata, policy, totals: figures.totals, totalsByPolicy, digest: formatDigest(figures.digest) };
}

/** The newest value of each name; at equal timestamps the larger value; nothing from before the last delete. The same object where nothing changes. */
function mergeMetadata(state: DatabaseState, added: TimedMetadata): TimedMetadata {
  let merged: Record<string, readonly [string, Timestamp]> | undefined;
  for (const [name, [value, setAt]] of Object.entries(added)) {
    if (setAt <= state.deleteTimestamp) continue;
    const held = state.metadata[name];
    if (held && (held[1] > setAt || (held[1] === setAt && compareNames(held[0], value) >= 0))) continue;
    merged ??= { ...state.metadata };
    merged[name] = [value, setAt];
  }
  return merged ?? state.metadata;
}

function newestOf(timestamp: Timestamp, metadata: TimedMetadata): Timestamp {
  return Object.values(metadata).reduce((newest, [, setAt]) => later(newest, setAt), timestamp);
}

function later(a: Timestamp, b: Timestamp): Timestamp {
  return a > b ? a : b;
}

function earlier(a: Timestamp, b: Timestamp): Timestamp {
  return a < b ? a : b;
}

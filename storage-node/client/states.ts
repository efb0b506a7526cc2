/** Which of two replicas' states of an object is newer. */
import type { ObjectState } from '#storage-node/protocol';

/** By data or tombstone, then by metadata. Nothing held is the oldest of all. */
export function compareStates(a: ObjectState | undefined, b: ObjectState | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return a.timestamp - b.timestamp || Number(a.deleted) - Number(b.deleted) || a.metaTimestamp - b.metaTimestamp;
}

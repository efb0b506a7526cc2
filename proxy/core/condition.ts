/**
 * Conditions of a write: what must hold of the object when the write takes its place. Dialects make them out of their headers
 * (If-None-Match, If-Match); core asks them, and nothing is written where one does not hold.
 */
import { StoreError } from '#common';
import type { ObjectInfo } from '#storage-node/protocol';

/**
 * Throws `precondition-failed` (or whatever fault the dialect wants) where the write must not happen on `current`: undefined where there is
 * no object, be it deleted, expired or never written. May be asked several times of one write, and must answer the same for the same object.
 */
export type WriteCondition = (current: ObjectInfo | undefined) => void;

/** Only where nothing is. */
export function ifAbsent(current: ObjectInfo | undefined): void {
  if (current !== undefined) throw new StoreError('precondition-failed', 'the object exists');
}

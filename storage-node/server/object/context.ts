/** What an object operation works on, and readers of the fields that requests share. */
import { StoreError, type Timestamp } from '#common';
import type { Metadata, ObjectEngine } from '#storage-node/protocol';
import type { ReaderLeases } from '../reader-leases.ts';

export interface ObjectContext {
  readonly engine: ObjectEngine;
  readonly leases: ReaderLeases;
}

export function timestampOf(value: unknown): Timestamp {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new StoreError('bad-request', 'not a timestamp');
  return value as Timestamp;
}

export function nameOf(value: unknown): string {
  if (typeof value !== 'string' || !value.isWellFormed()) throw new StoreError('bad-request', 'not a name');
  return value;
}

/** A flag of a request: there and true, or not there. */
export function flagOf(value: unknown): true | undefined {
  return value === true ? true : undefined;
}

export function metadataOf(value: unknown): Metadata {
  const texts = typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
  if (!texts) throw new StoreError('bad-request', 'not metadata');
  return value as Metadata;
}

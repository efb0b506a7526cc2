/** The version of a database: a hash of its state and of its rows' digest, in two lanes of 32 bits, so that versions of many can be summed as states of objects are. */
import { hash } from 'node:crypto';
import { policyOf } from './policy-history.ts';
import type { DatabaseState } from './database-state.ts';
import type { Figures } from './totals.ts';

export type Version = readonly [number, number];

/** States are immutable and change seldom: each is hashed once. */
const hashes = new WeakMap<DatabaseState, Version>();

export function versionOf(databaseKey: string, state: DatabaseState, figures: Figures): Version {
  let [low, high] = hashOfState(databaseKey, state);
  for (const lane of figures.digest) {
    low = mix(low, lane, 0xcc9e2d51);
    high = mix(high, lane, 0x239b961b);
  }
  return [low, high];
}

export function formatVersion([low, high]: Version): string {
  return low.toString(16).padStart(8, '0') + high.toString(16).padStart(8, '0');
}

function hashOfState(databaseKey: string, state: DatabaseState): Version {
  const known = hashes.get(state);
  if (known) return known;
  const { createdAt, putTimestamp, deleteTimestamp, statusTimestamp, metadata, policies } = state;
  const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([databaseKey, createdAt, putTimestamp, deleteTimestamp, statusTimestamp, sorted, policyOf(policies, deleteTimestamp)]);
  const bytes = hash('sha256', text, 'buffer');
  const made = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)] as const;
  hashes.set(state, made);
  return made;
}

function mix(bits: number, word: number, factor: number): number {
  const mixed = Math.imul(bits ^ Math.imul(word ^ (word >>> 15), factor), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/**
 * The checkpoint: one record in the index that says up to where in the log the index holds everything. It is written only
 * after a barrier behind everything it vouches for, so whatever a crash takes from the index, a checkpoint that survives
 * is true.
 */
import type { IndexStore } from '../index-store/index-store.ts';
import { CHECKPOINT_KEY } from './entry.ts';
import { HASH_BYTES } from './frame.ts';
import type { LogPosition } from './log.ts';

export interface Checkpoint {
  readonly position: LogPosition;
  /** Volume numbers below this are used up. */
  readonly nextVolume: number;
  /** Bytes in force by volume number. */
  readonly live: readonly (readonly [number, number])[];
  readonly clientBytes: number;
  readonly copiedBytes: number;
  /** The digests in the index are of this moment. Not so while tombstones are being reclaimed, which no record tells of. */
  readonly digests: boolean;
}

const VERSION = 1;

export function readCheckpoint(index: IndexStore): Checkpoint | undefined {
  const value = index.get(CHECKPOINT_KEY);
  if (value === undefined) return undefined;
  const { version, hash, ...rest } = JSON.parse(value.toString()) as Omit<Checkpoint, 'position' | 'digests'> & Omit<LogPosition, 'hash'> & { version: number; hash: string; digests?: boolean };
  if (version !== VERSION || hash.length !== HASH_BYTES * 2) return undefined;
  const { volume, offset, sequence, nextVolume, live, clientBytes, copiedBytes, digests = false } = rest;
  return { position: { volume, offset, sequence, hash: Buffer.from(hash, 'hex') }, nextVolume, live, clientBytes, copiedBytes, digests };
}

export async function writeCheckpoint(index: IndexStore, { position, ...rest }: Checkpoint): Promise<void> {
  const value = Buffer.from(JSON.stringify({ version: VERSION, ...position, hash: position.hash.toString('hex'), ...rest }));
  await index.batch([{ type: 'put', key: CHECKPOINT_KEY, value }]);
}

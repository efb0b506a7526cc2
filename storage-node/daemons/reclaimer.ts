/**
 * Forgets what deletions leave in account and container databases (tombstone rows, removed metadata, dead databases) once it is older than the
 * reclaim age. Until then it must stay: a replica that was away shorter than that learns of the deletion from it, and one that was
 * away longer would bring the deleted back, so it must be emptied before it returns.
 */
import { type Clock, type Daemon, type Timestamp, timestampFromMs } from '#common';
import type { ListingPlace, NodeContext } from './context.ts';
import { DeviceRounds } from './device-rounds.ts';

/** What it needs of a listing engine. */
export interface Reclaimable {
  reclaim(olderThan: Timestamp): Promise<{ readonly reclaimed: number; readonly done: boolean }>;
}

export interface ReclaimerOptions extends NodeContext {
  readonly listings: () => Iterable<ListingPlace<Reclaimable>>;
  readonly reclaimAgeMs: number;
}

/**
 * Replicas' digests differ while only some have reclaimed a tombstone, and listings then cost more. So all reclaim up to the same moments:
 * whole multiples of this, by the clock.
 */
const MOMENT_MS = 3_600_000;
/** Between two steps, which hold up a device's other commits for a few milliseconds. */
const PAUSE_MS = 20;

export function reclaimer(options: ReclaimerOptions): Daemon {
  const { clock, reclaimAgeMs } = options;
  const rounds = new DeviceRounds({ daemon: 'reclaimer', ...options });
  return {
    name: 'reclaimer',
    intervalMs: options.intervalMs ?? MOMENT_MS / 4,
    pass: async (signal) => {
      const done = { reclaimed: 0, failed: 0 };
      const olderThan = timestampFromMs(Math.floor((clock.nowMs() - reclaimAgeMs) / MOMENT_MS) * MOMENT_MS);
      done.failed = await rounds.visit(options.listings(), signal, async ({ engine }) => {
        done.reclaimed += await sweep(engine, olderThan, { clock, signal });
      });
      return { done, more: false };
    },
    report: () => ({ resting: rounds.resting }),
  };
}

/** Once through all databases of a device. A sweep that was left half-way goes on from there; one behind it then begins anew. */
async function sweep(engine: Reclaimable, olderThan: Timestamp, { clock, signal }: { clock: Clock; signal: AbortSignal }): Promise<number> {
  let sum = 0;
  while (!signal.aborted) {
    const { reclaimed, done } = await engine.reclaim(olderThan);
    sum += reclaimed;
    if (done) break;
    await clock.sleep(PAUSE_MS, signal).catch(() => undefined);
  }
  return sum;
}

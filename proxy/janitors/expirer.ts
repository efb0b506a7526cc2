/**
 * The expirer: takes objects off the disks whose time has come. Readers see nothing of them from that second on, whether it runs or not; it
 * gives back their room, and their rows. What falls due is on an agenda, so a pass costs what it deletes, not what the cluster holds.
 */
import { concurrently, isStoreError, type Clock, type Daemon, type Log } from '#common';
import { expiringObject, type AgendaItem, type Store } from '#proxy/core';

export interface ExpirerOptions {
  readonly store: Pick<Store, 'objects' | 'expiring'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs: number;
  /** Objects at once. */
  readonly concurrency: number;
}

/** An object is let lie for so long after its time: a write that began before it, by a slower clock, has then come to its end. */
const GRACE_SECONDS = 2;

export function expirer({ store, clock, log, intervalMs, concurrency }: ExpirerOptions): Daemon {
  let oldestDueSeconds: number | undefined;
  return {
    name: 'expirer',
    intervalMs,
    pass: async (signal) => {
      const done = { expired: 0, otherwise: 0, failed: 0 };
      const expire = async (item: AgendaItem): Promise<boolean> => {
        try {
          done[(await store.objects.expire(expiringObject(item), item.at)) ? 'expired' : 'otherwise']++;
          return true;
        } catch (error) {
          if (isStoreError(error, 'container-not-found')) return true;
          if (!isStoreError(error)) throw error;
          done.failed++;
          log.warn({ err: error, object: item.name }, 'an expired object could not be deleted; the next pass tries again');
          return false;
        }
      };
      oldestDueSeconds = undefined;
      const act = async (items: readonly AgendaItem[]): Promise<AgendaItem[]> => {
        oldestDueSeconds = Math.min(oldestDueSeconds ?? Infinity, items[0]!.at);
        const settled: AgendaItem[] = [];
        await concurrently(items, concurrency, async (item) => void ((await expire(item)) && settled.push(item)), signal);
        return settled;
      };
      await store.expiring.work(Math.floor(clock.nowMs() / 1000) - GRACE_SECONDS, act, signal);
      return { done, more: false };
    },
    report: () => ({ oldestDueSeconds }),
  };
}

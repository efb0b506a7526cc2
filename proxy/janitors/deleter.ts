/** Deletes what was asked to be deleted later: segments of large objects (`async=on`). What was written to a name since stays. */
import { concurrently, isStoreError, type Clock, type Daemon, type Log } from '#common';
import { doomedObject, type AgendaItem, type Store } from '#proxy/core';

export interface DeleterOptions {
  readonly store: Pick<Store, 'objects' | 'deleting'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs: number;
  /** Objects at once. */
  readonly concurrency: number;
}

export function deleter({ store, clock, log, intervalMs, concurrency }: DeleterOptions): Daemon {
  return {
    name: 'deleter',
    intervalMs,
    pass: async (signal) => {
      const done = { deleted: 0, otherwise: 0, failed: 0 };
      const remove = async (item: AgendaItem): Promise<boolean> => {
        const { target, at } = doomedObject(item);
        try {
          await store.objects.delete(target, { at });
          done.deleted++;
        } catch (error) {
          if (!isStoreError(error)) throw error;
          const over = isStoreError(error, 'superseded', 'object-not-found', 'container-not-found');
          done[over ? 'otherwise' : 'failed']++;
          if (!over) log.warn({ err: error, object: item.name }, 'an object could not be deleted; the next pass tries again');
          return over;
        }
        return true;
      };
      const act = async (items: readonly AgendaItem[]): Promise<AgendaItem[]> => {
        const settled: AgendaItem[] = [];
        await concurrently(items, concurrency, async (item) => void ((await remove(item)) && settled.push(item)), signal);
        return settled;
      };
      await store.deleting.work(Math.floor(clock.nowMs() / 1000), act, signal);
      return { done, more: false };
    },
  };
}

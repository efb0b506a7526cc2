/** The reconciler: moves objects that were written under another storage policy than their container has to where they belong (proxy/core/misplaced.ts). */
import { isStoreError, type Daemon, type Log } from '#common';
import type { AgendaItem, Store } from '#proxy/core';

export interface ReconcilerOptions {
  readonly store: Pick<Store, 'misplaced'>;
  readonly log: Log;
  readonly intervalMs: number;
}

export function reconciler({ store, log, intervalMs }: ReconcilerOptions): Daemon {
  return {
    name: 'reconciler',
    intervalMs,
    pass: async (signal) => {
      const done = { containers: 0, moved: 0, failed: 0 };
      const act = async (items: readonly AgendaItem[]): Promise<AgendaItem[]> => {
        const settled: AgendaItem[] = [];
        for (const item of items) {
          if (signal.aborted) break;
          try {
            const { moved, failed } = await store.misplaced.reconcile(item, signal);
            done.containers++;
            done.moved += moved;
            done.failed += failed;
            if (failed === 0 && !signal.aborted) settled.push(item);
          } catch (error) {
            if (!isStoreError(error)) throw error;
            done.failed++;
            log.warn({ err: error, container: item.name }, 'a container with objects of another storage policy could not be looked through; the next pass tries again');
          }
        }
        return settled;
      };
      await store.misplaced.agenda.work(0, act, signal);
      return { done, more: false };
    },
  };
}

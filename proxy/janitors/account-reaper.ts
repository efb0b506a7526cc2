/**
 * The account reaper: takes down what a deleted account held, its objects, then its containers, then its database. Whoever deleted one by
 * mistake has the delay to have the cluster stopped and the account opened again.
 */
import { concurrently, isStoreError, type Clock, type Daemon, type Log } from '#common';
import type { AgendaItem, Store } from '#proxy/core';

export interface AccountReaperOptions {
  readonly store: Pick<Store, 'objects' | 'closing'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs: number;
  /** From the deletion of an account to the first of its objects. */
  readonly delaySeconds: number;
  /** Objects at once. */
  readonly concurrency: number;
}

/** An account that is on the agenda and open was perhaps put there a moment ago, to be closed in the next. */
const OPEN_GRACE_SECONDS = 3600;

export function accountReaper({ store, clock, log, intervalMs, delaySeconds, concurrency }: AccountReaperOptions): Daemon {
  const { closing } = store;
  let reaping: string | undefined;
  let waiting = 0;
  return {
    name: 'account-reaper',
    intervalMs,
    pass: async (signal) => {
      const done = { accounts: 0, containers: 0, objects: 0, failed: 0 };
      const nowSeconds = Math.floor(clock.nowMs() / 1000);
      let left = 0;
      const act = async (items: readonly AgendaItem[]): Promise<AgendaItem[]> => {
        const settled: AgendaItem[] = [];
        for (const item of items) {
          if (signal.aborted) break;
          reaping = item.name;
          const closure = await closing.closure(item);
          if (closure === 'gone' || (closure === 'open' && item.at + OPEN_GRACE_SECONDS < nowSeconds)) settled.push(item);
          else if (closure === 'closed' && (await reapAccount({ store, signal, concurrency, log, done }, item.name))) settled.push(item);
          else left++;
        }
        return settled;
      };
      await closing.agenda.work(nowSeconds - delaySeconds, act, signal);
      [reaping, waiting] = [undefined, left];
      return { done, more: false };
    },
    report: () => ({ reaping, waiting }),
  };
}

interface Reaping {
  readonly store: AccountReaperOptions['store'];
  readonly signal: AbortSignal;
  readonly concurrency: number;
  readonly log: Log;
  readonly done: { accounts: number; containers: number; objects: number; failed: number };
}

/** Whether nothing is left of it. A device that fails leaves work to the next pass, not undone what was done. */
async function reapAccount(reaping: Reaping, account: string): Promise<boolean> {
  const { store, signal, log, done } = reaping;
  try {
    for await (const container of store.closing.containers(account)) {
      if (signal.aborted) return false;
      await reapObjects(reaping, container);
      if ((await store.closing.deleteContainer(container)) === 'deleted') done.containers++;
    }
    if (signal.aborted || (await store.closing.bury(account)) === 'not-empty') return false;
    done.accounts++;
    return true;
  } catch (error) {
    if (!isStoreError(error)) throw error;
    done.failed++;
    log.warn({ err: error, account }, 'an account could not be taken down yet; the next pass goes on');
    return false;
  }
}

async function reapObjects({ store, signal, concurrency, done }: Reaping, container: { account: string; container: string }): Promise<void> {
  const reap = async (object: string): Promise<void> => {
    try {
      await store.objects.delete({ ...container, object });
      done.objects++;
    } catch (error) {
      // One that expired, or whose deletion was not listed: its tombstone is written, and its row goes.
      if (!isStoreError(error, 'object-not-found')) throw error;
    }
  };
  await concurrently(store.closing.objects(container), concurrency, reap, signal);
}

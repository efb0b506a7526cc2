/**
 * The auditor of account and container databases: reads them whole, one after the other, has damaged rows taken out and figures counted that are not those of
 * their rows, and holds LevelDB's tables against their checksums. What is missing afterwards the replicator brings.
 */
import type { Daemon } from '#common';
import type { ListingPlace, NodeContext } from './context.ts';
import { DeviceRounds } from './device-rounds.ts';

/** What it needs of a listing engine. */
export interface AuditableListings {
  audit(): Promise<{ readonly rows: number; readonly wrong: boolean; readonly done: boolean }>;
}

export interface DatabaseAuditorOptions extends NodeContext {
  readonly listings: () => Iterable<ListingPlace<AuditableListings>>;
  /** Between two looks at all databases. */
  readonly intervalMs: number;
}

/** It rests as long as it worked, so that half of a core at most is its own. */
const REST_RATIO = 1;

export function databaseAuditor(options: DatabaseAuditorOptions): Daemon {
  const { clock, intervalMs } = options;
  const rounds = new DeviceRounds({ daemon: 'database-auditor', ...options });
  return {
    name: 'database-auditor',
    intervalMs,
    pass: async (signal) => {
      const done = { databases: 0, rows: 0, wrong: 0, failed: 0 };
      done.failed = await rounds.visit(options.listings(), signal, async ({ engine }) => {
        for (let over = false; !over && !signal.aborted; ) {
          const startMs = clock.nowMs();
          const step = await engine.audit();
          over = step.done;
          done.databases += Number(!step.done);
          done.rows += step.rows;
          done.wrong += Number(step.wrong);
          const tookMs = clock.nowMs() - startMs;
          if (!over && tookMs > 0) await clock.sleep(tookMs * REST_RATIO, signal).catch(() => undefined);
        }
      });
      return { done, more: false };
    },
    report: () => ({ resting: rounds.resting }),
  };
}

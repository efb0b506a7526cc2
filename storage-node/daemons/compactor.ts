/**
 * Gives back the room that overwritten and deleted objects leave in volumes: one step of compaction for each engine in turn. While clients
 * are busy with an engine it rests after each step, so that compaction has a bounded share of the disk's time; while they are not, it goes on.
 */
import type { Daemon } from '#common';
import type { Compacted } from '#storage-node/engine';
import type { NodeContext, ObjectPlace } from './context.ts';
import { DeviceRounds } from './device-rounds.ts';

/** What it needs of a volume engine. */
export interface Compactable {
  compact(): Promise<Compacted>;
  /** Requests of clients so far; only ever grows. */
  readonly requests: number;
}

export interface CompactorOptions extends NodeContext {
  readonly objects: () => Iterable<ObjectPlace<Compactable>>;
  /** See DeviceRounds. */
  readonly restRatio?: number;
}

export function compactor(options: CompactorOptions): Daemon {
  const rounds = new DeviceRounds({ daemon: 'compactor', ...options });
  return {
    name: 'compactor',
    intervalMs: options.intervalMs ?? 30_000,
    pass: async (signal) => {
      const done = { volumes: 0, copiedBytes: 0, freedBytes: 0, failed: 0 };
      done.failed = await rounds.visit(options.objects(), signal, async ({ engine }) => {
        const { volume, copiedBytes, freedBytes } = await rounds.step(engine, signal, () => engine.compact());
        if (volume === undefined) return;
        done.volumes++;
        done.copiedBytes += copiedBytes;
        done.freedBytes += freedBytes;
      });
      return { done, more: done.volumes > 0 && !signal.aborted };
    },
    report: () => ({ resting: rounds.resting }),
  };
}

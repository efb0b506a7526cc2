/**
 * Gives back the room that overwritten and deleted objects leave in volumes: one step of compaction for each engine in turn. While clients
 * are busy with an engine it rests after each step, so that compaction has a bounded share of the disk's time; while they are not, it goes on.
 */
import { isStoreError, type Clock, type Log } from '#common';
import type { Compacted } from '#storage-node/engine';
import type { Daemon } from './daemon.ts';

/** What it needs of a volume engine. */
export interface Compactable {
  compact(): Promise<Compacted>;
  /** Requests of clients so far; only ever grows. */
  readonly requests: number;
}

export interface CompactorOptions {
  /** The engines of this node's devices; asked for at each pass. */
  readonly engines: () => Iterable<{ readonly device: string; readonly policy: number; readonly engine: Compactable }>;
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs?: number;
  /** Beside clients it rests so many times as long as it worked: 4 leaves them four fifths of the time. */
  readonly restRatio?: number;
}

export function compactor(options: CompactorOptions): Daemon {
  return {
    name: 'compactor',
    intervalMs: options.intervalMs ?? 30_000,
    pass: async (signal) => {
      const done = { volumes: 0, copiedBytes: 0, freedBytes: 0, failed: 0 };
      for (const { device, policy, engine } of options.engines()) {
        if (signal.aborted) break;
        try {
          const { volume, copiedBytes, freedBytes } = await paced(engine, options, signal);
          if (volume === undefined) continue;
          done.volumes++;
          done.copiedBytes += copiedBytes;
          done.freedBytes += freedBytes;
        } catch (error) {
          // One bad disk must not keep the others from being looked after.
          if (!isStoreError(error)) throw error;
          done.failed++;
          options.log.warn({ err: error, device, policy }, 'a step of compaction failed; the next pass tries again');
        }
      }
      return { done, more: done.volumes > 0 && !signal.aborted };
    },
  };
}

/** One step, and the rest after it where clients came meanwhile. */
async function paced(engine: Compactable, { clock, restRatio = 4 }: CompactorOptions, signal: AbortSignal): Promise<Compacted> {
  const { requests } = engine;
  const startMs = clock.nowMs();
  const compacted = await engine.compact();
  const tookMs = clock.nowMs() - startMs;
  // An aborted rest is over: the pass ends by the signal.
  if (compacted.volume !== undefined && engine.requests !== requests) await clock.sleep(tookMs * restRatio, signal).catch(() => undefined);
  return compacted;
}

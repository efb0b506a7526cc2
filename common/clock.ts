/** The Clock port: wall time and timers behind one door, so that tests wind them by hand and simulations replay them. */

export interface Clock {
  /** Milliseconds since the epoch, with a fraction where the platform has one. */
  nowMs(): number;
  /** Resolves after `ms`, or rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** How far the precise clock may be from the system's before it is set by it: more than the system's lacks in precision. */
const MAX_DRIFT_MS = 2;
let originMs = Date.now() - performance.now();

/**
 * The system's clock with a fraction of a millisecond. Node's precise clock begins with the process and follows no correction of the
 * system's time since, nor a sleep of the machine: it is set anew where the two differ.
 */
function systemNowMs(): number {
  const wallMs = Date.now();
  const preciseMs = originMs + performance.now();
  if (preciseMs >= wallMs - MAX_DRIFT_MS && preciseMs <= wallMs + MAX_DRIFT_MS) return preciseMs;
  originMs += wallMs - preciseMs;
  return wallMs;
}

/** The system's clock. */
export const systemClock: Clock = {
  nowMs: systemNowMs,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** A clock that stands still until a test winds it. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #sleepers = new Set<{ dueMs: number; wake: () => void }>();

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const sleeper = { dueMs: this.#nowMs + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener(
        'abort',
        () => {
          if (this.#sleepers.delete(sleeper)) reject(signal.reason as Error);
        },
        { once: true },
      );
    });
  }

  /** Moves time on by `ms` and wakes every sleeper that is due, earliest first. */
  wind(ms: number): void {
    this.#nowMs += ms;
    const due = [...this.#sleepers].filter((sleeper) => sleeper.dueMs <= this.#nowMs).sort((a, b) => a.dueMs - b.dueMs);
    for (const sleeper of due) {
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

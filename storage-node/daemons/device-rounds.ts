/**
 * How every daemon goes over the devices of its node: one after the other; a device that fails is left alone for a while, twice as long
 * each time, and does not keep the others from their turn; beside clients it rests after each step, so that its share of a disk is bounded.
 */
import { isStoreError, type Clock, type Log } from '#common';

export interface DeviceRoundsOptions {
  readonly daemon: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Beside clients it rests so many times as long as it worked: 4 leaves them four fifths of the time. */
  readonly restRatio?: number;
}

/** What clients ask of an engine: `requests` only ever grows; left out by engines that do not count. */
interface Busy {
  readonly requests?: number;
}

const FIRST_REST_MS = 5000;
const LONGEST_REST_MS = 600_000;
/** Work between two looks at what clients do. */
const STRETCH_MS = 50;

export class DeviceRounds {
  readonly #options: DeviceRoundsOptions;
  readonly #resting = new Map<string, { untilMs: number; restMs: number }>();

  constructor(options: DeviceRoundsOptions) {
    this.#options = options;
  }

  /** Devices that are left alone at present. */
  get resting(): string[] {
    const nowMs = this.#options.clock.nowMs();
    return [...this.#resting].flatMap(([device, { untilMs }]) => (untilMs > nowMs ? [device] : []));
  }

  /** Visits each place whose device is not left alone; answers how many failed. */
  async visit<Place extends { readonly device: string }>(places: Iterable<Place>, signal: AbortSignal, work: (place: Place) => Promise<void>): Promise<number> {
    const { clock, log, daemon } = this.#options;
    let failed = 0;
    for (const place of places) {
      if (signal.aborted) break;
      if ((this.#resting.get(place.device)?.untilMs ?? 0) > clock.nowMs()) continue;
      try {
        await work(place);
        this.#resting.delete(place.device);
      } catch (error) {
        if (!isStoreError(error)) throw error;
        failed++;
        const restMs = Math.min(LONGEST_REST_MS, (this.#resting.get(place.device)?.restMs ?? FIRST_REST_MS / 2) * 2);
        this.#resting.set(place.device, { untilMs: clock.nowMs() + restMs, restMs });
        log.warn({ err: error, daemon, device: place.device, restMs }, 'a device failed and is left alone for a while');
      }
    }
    return failed;
  }

  /** One step on an engine, and the rest after it where clients came meanwhile. Ends early, without a fault, when the signal aborts. */
  async step<T>(engine: Busy, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { clock, restRatio = 4 } = this.#options;
    const { requests } = engine;
    const startMs = clock.nowMs();
    const result = await work();
    if (engine.requests !== requests) await clock.sleep((clock.nowMs() - startMs) * restRatio, signal).catch(() => undefined);
    return result;
  }

  /** What a source gives, with a rest after each stretch of work beside clients. */
  async *paced<T>(engine: Busy, signal: AbortSignal, source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    const { clock, restRatio = 4 } = this.#options;
    let { requests } = engine;
    let startMs = clock.nowMs();
    for await (const item of source) {
      yield item;
      const workedMs = clock.nowMs() - startMs;
      if (workedMs < STRETCH_MS) continue;
      if (engine.requests !== requests) await clock.sleep(workedMs * restRatio, signal).catch(() => undefined);
      ({ requests } = engine);
      startMs = clock.nowMs();
    }
  }
}

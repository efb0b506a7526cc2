/**
 * Time that a simulation makes itself: a queue of what happens when, and the timers and clocks of the process standing on it. Nothing in a
 * simulation waits for the real world, so a seed gives one history, however busy the machine is.
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from '#common';

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  run: (() => void) | undefined;
}

/** What `setTimeout` answers here. */
class Timer {
  #event: Event;

  constructor(event: Event) {
    this.#event = event;
  }

  cancel(): void {
    this.#event.run = undefined;
  }

  moveTo(event: Event): void {
    this.#event = event;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

const realSetImmediate = globalThis.setImmediate;

/** Resolves when all that the last event set off has run, as far as it does not wait for another event. */
function quiet(): Promise<void> {
  return new Promise((resolve) => void realSetImmediate(resolve));
}

const STEPS_A_TURN = 64;

export class Timeline {
  #nowMs: number;
  #sequence = 0;
  /** A heap: the earliest first, and of one moment those that were asked for first. */
  readonly #events: Event[] = [];
  /** Events so far. */
  steps = 0;

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    return new Timer(this.#push(delayMs, run));
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      if (signal === undefined) return void this.after(ms, resolve);
      const abort = (): void => {
        timer.cancel();
        reject(signal.reason as Error);
      };
      const timer = this.after(ms, () => {
        // Thousands of sleeps on one signal: each that stayed there would have to be passed by the next.
        signal.removeEventListener('abort', abort);
        resolve();
      });
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** A clock that is off by what `offsetMs` says at each moment. */
  clock(offsetMs: () => number): Clock {
    return { nowMs: () => this.#nowMs + offsetMs(), sleep: (ms, signal) => this.sleep(ms, signal) };
  }

  /** Lets things happen until `done` resolves. Throws where nothing is left to happen, or `limitMs` pass first. */
  async run<T>(done: Promise<T>, limitMs: number): Promise<T> {
    let over = false;
    void done.then(() => (over = true), () => (over = true));
    const endMs = this.#nowMs + limitMs;
    let fault: Error | undefined;
    // Between two immediates of one turn of the process's loop all promises run that can, and a turn has its price: so there are many to a turn.
    const step = (): void => {
      if (over || fault !== undefined) return;
      try {
        fault = this.#next(endMs);
      } catch (error) {
        fault = error as Error;
      }
    };
    while (!over && fault === undefined) {
      for (let i = 1; i < STEPS_A_TURN; i++) realSetImmediate(step);
      await quiet();
    }
    if (fault !== undefined) throw fault;
    return done;
  }

  /** The next thing happens; why none can. */
  #next(endMs: number): Error | undefined {
    const event = this.#pop();
    if (event === undefined) return new Error('nothing is left to happen, and it is not done');
    if (event.atMs > endMs) return new Error('not done within its time');
    this.#nowMs = Math.max(this.#nowMs, event.atMs);
    if (event.run === undefined) return undefined;
    this.steps++;
    event.run();
    return undefined;
  }

  /** Puts the process's timers and clocks on this time until what it answers is called. */
  install(): () => void {
    const target = globalThis as unknown as Record<string, unknown>;
    const cancel = (timer: unknown): void => void (timer instanceof Timer && timer.cancel());
    const replaced: Record<string, unknown> = {
      setTimeout: (run: (...all: unknown[]) => void, ms?: number, ...rest: unknown[]) => this.after(ms ?? 0, () => run(...rest)),
      setImmediate: (run: (...all: unknown[]) => void, ...rest: unknown[]) => this.after(0, () => run(...rest)),
      setInterval: (run: () => void, ms?: number) => this.#every(ms ?? 1, run),
      clearTimeout: cancel,
      clearImmediate: cancel,
      clearInterval: cancel,
    };
    const before = Object.fromEntries(Object.keys(replaced).map((name) => [name, target[name]]));
    const now = Date.now.bind(Date);
    const performanceNow = performance.now.bind(performance);
    Object.assign(target, replaced);
    Date.now = () => Math.floor(this.#nowMs);
    performance.now = () => this.#nowMs;
    return () => {
      Object.assign(target, before);
      Date.now = now;
      performance.now = performanceNow;
    };
  }

  #every(ms: number, run: () => void): Timer {
    const again = (): void => {
      timer.moveTo(this.#push(ms, again));
      run();
    };
    const timer = new Timer(this.#push(ms, again));
    return timer;
  }

  #push(delayMs: number, run: () => void): Event {
    const event: Event = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: ++this.#sequence, run };
    const heap = this.#events;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
    return event;
  }

  #pop(): Event | undefined {
    const heap = this.#events;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

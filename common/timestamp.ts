/**
 * Ordered timestamps: the only way this project says "newer". A timestamp counts ticks of 10 microseconds since the Unix
 * epoch, the resolution of Swift's `X-Timestamp: 1700000000.12345`, so every timestamp has one exact decimal text.
 * They come from a hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): never behind the wall clock,
 * always ahead of everything this process has issued or seen.
 */
import type { Clock } from './clock.ts';
import { StoreError } from './errors.ts';

/** Ticks of 10 us since the epoch; an integer below 2^53 until the year 4824. */
export type Timestamp = number & { readonly _: 'timestamp' };

export const TICKS_PER_SECOND = 100_000;
export const TICKS_PER_MS = 100;

/** The timestamp before every other: "never". */
export const NEVER = 0 as Timestamp;

/** A timestamp of `ms` milliseconds since the epoch. */
export function timestampFromMs(ms: number): Timestamp {
  return Math.round(ms * TICKS_PER_MS) as Timestamp;
}

/** Milliseconds since the epoch, with a fraction. */
export function timestampToMs(timestamp: Timestamp): number {
  return timestamp / TICKS_PER_MS;
}

/** Seconds since the epoch rounded up, as HTTP dates (Last-Modified) show a timestamp. */
export function timestampToSecondsUp(timestamp: Timestamp): number {
  return Math.ceil(timestamp / TICKS_PER_SECOND);
}

/** Swift's internal form: `1700000000.12345`, ten digits of seconds and five of fraction. */
export function formatTimestamp(timestamp: Timestamp): string {
  const seconds = Math.floor(timestamp / TICKS_PER_SECOND);
  return `${String(seconds).padStart(10, '0')}.${String(timestamp % TICKS_PER_SECOND).padStart(5, '0')}`;
}

/** ISO 8601 without a zone and with microseconds, as Swift's JSON listings print: `2026-01-31T12:00:00.123450`. */
export function formatIsoTimestamp(timestamp: Timestamp): string {
  const seconds = Math.floor(timestamp / TICKS_PER_SECOND);
  const head = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${head}.${String((timestamp % TICKS_PER_SECOND) * 10).padStart(6, '0')}`;
}

/** Reads `1700000000.12345` (fraction optional); throws `bad-request` for anything else. */
export function parseTimestamp(text: string): Timestamp {
  const match = /^(\d{1,10})(?:\.(\d{1,5})\d*)?$/.exec(text);
  if (!match) throw new StoreError('bad-request', `not a timestamp: ${JSON.stringify(text)}`);
  return (Number(match[1]) * TICKS_PER_SECOND + Number((match[2] ?? '').padEnd(5, '0'))) as Timestamp;
}

/**
 * Processes whose clocks are behind a timestamp that all of them were shown would all issue the next one. Each has its own share of the ticks to go
 * on from there: ahead of the wall clock, every sixteenth.
 */
export const TICK_SHARES = 16;

/** Issues timestamps that only ever grow, in this process and past every timestamp it was shown. */
export class HybridClock {
  readonly #clock: Clock;
  readonly #share: number;
  #last = NEVER;

  /** Of the processes that write to one cluster, no two should have the same `share`, 0 to 15; by default it is drawn. */
  constructor(clock: Clock, share = Math.floor(Math.random() * TICK_SHARES)) {
    this.#clock = clock;
    this.#share = share;
  }

  /** A timestamp newer than every one issued or observed before. */
  now(): Timestamp {
    const wall = Math.floor(this.#clock.nowMs() * TICKS_PER_MS);
    this.#last = (wall > this.#last ? wall : this.#nextOfShare(this.#last)) as Timestamp;
    return this.#last;
  }

  #nextOfShare(tick: number): number {
    const next = tick - (tick % TICK_SHARES) + this.#share;
    return next > tick ? next : next + TICK_SHARES;
  }

  /** Takes note of a timestamp seen elsewhere: all later ones of ours are newer. */
  observe(seen: Timestamp): void {
    if (seen > this.#last) this.#last = seen;
  }
}

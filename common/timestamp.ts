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

/**
 * How far a write's timestamp may be from the clock of the device that takes it. Further off, somebody's clock is wrong, and the device refuses with
 * `clock-skew` (docs/decisions/0033).
 */
export const MAX_SKEW_MS = 300_000;

/** Timestamps ahead of now that were issued one after the other before they begin again: two seconds' worth of them. */
const FAR_ROOM = 12_500;

/** Issues timestamps that only ever grow, in this process and past every timestamp it was shown, as long as those are not far from the present. */
export class HybridClock {
  readonly #clock: Clock;
  readonly #share: number;
  readonly #nearTicks: number;
  #last = NEVER;
  /** What the wall clock is ahead of those of the devices, where they said so. */
  #aheadMs = 0;
  #far = 0;

  /**
   * Of the processes that write to one cluster, no two should have the same `share`, 0 to 15; by default it is drawn. `maxSkewMs` is that of the devices.
   */
  constructor(clock: Clock, share = Math.floor(Math.random() * TICK_SHARES), maxSkewMs = MAX_SKEW_MS) {
    this.#clock = clock;
    this.#share = share;
    this.#nearTicks = (maxSkewMs / 2) * TICKS_PER_MS;
  }

  /** A timestamp newer than every one issued or observed before. */
  now(): Timestamp {
    const wall = this.#wall();
    this.#last = (wall > this.#last ? wall : this.#nextOfShare(this.#last)) as Timestamp;
    return this.#last;
  }

  /** Takes note of a timestamp seen elsewhere: all later ones of ours are newer. One of a clock that is far ahead is left to `ordering`. */
  observe(seen: Timestamp): void {
    if (seen > this.#last && seen <= this.#wall() + this.#nearTicks) this.#last = seen;
  }

  /** Issues timestamps for one piece of work, newer than whatever it meets, also where that is far ahead: others' are not dragged along. */
  ordering(): Ordering {
    return new Ordering(this);
  }

  /** A timestamp newer than every one issued before, and than `seen`. */
  after(seen: Timestamp): Timestamp {
    this.observe(seen);
    if (seen <= this.#last) return this.now();
    const now = this.now();
    if (seen < now) return now;
    this.#far = (this.#far + 1) % FAR_ROOM;
    return this.#nextOfShare(seen + this.#far * TICK_SHARES) as Timestamp;
  }

  /** Whether a timestamp is so far from what this clock says that only something seen elsewhere can have brought it there. A wall clock that jumped back is none of that. */
  isFar(timestamp: Timestamp): boolean {
    return Math.abs(timestamp - Math.max(this.#wall(), this.#last)) > this.#nearTicks;
  }

  /** Most devices say that it is `nowMs`: from here on that counts, and what was issued before was taken by none. Answers how far ahead the wall clock is, in ms. */
  correct(nowMs: number): number {
    this.#aheadMs = this.#clock.nowMs() - nowMs;
    if (Math.abs(this.#last - this.#wall()) > this.#nearTicks) this.#last = NEVER;
    return this.#aheadMs;
  }

  #wall(): number {
    return Math.floor((this.#clock.nowMs() - this.#aheadMs) * TICKS_PER_MS);
  }

  #nextOfShare(tick: number): number {
    const next = tick - (tick % TICK_SHARES) + this.#share;
    return next > tick ? next : next + TICK_SHARES;
  }
}

/** Timestamps of one piece of work. */
export class Ordering {
  readonly #clock: HybridClock;
  #seen = NEVER;

  constructor(clock: HybridClock) {
    this.#clock = clock;
  }

  observe(seen: Timestamp): void {
    if (seen > this.#seen) this.#seen = seen;
  }

  now(): Timestamp {
    return this.#clock.after(this.#seen);
  }
}

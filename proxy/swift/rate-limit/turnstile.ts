/**
 * Lets requests pass at a rate: each takes the next moment that is free, and waits for it. After a pause some moments may be made up
 * for at once. Every proxy counts for itself.
 */
import { LRUCache } from 'lru-cache';

const KEPT_KEYS = 100_000;

export class Turnstile {
  readonly #bufferMs: number;
  readonly #maxWaitMs: number;
  /** Up to when the moments of a key are taken, in ms since the epoch. */
  readonly #taken = new LRUCache<string, number>({ max: KEPT_KEYS });

  constructor(options: { bufferMs: number; maxWaitMs: number }) {
    this.#bufferMs = options.bufferMs;
    this.#maxWaitMs = options.maxWaitMs;
  }

  /** How long to wait for the next moment of `key`, which is taken; undefined (and none is taken) where that is too long. */
  take(key: string, perSecond: number, nowMs: number): number | undefined {
    const eachMs = 1000 / perSecond;
    const taken = (this.#taken.get(key) ?? 0) + eachMs;
    if (nowMs - taken > this.#bufferMs) {
      this.#taken.set(key, nowMs + eachMs);
      return 0;
    }
    const waitMs = Math.max(taken - nowMs - eachMs, 0);
    if (this.#maxWaitMs - waitMs <= 10) return undefined;
    this.#taken.set(key, taken);
    return waitMs;
  }
}

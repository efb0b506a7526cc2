/**
 * Randomness as a port: the system's for nonces and names, a seeded one for simulations, where a run must be the same
 * run every time it is given the same seed.
 */
import { randomBytes } from 'node:crypto';

export interface Random {
  /** A whole number from 0 up to but not including `below`, which is at most 2^32. */
  below(below: number): number;
}

export const systemRandom: Random = {
  below: (below) => Math.floor((randomBytes(6).readUIntLE(0, 6) / 2 ** 48) * below),
};

/** A seeded generator (Vigna's splitmix-style mixing on 32 bits): fast, repeatable, not for secrets. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(below: number): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return Math.floor((((z ^ (z >>> 16)) >>> 0) / 2 ** 32) * below);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] as T;
  }

  bytes(length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) buffer[i] = this.below(256);
    return buffer;
  }
}

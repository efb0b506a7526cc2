/** Seeded random numbers (sfc32 of Chris Doty-Humphrey's PractRand): the same seed builds the same ring everywhere. */
import { hash } from 'node:crypto';

export interface Random {
  /** An integer in [0, bound); bound at most 2^32. */
  below(bound: number): number;
}

export function seededRandom(seed: string | number): Random {
  const state = hash('sha256', String(seed), 'buffer');
  let a = state.readInt32LE(0);
  let b = state.readInt32LE(4);
  let c = state.readInt32LE(8);
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let warmUp = 0; warmUp < 15; warmUp++) next();
  return { below: (bound) => Math.floor((next() / 4_294_967_296) * bound) };
}

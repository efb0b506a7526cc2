/**
 * Which states lately were in force, in memory: for whoever has to know whether a write that was overtaken had been seen before (docs/decisions/0018).
 * States of a key only ever get newer, so a run of their timestamps without a gap says of any timestamp within it whether it was one of them.
 */
import { NEVER, type Timestamp } from '#common';

/** Keys that are remembered at least, the latest changed; and states of each. */
const KEYS = 1024;
const MAX_STATES = 8;

export class RecentStates {
  /**
   * By key: states in force before the one held now, without a gap, the oldest first. Two generations: when the young one is full, it is the old one, and what was
   * that is forgotten. (Taking the oldest out of one Map, one by one, cost as much as all else that a small write does in memory.)
   */
  #young = new Map<string, Timestamp[]>();
  #old = new Map<string, Timestamp[]>();
  /** Of the device: the one that was in its place before may have held what is older, and taken that along. */
  readonly #bornAt: Timestamp;

  constructor(bornAt: Timestamp) {
    this.#bornAt = bornAt;
  }

  /** The state of `before` (undefined: nothing) was replaced by a newer one. */
  replaced(keyText: string, before: Timestamp | undefined): void {
    let states = this.#young.get(keyText);
    if (states === undefined) {
      if (this.#young.size >= KEYS) {
        this.#old = this.#young;
        this.#young = new Map();
      }
      states = this.#old.get(keyText) ?? [];
      this.#young.set(keyText, states);
    }
    states.push(before ?? NEVER);
    if (states.length > MAX_STATES) states.shift();
  }

  /** The key was forgotten: what comes is not what follows. */
  forget(keyText: string): void {
    this.#young.delete(keyText);
    this.#old.delete(keyText);
  }

  /** Whether the state of `timestamp` is, or was, in force; undefined where that is not remembered. */
  hasHeld(keyText: string, timestamp: Timestamp, held: Timestamp | undefined): boolean | undefined {
    const known = this.#known(keyText, timestamp, held);
    return known === false && timestamp < this.#bornAt ? undefined : known;
  }

  #known(keyText: string, timestamp: Timestamp, held: Timestamp | undefined): boolean | undefined {
    if (held !== undefined && timestamp >= held) return timestamp === held;
    const states = this.#young.get(keyText) ?? this.#old.get(keyText);
    if (held === undefined) return states === undefined ? false : undefined;
    if (states === undefined || timestamp < states[0]!) return undefined;
    return states.includes(timestamp);
  }
}

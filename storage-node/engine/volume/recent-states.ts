/**
 * Which states lately were in force, in memory: for whoever has to know whether a write that was overtaken had been seen before (docs/decisions/0018).
 * States of a key only ever get newer, so a run of their timestamps without a gap says of any timestamp within it whether it was one of them.
 */
import { NEVER, type Timestamp } from '#common';

/** Keys that are remembered, the latest changed; and states of each. */
const MAX_KEYS = 1024;
const MAX_STATES = 8;

export class RecentStates {
  /** By key: states in force before the one held now, without a gap, the oldest first. */
  readonly #before = new Map<string, Timestamp[]>();

  /** The state of `before` (undefined: nothing) was replaced by a newer one. */
  replaced(keyText: string, before: Timestamp | undefined): void {
    const states = this.#before.get(keyText);
    if (states !== undefined) {
      states.push(before ?? NEVER);
      if (states.length > MAX_STATES) states.shift();
      return;
    }
    if (this.#before.size >= MAX_KEYS) for (const oldest of this.#before.keys()) {
      this.#before.delete(oldest);
      break;
    }
    this.#before.set(keyText, [before ?? NEVER]);
  }

  /** The key was forgotten: what comes is not what follows. */
  forget(keyText: string): void {
    this.#before.delete(keyText);
  }

  /** Whether the state of `timestamp` is, or was, in force; undefined where that is not remembered. */
  hasHeld(keyText: string, timestamp: Timestamp, held: Timestamp | undefined): boolean | undefined {
    if (held !== undefined && timestamp >= held) return timestamp === held;
    if (held === undefined) return this.#before.has(keyText) ? undefined : false;
    const states = this.#before.get(keyText);
    if (states === undefined || timestamp < states[0]!) return undefined;
    return states.includes(timestamp);
  }
}

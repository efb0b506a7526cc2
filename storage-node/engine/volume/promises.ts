/**
 * Promises that conditional writes were given (docs/decisions/0018): by key, the timestamp below which no data and no tombstone takes effect.
 * In the log each is a record; here are those that still matter, nearly always none. A promise is over when data or a tombstone as new as it
 * is held: that one is in the way of all older ones by itself. It ends, too, when whoever was given it says that he will not write; those
 * below it stand again then. What is left are promises whose writer vanished; they go with age.
 */
import { NEVER, TICKS_PER_MS, type Timestamp } from '#common';
import type { IndexChange, IndexStore } from '../index-store/index-store.ts';
import { indexKey, PROMISE_PREFIX, textOfIndexKey } from './entry.ts';
import { readUint53, writeUint53 } from './record.ts';

/** Of one key, the newest last. Never changed once made. */
type Promises = readonly Timestamp[];

export class PromiseSet {
  readonly #promises = new Map<string, Promises>();
  /** What the index has, as of the last checkpoint. */
  #persisted = new Map<string, Promises>();

  async load(index: IndexStore): Promise<void> {
    for await (const page of index.range(Buffer.from([PROMISE_PREFIX]), Buffer.from([PROMISE_PREFIX + 1]))) {
      for (const [key, value] of page) {
        const promises = Array.from({ length: value.length / 8 }, (_, i) => readUint53(value, i * 8) as Timestamp);
        this.#promises.set(textOfIndexKey(key), promises);
        this.#persisted.set(textOfIndexKey(key), promises);
      }
    }
  }

  /** The newest that stands; NEVER for none. */
  get(keyText: string): Timestamp {
    return this.#promises.size === 0 ? NEVER : (this.#promises.get(keyText)?.at(-1) ?? NEVER);
  }

  has(keyText: string, timestamp: Timestamp): boolean {
    return this.#promises.get(keyText)?.includes(timestamp) === true;
  }

  give(keyText: string, timestamp: Timestamp): void {
    if (this.has(keyText, timestamp)) return;
    const promises = [...(this.#promises.get(keyText) ?? []), timestamp];
    this.#promises.set(keyText, promises.sort((a, b) => a - b));
  }

  /** Nobody will write at `timestamp`. */
  abandon(keyText: string, timestamp: Timestamp): void {
    if (this.has(keyText, timestamp)) this.#keep(keyText, (promise) => promise !== timestamp);
  }

  /** Data or a tombstone of `timestamp` is held. */
  fulfil(keyText: string, timestamp: Timestamp): void {
    if (this.#promises.size > 0 && this.#promises.has(keyText)) this.#keep(keyText, (promise) => promise > timestamp);
  }

  /** Forgets those older than `beforeMs`. */
  expire(beforeMs: number): void {
    for (const keyText of this.#promises.keys()) this.#keep(keyText, (promise) => promise / TICKS_PER_MS >= beforeMs);
  }

  /** What brings the index up to date; call `done` when it has been applied. */
  changes(): { changes: IndexChange[]; done: () => void } {
    const changes: IndexChange[] = [];
    const now = new Map(this.#promises);
    for (const [keyText, promises] of now) {
      if (this.#persisted.get(keyText) === promises) continue;
      const value = Buffer.alloc(promises.length * 8);
      promises.forEach((promise, i) => writeUint53(value, promise, i * 8));
      changes.push({ type: 'put', key: indexKey(PROMISE_PREFIX, keyText), value });
    }
    for (const keyText of this.#persisted.keys()) if (!now.has(keyText)) changes.push({ type: 'del', key: indexKey(PROMISE_PREFIX, keyText) });
    const done = (): void => void (this.#persisted = now);
    return { changes, done };
  }

  #keep(keyText: string, stands: (promise: Timestamp) => boolean): void {
    const before = this.#promises.get(keyText) ?? [];
    const after = before.filter(stands);
    if (after.length === 0) this.#promises.delete(keyText);
    else if (after.length < before.length) this.#promises.set(keyText, after);
  }
}

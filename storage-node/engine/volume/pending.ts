/**
 * Writes whose container rows are not known to be committed. They live in memory; a mark goes to the index only for those
 * still pending when a checkpoint passes them by, so that in steady state, where rows settle in milliseconds, they cost
 * the disk nothing. After a crash every replayed write is pending again: sending a row twice is harmless.
 */
import type { Timestamp } from '#common';
import type { IndexChange, IndexStore } from '../index-store/index-store.ts';
import { indexKey, PENDING_PREFIX, textOfIndexKey } from './entry.ts';
import { readUint53, writeUint53 } from './record.ts';

interface Mark {
  readonly timestamp: Timestamp;
  readonly sinceMs: number;
  persisted: boolean;
}

export class PendingSet {
  readonly #marks = new Map<string, Mark>();
  /** Keys that have a mark in the index, needed or not. */
  readonly #persisted = new Set<string>();

  async load(index: IndexStore): Promise<void> {
    for await (const page of index.range(Buffer.from([PENDING_PREFIX]), Buffer.from([PENDING_PREFIX + 1]))) {
      for (const [key, value] of page) {
        const mark = { timestamp: readUint53(value, 0) as Timestamp, sinceMs: readUint53(value, 8), persisted: true };
        this.#marks.set(textOfIndexKey(key), mark);
        this.#persisted.add(textOfIndexKey(key));
      }
    }
  }

  mark(keyText: string, timestamp: Timestamp, sinceMs: number): void {
    this.#marks.delete(keyText); // so that the Map stays in order of time
    this.#marks.set(keyText, { timestamp, sinceMs: Math.floor(sinceMs), persisted: false });
  }

  settle(keyText: string, timestamp: Timestamp): void {
    const mark = this.#marks.get(keyText);
    if (mark !== undefined && mark.timestamp <= timestamp) this.#marks.delete(keyText);
  }

  get size(): number {
    return this.#marks.size;
  }

  has(keyText: string): boolean {
    return this.#marks.has(keyText);
  }

  forget(keyText: string): void {
    this.#marks.delete(keyText);
  }

  /** Keys pending since `beforeMs` or longer, the oldest first. */
  *keys(beforeMs: number): Generator<string> {
    for (const [keyText, mark] of this.#marks) {
      if (mark.sinceMs <= beforeMs) yield keyText;
    }
  }

  /** What brings the index up to date; call `done` when it has been applied. */
  changes(): { changes: IndexChange[]; done: () => void } {
    const fresh = [...this.#marks].filter(([, mark]) => !mark.persisted);
    const settled = [...this.#persisted].filter((keyText) => !this.#marks.has(keyText));
    const changes: IndexChange[] = settled.map((keyText) => ({ type: 'del', key: indexKey(PENDING_PREFIX, keyText) }));
    for (const [keyText, { timestamp, sinceMs }] of fresh) {
      const value = Buffer.alloc(16);
      writeUint53(value, timestamp, 0);
      writeUint53(value, sinceMs, 8);
      changes.push({ type: 'put', key: indexKey(PENDING_PREFIX, keyText), value });
    }
    const done = (): void => {
      for (const keyText of settled) this.#persisted.delete(keyText);
      for (const [keyText, mark] of fresh) {
        mark.persisted = true;
        this.#persisted.add(keyText);
      }
    };
    return { changes, done };
  }
}

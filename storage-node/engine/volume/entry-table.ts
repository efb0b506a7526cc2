/**
 * The entries of an engine: a table in memory over the index. Changes go to memory, and in large batches to the index,
 * since a batch there costs 50 us whatever its size; the volumes are the log, so nothing waits for it. While one batch is
 * being applied, the next collects beside it.
 */
import { StoreError } from '#common';
import type { IndexChange, IndexStore } from '../index-store/index-store.ts';
import { decodeEntry, encodeEntry, ENTRY_PREFIX, indexKey, textOfIndexKey, type Entry } from './entry.ts';

/** Entries flushed in one batch of the index: bounds how long one batch holds the thread pool. */
const BATCH_ENTRIES = 4096;

/** Keys by their leading bits: those that are `first`, `first + 1`, ..., `count` numbers in all. */
export interface KeyRange {
  readonly bits: number;
  readonly first: number;
  readonly count: number;
  /** Only keys behind this one. */
  readonly after?: string | undefined;
}

export class EntryTable {
  readonly #index: IndexStore;
  /** Changes not in the index yet; null is a removed entry. `#flushing` is older than `#active`. */
  #active = new Map<string, Entry | null>();
  #flushing: ReadonlyMap<string, Entry | null> = new Map();
  /** Keys whose entries in the index are damaged, and were not written since. */
  readonly #lost = new Set<string>();
  /** Hears of each damaged entry, once. */
  onLoss: ((keyText: string) => void) | undefined;
  readonly #probe = Buffer.alloc(17, ENTRY_PREFIX);

  constructor(index: IndexStore) {
    this.#index = index;
  }

  /** Keys whose entries are damaged. */
  get lost(): ReadonlySet<string> {
    return this.#lost;
  }

  /** As `get`, for those who answer for the device: `corrupt` where it has lost what it held. */
  demand(keyText: string): Entry | undefined {
    const entry = this.get(keyText);
    if (entry === undefined && this.#lost.has(keyText)) throw new StoreError('corrupt', 'the entry of the index is damaged');
    return entry;
  }

  /** The entry of a key; undefined where there is none, or it is damaged. */
  get(keyText: string): Entry | undefined {
    let entry = this.#active.get(keyText);
    if (entry === undefined) entry = this.#flushing.get(keyText);
    if (entry !== undefined) return entry ?? undefined;
    this.#probe.write(keyText, 1, 'latin1');
    try {
      const value = this.#index.get(this.#probe);
      return value === undefined ? undefined : this.#decoded(keyText, value);
    } catch (error) {
      throw indexFault('read', error);
    }
  }

  set(keyText: string, entry: Entry): void {
    if (this.#lost.size > 0) this.#lost.delete(keyText);
    this.#active.set(keyText, entry);
  }

  delete(keyText: string): void {
    if (this.#lost.size > 0) this.#lost.delete(keyText);
    this.#active.set(keyText, null);
  }

  /** Changes that wait in memory. */
  get waiting(): number {
    return this.#active.size;
  }

  /** Hands every change made so far to the index. One flush at a time; a failed one leaves its changes in memory. */
  async flush(): Promise<void> {
    const changes = this.#active;
    this.#flushing = changes;
    this.#active = new Map();
    try {
      let batch: IndexChange[] = [];
      for (const [keyText, entry] of changes) {
        const key = indexKey(ENTRY_PREFIX, keyText);
        batch.push(entry === null ? { type: 'del', key } : { type: 'put', key, value: encodeEntry(keyText, entry) });
        if (batch.length === BATCH_ENTRIES) {
          await this.#index.batch(batch);
          batch = [];
        }
      }
      if (batch.length > 0) await this.#index.batch(batch);
    } catch (error) {
      this.#active = new Map([...changes, ...this.#active]);
      throw indexFault('written', error);
    } finally {
      this.#flushing = new Map();
    }
  }

  /** Every entry, in order of key, as of about now: flush first. */
  all(): AsyncGenerator<[keyText: string, entry: Entry]> {
    return this.range({ bits: 0, first: 0, count: 1 });
  }

  /** Entries of the keys whose leading `bits` bits are `first` or one of the `count - 1` numbers after it, above `after`; flush first. */
  async *range({ bits, first, count, after }: KeyRange): AsyncGenerator<[keyText: string, entry: Entry]> {
    const from = after === undefined ? boundary(bits, first) : Buffer.concat([indexKey(ENTRY_PREFIX, after), Buffer.of(0)]);
    try {
      for await (const page of this.#index.range(from, boundary(bits, first + count))) {
        for (const [key, value] of page) {
          const keyText = textOfIndexKey(key);
          const entry = this.#decoded(keyText, value);
          if (entry !== undefined) yield [keyText, entry];
        }
      }
    } catch (error) {
      throw indexFault('read', error);
    }
  }

  #decoded(keyText: string, value: Buffer): Entry | undefined {
    const entry = decodeEntry(keyText, value);
    if (entry !== undefined || this.#lost.has(keyText)) return entry;
    this.#lost.add(keyText);
    this.onLoss?.(keyText);
    return undefined;
  }
}

/** The port's error: whoever asks for a range, be it from another process, is told that the device failed. */
function indexFault(what: 'read' | 'written', cause: unknown): StoreError {
  return cause instanceof StoreError ? cause : new StoreError('device-unavailable', `the index cannot be ${what}`, { cause });
}

/** The index key that entries of prefix `number` and later stand behind. */
function boundary(bits: number, number: number): Buffer {
  if (number >= 2 ** bits) return Buffer.of(ENTRY_PREFIX + 1);
  const key = Buffer.alloc(5);
  key[0] = ENTRY_PREFIX;
  key.writeUInt32BE(number * 2 ** (32 - bits), 1);
  return key;
}

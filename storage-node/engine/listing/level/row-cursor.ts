/**
 * Rows of a database in order, read ahead in batches off the event loop: one range of keys, or live rows and tombstones
 * merged. Callers look at `name` and take or skip; only `fill` waits.
 */
import { compareNames, textAfterPrefix, type ListingRow } from '#storage-node/protocol';
import { ROW_PREFIX_LENGTH } from './keys.ts';
import type { ListingStore, LevelSnapshot } from './listing-store.ts';
import { decodeRow } from './row-codec.ts';

export interface RowCursor extends AsyncDisposable {
  /** Name of the row at hand; undefined where `fill` has to be awaited first, or the end was reached. */
  readonly name: string | undefined;
  /** Reads on where nothing is at hand; false at the end. */
  fill(): Promise<boolean>;
  /** The row at hand, decoded; moves on. Throws `corrupt` where it is damaged, and has moved on all the same. */
  take(): ListingRow;
  /** Moves on past every row whose name starts with `prefix`, without reading what lies beyond the batch at hand. */
  skipPrefix(prefix: string): void;
}

/** Names between bounds. */
export interface NameRange {
  /** Exclusive; where undefined, `from` holds. */
  readonly after: string | undefined;
  /** Inclusive. */
  readonly from: string;
  /** Exclusive; undefined for no upper bound. */
  readonly before: string | undefined;
  readonly reverse: boolean;
}

/** What is used of level's iterators; keys and values are text. */
interface TextIterator {
  nextv(size: number): Promise<[string, string][]>;
  seek(target: string): void;
  close(): Promise<void>;
}

const LARGEST_BATCH = 1000;
const LARGEST_BATCH_BYTES = 1 << 20;

export class RangeCursor implements RowCursor {
  readonly #store: ListingStore;
  readonly #iterator: TextIterator;
  readonly #keyPrefix: string;
  readonly #deleted: boolean;
  readonly #smallestBatch: number;
  readonly #seekTarget: (prefix: string) => string | undefined;
  #batch: [string, string][] = [];
  #position = 0;
  #batchSize: number;
  #ended = false;
  /** What to skip at the next fill: the batch ended inside it. */
  #skipping: string | undefined;
  name: string | undefined;

  constructor(
    store: ListingStore,
    options: {
      keyPrefix: string;
      deleted: boolean;
      range: NameRange;
      snapshot: LevelSnapshot | undefined;
      /** Rows of the first read, and of the first after a skip; later ones grow up to 1000. */
      batch: number;
      /** Where to go on behind a prefix, in the direction of the scan; undefined where nothing can follow. */
      seekTarget: (prefix: string) => string | undefined;
    },
  ) {
    const { keyPrefix, range, snapshot } = options;
    const { after, from, before, reverse } = range;
    const lower = after === undefined ? { gte: keyPrefix + from } : { gt: keyPrefix + after };
    const lt = before === undefined ? textAfterPrefix(keyPrefix)! : keyPrefix + before;
    this.#store = store;
    this.#iterator = store.level.iterator<string, string>({ ...lower, lt, reverse, highWaterMarkBytes: LARGEST_BATCH_BYTES, ...(snapshot && { snapshot }) });
    this.#keyPrefix = keyPrefix;
    this.#deleted = options.deleted;
    this.#smallestBatch = this.#batchSize = Math.min(LARGEST_BATCH, Math.max(1, options.batch));
    this.#seekTarget = options.seekTarget;
  }

  async fill(): Promise<boolean> {
    while (this.name === undefined) {
      if (this.#ended) return false;
      const skipped = this.#skipping;
      if (skipped !== undefined && !this.#seekBehind(skipped)) return false;
      this.#batch = await this.#iterator.nextv(this.#batchSize);
      this.#position = 0;
      this.#ended = this.#batch.length === 0;
      this.#batchSize = Math.min(LARGEST_BATCH, this.#batchSize * 4);
      this.#look();
      // Backwards, the seek may end on the row that is named just like the prefix.
      if (skipped !== undefined && this.name === skipped) this.#step();
    }
    return true;
  }

  take(): ListingRow {
    const name = this.name!;
    const [key, value] = this.#batch[this.#position]!;
    this.#step();
    return decodeRow(name, this.#deleted, this.#store.unsealed(key, value));
  }

  skipPrefix(prefix: string): void {
    while (this.name?.startsWith(prefix)) this.#step();
    // A batch that ends inside the prefix: seek rather than read on, however many rows are left in there.
    if (this.name === undefined) this.#skipping = prefix;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#iterator.close();
  }

  #step(): void {
    this.#position++;
    this.#look();
  }

  #look(): void {
    this.name = this.#position < this.#batch.length ? this.#batch[this.#position]![0].slice(ROW_PREFIX_LENGTH) : undefined;
  }

  #seekBehind(prefix: string): boolean {
    this.#skipping = undefined;
    const target = this.#seekTarget(prefix);
    this.#ended = target === undefined;
    if (target === undefined) return false;
    this.#iterator.seek(this.#keyPrefix + target);
    this.#batchSize = this.#smallestBatch;
    return true;
  }
}

/** Two cursors as one, in the order of names. */
export class MergedCursor implements RowCursor {
  readonly #cursors: readonly [RowCursor, RowCursor];
  readonly #reverse: boolean;
  #at: RowCursor | undefined;
  name: string | undefined;

  constructor(cursors: readonly [RowCursor, RowCursor], reverse: boolean) {
    this.#cursors = cursors;
    this.#reverse = reverse;
  }

  async fill(): Promise<boolean> {
    const [left, right] = this.#cursors;
    if (left.name === undefined) await left.fill();
    if (right.name === undefined) await right.fill();
    this.#look();
    return this.name !== undefined;
  }

  take(): ListingRow {
    const at = this.#at!;
    try {
      return at.take();
    } finally {
      if (at.name === undefined) this.#wait();
      else this.#look();
    }
  }

  skipPrefix(prefix: string): void {
    for (const cursor of this.#cursors) cursor.skipPrefix(prefix);
    this.#wait();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cursor of this.#cursors) await cursor[Symbol.asyncDispose]();
  }

  /** The next name is not known before `fill` has looked at both. */
  #wait(): void {
    this.#at = undefined;
    this.name = undefined;
  }

  #look(): void {
    const [left, right] = this.#cursors;
    if (left.name === undefined || right.name === undefined) this.#at = left.name === undefined ? right : left;
    else this.#at = compareNames(left.name, right.name) < 0 !== this.#reverse ? left : right;
    this.name = this.#at.name;
  }
}

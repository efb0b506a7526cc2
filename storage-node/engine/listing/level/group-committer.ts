/**
 * Group commit: changes gather while the batch before them is being synced, and go to disk together. With one writer a group
 * is one change and waits for nothing; with many, one sync is shared by all of them.
 */
import { StoreError, type Clock } from '#common';
import { Gatherer, type Round } from '../../gatherer.ts';
import { storeFault, type ListingStore } from './listing-store.ts';
import { Transaction } from './transaction.ts';

/** A group closes at this many changed rows, so that one batch never holds up the process for long. */
const MAX_ROWS_IN_GROUP = 2048;
/** After a failed write the database is opened anew, at most this often. */
const REOPEN_AFTER_MS = 1000;

interface Queued {
  readonly change: (transaction: Transaction) => unknown;
  readonly deferSync: boolean;
  readonly round: Round;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommitter {
  readonly #store: ListingStore;
  readonly #clock: Clock;
  readonly #gatherer: Gatherer;
  #queue: Queued[] = [];
  readonly #between: (() => Promise<void>)[] = [];
  #running: Promise<void> | undefined;
  #closed = false;
  #failedAtMs: number | undefined;
  /** True from handing a batch to level until it is done: meanwhile cached records may be behind what level shows. */
  writing = false;

  constructor({ store, clock, gatherer = new Gatherer() }: { store: ListingStore; clock: Clock; gatherer?: Gatherer | undefined }) {
    this.#store = store;
    this.#clock = clock;
    this.#gatherer = gatherer;
  }

  /**
   * Runs `change` in the next group; its answer arrives when the group is on stable storage. With `deferSync` it may arrive as soon as
   * the group is written: then it outlives this process, and is safe after the next `ListingStore.sync`.
   */
  commit<T>(change: (transaction: Transaction) => T, { deferSync = false }: { deferSync?: boolean | undefined } = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) {
        reject(new StoreError('device-unavailable', 'listings are closed'));
        return;
      }
      this.#queue.push({ change, deferSync, round: this.#gatherer.join(), resolve: resolve as (answer: unknown) => void, reject });
      this.#running ??= this.#run();
    });
  }

  /** Runs work while no group is under way, and none begins. */
  between(work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new StoreError('device-unavailable', 'listings are closed'));
      this.#between.push(() => work().then(resolve, (error: unknown) => reject(storeFault(error) as Error)));
      this.#running ??= this.#run();
    });
  }

  /** Commits what is queued and takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    do {
      for (const work of this.#between.splice(0)) await work();
      const [oldest] = this.#queue;
      if (oldest === undefined) continue;
      await this.#gatherer.wait(oldest.round);
      await this.#commitGroup();
    } while (this.#queue.length + this.#between.length > 0);
    this.#running = undefined;
  }

  async #commitGroup(): Promise<void> {
    const group: { queued: Queued; answer: unknown }[] = [];
    try {
      await this.#recover();
      const transaction = new Transaction(this.#store);
      while (this.#queue.length > group.length && transaction.rowChanges < MAX_ROWS_IN_GROUP) {
        const queued = this.#queue[group.length]!;
        const entry = { queued, answer: undefined as unknown };
        group.push(entry);
        entry.answer = queued.change(transaction);
      }
      this.#queue = this.#queue.slice(group.length);
      this.writing = true;
      await transaction.commit({ sync: group.some(({ queued }) => !queued.deferSync) });
      for (const { queued, answer } of group) queued.resolve(answer);
    } catch (error) {
      this.#fail(group, error);
    } finally {
      this.writing = false;
    }
  }

  /** Nothing of a failed group may show: half-made drafts are dropped with the transaction, and level is opened anew before the next write. */
  #fail(group: readonly { queued: Queued }[], error: unknown): void {
    const failed = new Set(group.map(({ queued }) => queued));
    const refused = failed.size > 0 ? failed : new Set(this.#queue);
    this.#queue = this.#queue.filter((queued) => !refused.has(queued));
    if (this.writing) this.#failedAtMs = this.#clock.nowMs();
    for (const queued of refused) queued.reject(storeFault(error));
  }

  async #recover(): Promise<void> {
    if (this.#failedAtMs === undefined) return;
    if (this.#clock.nowMs() - this.#failedAtMs < REOPEN_AFTER_MS) throw new StoreError('device-unavailable', 'listings take no writes after a failed one');
    this.#failedAtMs = this.#clock.nowMs();
    await this.#store.reopen();
    this.#failedAtMs = undefined;
  }
}

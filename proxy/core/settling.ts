/**
 * The end of a write, after its client has its answer. The row in the container's listing was written by a majority of its devices, but
 * not synced: until it is, the object's devices keep the write marked as one whose row may have to be told again (their
 * updater does that). A moment later all listings that took rows are synced, once for all of them, and the marks taken away.
 *
 * A device that loses power in between comes back without the row, and would sync happily: so each sync answers which life of the listings it
 * belongs to, and a row counts as safe only where the sync before it and the one after it answer the same.
 */
import type { Log, Timestamp } from '#common';
import { changedAt, type ListingRow } from '#storage-node/protocol';
import type { Placement, Replica } from './placement.ts';

/** Between the first unsettled write and the sync. Listings of rows this young can lag behind after a loss of power. */
const GATHER_MS = 100;

interface Unsettled {
  readonly object: Placement;
  readonly timestamp: Timestamp;
  /** Devices of the container that took the row, each with the life its listings were known to have then. */
  readonly listedBy: readonly (readonly [replica: Replica, life: string | undefined])[];
  /** How many of them must have synced it. */
  readonly need: number;
}

export class Settling {
  readonly #log: Log;
  readonly #lives = new Map<Replica, string>();
  readonly #met = new Set<Replica>();
  #unsettled: Unsettled[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The object's write was listed by `listedBy`: its marks go when enough of them have synced the row. */
  add(object: Placement, row: ListingRow, { listedBy, need }: { listedBy: readonly Replica[]; need: number }): void {
    const timestamp = changedAt(row);
    this.#unsettled.push({ object, timestamp, listedBy: listedBy.map((replica) => [replica, this.#lives.get(replica)]), need });
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS).unref();
  }

  /** Learns which lives the listings have that are about to take rows; undefined where each of them was asked before. */
  meet(replicas: readonly Replica[]): Promise<unknown> | undefined {
    if (replicas.every((replica) => this.#met.has(replica))) return undefined;
    const strangers = replicas.filter((replica) => !this.#met.has(replica));
    for (const replica of strangers) this.#met.add(replica);
    return Promise.all(strangers.map((replica) => this.#sync(replica)));
  }

  /** Syncs and settles what was added so far. What cannot be settled now is left to the updaters of the object's devices. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const unsettled = this.#unsettled;
    this.#unsettled = [];
    this.#running = this.#running.then(() => this.#settle(unsettled));
    return this.#running;
  }

  async #settle(unsettled: readonly Unsettled[]): Promise<void> {
    const replicas = new Set(unsettled.flatMap(({ listedBy }) => listedBy.map(([replica]) => replica)));
    const synced = new Map(await Promise.all(Array.from(replicas, async (replica) => [replica, await this.#sync(replica)] as const)));
    for (const { object, timestamp, listedBy, need } of unsettled) {
      let safe = 0;
      for (const [replica, life] of listedBy) if (life !== undefined && synced.get(replica) === life) safe++;
      if (safe < need) continue;
      for (const replica of object.replicas) replica.client.objects(object.policy).settle(object.key, timestamp);
    }
  }

  /** Undefined where it fails. */
  async #sync(replica: Replica): Promise<string | undefined> {
    try {
      const life = await replica.client.listings.sync();
      this.#lives.set(replica, life);
      return life;
    } catch (error) {
      this.#lives.delete(replica);
      this.#log.info({ err: error, device: replica.device.device }, 'listings could not be synced; their rows will be told again');
      return undefined;
    }
  }
}

/**
 * Account and container databases that outlive a crash as those on LevelDB do: the memory model over a log of what changed it. What was
 * answered is in the log, and a kill leaves all of it; of merges that asked for no sync, a loss of power keeps a first part.
 *
 * LevelDB itself does not run on the simulated disk; its engine is held to the same contract suite by tests of its own.
 */
import { MemoryListingEngine } from '#storage-node/engine';
import type { LocalListingReplica, ListingEngine } from '#storage-node/protocol';
import type { SeededRandom } from '../../storage-node/engine/files/random.ts';

type Change = (engine: MemoryListingEngine) => Promise<unknown>;

/** The log: outlives the processes that write it. */
export class ListingLog {
  #changes: Change[] = [];
  /** How many of them survive a loss of power. */
  #synced = 0;
  #lives = 0;

  /** The power failed. */
  crash(random: SeededRandom): void {
    this.#changes = this.#changes.slice(0, this.#synced + random.below(this.#changes.length - this.#synced + 1));
    this.#synced = this.#changes.length;
  }

  async open(isAlive: () => boolean): Promise<ListingEngine & LocalListingReplica> {
    const engine = new MemoryListingEngine();
    for (const change of this.#changes) await change(engine);
    this.#synced = this.#changes.length;
    const life = `life ${++this.#lives}`;
    /** A change is answered when it is in the log, synced or not. */
    const log = async <T>(change: (target: MemoryListingEngine) => Promise<T>, { deferSync = false } = {}): Promise<T> => {
      if (!isAlive()) return new Promise<never>(() => undefined);
      this.#changes.push(change);
      if (!deferSync) this.#synced = this.#changes.length;
      return change(engine);
    };
    return {
      info: (database) => engine.info(database),
      put: (request) => log((target) => target.put(request)),
      post: (request) => log((target) => target.post(request)),
      delete: (request) => log((target) => target.delete(request)),
      merge: (request) => log((target) => target.merge(request), request),
      sync: async () => {
        this.#synced = this.#changes.length;
        return life;
      },
      list: (database, query) => engine.list(database, query),
      unreported: (limit) => engine.unreported(limit),
      reported: (info) => void log(async (target) => target.reported(info)),
      databaseDigests: (ranges) => engine.databaseDigests(ranges),
      databaseVersions: (request) => engine.databaseVersions(request),
      databaseState: (database) => engine.databaseState(database),
      databaseRows: (database, page) => engine.databaseRows(database, page),
      rowDigests: (database, ranges) => engine.rowDigests(database, ranges),
      adopt: (copies) => log((target) => target.adopt(copies)),
      release: (database, version) => log((target) => target.release(database, version)),
      agree: () => undefined,
    };
  }
}

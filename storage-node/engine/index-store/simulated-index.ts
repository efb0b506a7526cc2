/**
 * An IndexStore in memory that loses at a crash what LevelDB may lose: of the batches since the last barrier, each log
 * keeps a prefix of its own, so that later batches can survive earlier ones.
 */
import type { SeededRandom } from '../files/random.ts';
import type { SimulatedDisk } from '../files/simulated-disk.ts';
import type { IndexChange, IndexStore } from './index-store.ts';

/** Batches that go to one simulated log before the next is begun. */
const LOG_BATCHES = 3;

/** What of an index is on the platter; outlives the processes that open it. */
export class SimulatedIndex {
  #current = new Map<string, Buffer>();
  #durable = new Map<string, Buffer>();
  #unsynced: (readonly IndexChange[])[] = [];
  /** A planted fault for tests of the tests: barriers that are none. */
  lyingBarrier = false;

  /** What a power failure leaves. */
  crash(random: SeededRandom): void {
    for (let log = 0; log < this.#unsynced.length; log += LOG_BATCHES) {
      const batches = this.#unsynced.slice(log, log + LOG_BATCHES);
      const kept = random.pick([0, 1, 2, LOG_BATCHES]);
      for (const batch of batches.slice(0, kept)) apply(this.#durable, batch);
    }
    this.#unsynced = [];
    this.#current = new Map(this.#durable);
  }

  /** The index is deleted, as by an operator who distrusts it. */
  drop(): void {
    this.#current = new Map();
    this.#durable = new Map();
    this.#unsynced = [];
  }

  /** Flips a bit of an entry's value; false where there is none. */
  rot(random: SeededRandom, prefix: number): boolean {
    const key = this.#pick(random, prefix);
    if (key === undefined) return false;
    const value = Buffer.from(this.#current.get(key)!);
    const at = random.below(value.length);
    value[at] = value[at]! ^ (1 << random.below(8));
    this.#current.set(key, value);
    this.#durable.set(key, value);
    return true;
  }

  /** Loses an entry, as where a bit of its key flips; false where there is none. */
  lose(random: SeededRandom, prefix: number): boolean {
    const key = this.#pick(random, prefix);
    if (key === undefined) return false;
    this.#durable.delete(key);
    return this.#current.delete(key);
  }

  #pick(random: SeededRandom, prefix: number): string | undefined {
    const keys = [...this.#current.keys()].filter((key) => key.charCodeAt(0) === prefix);
    return keys[random.below(Math.max(1, keys.length))];
  }

  open(disk: SimulatedDisk): IndexStore {
    const { life } = disk;
    const up = (): void => {
      if (disk.crashed || disk.life !== life) throw Object.assign(new Error('EIO: the machine is down (simulated)'), { code: 'EIO' });
    };
    return {
      get: (key) => this.#current.get(key.toString('latin1')),
      batch: async (changes) => {
        up();
        apply(this.#current, changes);
        this.#unsynced.push(changes);
      },
      barrier: async () => {
        up();
        if (this.lyingBarrier) return;
        this.#durable = new Map(this.#current);
        this.#unsynced = [];
      },
      range: (from, to) => this.#range(from.toString('latin1'), to.toString('latin1')),
      isSound: async () => true,
      close: async () => {},
    };
  }

  async *#range(from: string, to: string): AsyncGenerator<[Buffer, Buffer][]> {
    const keys = [...this.#current.keys()].filter((key) => key >= from && key < to).sort();
    if (keys.length > 0) yield keys.map((key) => [Buffer.from(key, 'latin1'), this.#current.get(key) ?? Buffer.alloc(0)]);
  }
}

function apply(map: Map<string, Buffer>, batch: readonly IndexChange[]): void {
  for (const change of batch) {
    if (change.type === 'put') map.set(change.key.toString('latin1'), change.value);
    else map.delete(change.key.toString('latin1'));
  }
}

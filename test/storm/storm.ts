/** A storm: rounds of load and strikes, each followed by a calm in which everything that was asked is judged. At the end everything ever written is read once more. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../storage-node/engine/files/random.ts';
import type { Content } from '../simulation/history.ts';
import { Asker, CONTAINER, logIn, type Session } from './asking.ts';
import { listingFaults, readSurely, replicaFaults } from './calm.ts';
import { Evidence, type KeyEvidence } from './evidence.ts';
import { Load } from './load.ts';
import { describeStrike, drawStrikes, strike, type Strike } from './strikes.ts';
import type { StormCluster } from './storm-cluster.ts';

export interface StormOptions {
  readonly cluster: StormCluster;
  readonly seed: number;
  readonly rounds: number;
  /** Of each round, at least, unless `roundMs` are over. */
  readonly operations: number;
  readonly roundMs: number;
  readonly clients: number;
  readonly keys: number;
  readonly blind: boolean;
  /** Whether replicas must become equal after a disk was lost, and at the end. */
  readonly equal: boolean;
  readonly onRound: (round: number, what: string) => void;
}

export interface StormResult {
  readonly rounds: number;
  readonly operations: number;
  readonly unanswered: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Keys whose histories were too tangled to judge. */
  readonly undecided: number;
  readonly violations: readonly string[];
}

/** Old keys that are read again after each round. */
const SAMPLED = 40;
const READERS = 8;

export class Storm {
  readonly #options: StormOptions;
  readonly #evidence = new Evidence();
  readonly #violations: string[] = [];
  readonly #counts: Record<string, number> = {};
  #undecided = 0;
  #session!: Session;
  #asker!: Asker;

  constructor(options: StormOptions) {
    this.#options = options;
  }

  async run(): Promise<StormResult> {
    const { cluster, rounds, seed, onRound } = this.#options;
    this.#session = await logIn(cluster.doors[0]!);
    this.#asker = new Asker('calm', { session: this.#session, evidence: this.#evidence, fault: (sentence) => this.#violations.push(sentence) });
    const made = await this.#asker.plainly(cluster.doors[0]!, { method: 'PUT', path: `/${CONTAINER}` });
    if (made?.status !== 201) throw new Error(`the container could not be made: ${made?.status}`);
    let round = 0;
    while (round < rounds && this.#violations.length === 0) {
      const startMs = Date.now();
      const before = this.#evidence.operations;
      const what = await this.#round(++round, new SeededRandom(seed * 1_000_003 + round));
      onRound(round, `${what}; ${this.#evidence.operations - before} operations, ${((Date.now() - startMs) / 1000).toFixed(1)} s`);
    }
    if (this.#violations.length === 0) await this.#end();
    const { operations, unanswered } = this.#evidence;
    return { rounds: round, operations, unanswered, counts: this.#counts, undecided: this.#undecided, violations: this.#violations };
  }

  async #round(round: number, random: SeededRandom): Promise<string> {
    const { cluster, seed, clients, keys: count, operations, roundMs, blind } = this.#options;
    const prefix = `r${round}/`;
    const keys = Array.from({ length: count }, (_, i) => this.#evidence.key(`${prefix}k${i}`));
    const [startMs, before] = [Date.now(), this.#evidence.operations];
    const fault = (sentence: string): void => void this.#violations.push(sentence);
    const load = new Load({ seed: seed * 101 + round, clients, keys, prefix, doors: cluster.doors, session: this.#session, evidence: this.#evidence, blind, fault, count: (what) => this.#count(what) });
    const strikes = drawStrikes(cluster, random);
    await sleep(200 + random.below(600));
    await Promise.all(strikes.map((each) => this.#strike(each)));
    while (this.#evidence.operations - before < operations && Date.now() - startMs < roundMs && this.#violations.length === 0) await sleep(50);
    await load.stop();
    for (const fallen of await cluster.fallen()) fault(`${fallen} has ended by itself; see its log`);
    const what = strikes.map(describeStrike).join('; ');
    if (this.#violations.length > 0) return what;
    const lost = strikes.some(({ kind }) => kind === 'blank' || kind === 'swapped and back' || kind === 'wiped under its node');
    await this.#calm(keys, { prefix, equal: this.#options.equal && (lost || round % 10 === 0), random });
    return what;
  }

  async #strike(each: Strike): Promise<void> {
    this.#count(`strikes: ${each.kind}`);
    try {
      await strike(this.#options.cluster, each);
    } catch (error) {
      this.#violations.push(`what was struck did not come back (${describeStrike(each)}): ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #calm(keys: readonly KeyEvidence[], { prefix, equal, random }: { prefix: string; equal: boolean; random: SeededRandom }): Promise<void> {
    const { doors } = this.#options.cluster;
    await this.#readThroughAll(keys);
    if (equal) {
      this.#violations.push(...(await replicaFaults(this.#options.cluster)));
      await this.#readThroughAll(keys);
    }
    const held = await this.#read(keys, random);
    const faults = await Promise.all(doors.map((door) => listingFaults(this.#asker, door, { prefix, held })));
    this.#violations.push(...faults.flat());
    this.#judge(keys, held);
    const old = [...this.#evidence.keys.values()].filter((key) => !keys.includes(key));
    const sample = Array.from({ length: Math.min(SAMPLED, old.length) }, () => old[random.below(old.length)]!);
    const again = [...new Set(sample)];
    this.#judge(again, await this.#read(again, random));
  }

  /** Everything ever written, once more. */
  async #end(): Promise<void> {
    if (this.#options.equal) this.#violations.push(...(await replicaFaults(this.#options.cluster)));
    const all = [...this.#evidence.keys.values()];
    this.#judge(all, await this.#read(all, new SeededRandom(this.#options.seed)));
    this.#count('keys read at the end', all.length);
  }

  async #readThroughAll(keys: readonly KeyEvidence[]): Promise<void> {
    for (const door of this.#options.cluster.doors) await this.#read(keys, new SeededRandom(0), door);
  }

  /** What each key holds, by some proxy. */
  async #read(keys: readonly KeyEvidence[], random: SeededRandom, by?: StormCluster['doors'][number]): Promise<Map<KeyEvidence, Content | undefined>> {
    const { doors } = this.#options.cluster;
    const held = new Map<KeyEvidence, Content | undefined>();
    const queue = [...keys];
    const reader = async (): Promise<void> => {
      for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
        const read = await readSurely(this.#asker, by ?? doors[random.below(doors.length)]!, key);
        if (read === undefined) this.#violations.push(`${key.name}: no answer though all is well`);
        else held.set(key, read.content);
      }
    };
    await Promise.all(Array.from({ length: READERS }, reader));
    return held;
  }

  #judge(keys: readonly KeyEvidence[], held: ReadonlyMap<KeyEvidence, Content | undefined>): void {
    for (const key of keys) {
      const { violations, undecided } = key.judge();
      this.#violations.push(...violations);
      if (undecided) this.#undecided++;
      key.fold(held.get(key));
    }
    this.#count('keys judged', keys.length);
  }

  #count(what: string, by = 1): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + by;
  }
}

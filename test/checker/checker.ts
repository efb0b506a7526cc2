/** The rounds of a check: load, a strike, and a verdict; and again. At the end everything ever written is read once more. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../storage-node/engine/files/random.ts';
import { Load } from './load.ts';
import { Namespace } from './namespace.ts';
import { Servers } from './servers.ts';
import type { Stage, Subject } from './subject.ts';
import { Tally } from './tally.ts';
import { verify } from './verify.ts';

export interface CheckOptions {
  readonly subject: Subject;
  readonly rounds: number;
  readonly seed: number;
  /** Clients at once. Default 12. */
  readonly clients?: number;
  /** Hears how each round went. */
  readonly onRound?: (round: number, what: string) => void;
  /** Rounds after the first fault: none by default. */
  readonly goOnAfterFault?: boolean;
  /** Whether listings that are behind a write that was cut must catch up before the end, which takes the updaters up to 15 s. Default true. */
  readonly waitForListings?: boolean;
}

export interface CheckResult {
  readonly seed: number;
  /** Rounds that were begun. */
  readonly rounds: number;
  readonly seconds: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Empty, or there was a loss. */
  readonly faults: readonly string[];
}

const CONTAINERS = ['one', 'two', 'three'];
const CATCH_UP_MS = 45_000;

export async function check(options: CheckOptions): Promise<CheckResult> {
  const { subject, rounds, seed } = options;
  const startMs = Date.now();
  const tally = new Tally();
  const namespace = new Namespace();
  using servers = new Servers(tally);
  const run = new Run(options, { servers, namespace, tally });
  await subject.begin(run);
  for (const name of CONTAINERS) await run.makeContainer(name);
  let round = 0;
  while (round < rounds && (tally.faults.length === 0 || options.goOnAfterFault)) {
    round++;
    const what = await run.round(round);
    options.onRound?.(round, what);
  }
  if (tally.faults.length === 0) await run.finish();
  return { seed, rounds: round, seconds: Math.round((Date.now() - startMs) / 100) / 10, counts: sorted(tally.counts), faults: tally.faults };
}

class Run implements Stage {
  readonly servers: Servers;
  readonly namespace: Namespace;
  readonly tally: Tally;
  readonly #options: CheckOptions;
  #load: Load | undefined;
  #loads = 0;

  constructor(options: CheckOptions, { servers, namespace, tally }: { servers: Servers; namespace: Namespace; tally: Tally }) {
    this.#options = options;
    this.servers = servers;
    this.namespace = namespace;
    this.tally = tally;
  }

  async makeContainer(name: string): Promise<void> {
    const answer = await this.servers.ask({ method: 'PUT', path: `/${name}` });
    if (answer.status === 201) this.namespace.containers.push(name);
    else this.tally.fault(`PUT of the container ${name} answered ${answer.status}`);
  }

  async round(round: number): Promise<string> {
    const random = new SeededRandom(this.#options.seed * 1_000_003 + round);
    if (round % 5 === 0) await this.makeContainer(`round-${round}`);
    this.#begin();
    try {
      return await this.#options.subject.strike(this, random);
    } catch (error) {
      this.tally.fault(`what was struck did not come back: ${error instanceof Error ? error.message : String(error)}`);
      return 'it did not come back';
    } finally {
      await this.#load?.stop();
      if (this.tally.faults.length === 0) await verify(this, 'touched');
    }
  }

  async verifyNow(): Promise<void> {
    await this.#load?.stop();
    await verify(this, 'touched');
    this.#begin();
  }

  /** The whole namespace once more, and listings that were behind have caught up. */
  async finish(): Promise<void> {
    const deadline = Date.now() + CATCH_UP_MS;
    let behind = await verify(this, 'all');
    while (behind.length > 0 && this.#options.waitForListings !== false && this.tally.faults.length === 0) {
      if (Date.now() > deadline) return behind.forEach(({ container, object }) => this.tally.fault(`the listing of /${container}/${object} has not caught up in ${CATCH_UP_MS / 1000} s`));
      await (this.#options.subject.catchUp?.() ?? sleep(1000));
      behind = await verify(this, 'touched');
    }
  }

  #begin(): void {
    const { seed, clients = 12, subject } = this.#options;
    this.#load = new Load({ seed, round: ++this.#loads, clients, maxBytes: subject.maxBytes, ...{ servers: this.servers, namespace: this.namespace, tally: this.tally } });
  }
}

function sorted(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The load of a round: many clients on few keys, some of them on the same one all the time, through all proxies that are up. */

import { SeededRandom } from '../../storage-node/engine/files/random.ts';
import { Clients } from '../checker/clients.ts';
import type { Condition } from '../simulation/history.ts';
import { Asker, type Session, type Wish } from './asking.ts';
import type { Evidence, KeyEvidence } from './evidence.ts';
import type { Door } from './storm-cluster.ts';

export interface LoadOptions {
  readonly seed: number;
  readonly clients: number;
  readonly keys: readonly KeyEvidence[];
  /** What the names of the keys begin with. */
  readonly prefix: string;
  readonly doors: readonly Door[];
  readonly session: Session;
  readonly evidence: Evidence;
  /** Conditional writes look, and then write blindly: a planted fault. */
  readonly blind: boolean;
  readonly fault: (sentence: string) => void;
  readonly count: (what: string) => void;
}

const HOT_KEYS = 2;

export class Load {
  readonly #options: LoadOptions;
  readonly #clients: Clients;
  #turn = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    const { seed, session, evidence, fault, count } = options;
    this.#clients = new Clients(options.clients, (number) => {
      const random = new SeededRandom(seed * 7919 + number);
      const asker = new Asker(`c${number + 1}`, { session, evidence, fault });
      /** The last value that it saw or wrote, by key. */
      const last = new Map<KeyEvidence, string>();
      return async () => {
        const answered = await this.#step(asker, random, last);
        count(answered ? 'answers' : 'no answer, or one that leaves open what happened');
        return answered;
      };
    });
  }

  /** Lets every client finish what it is at. */
  stop(): Promise<void> {
    return this.#clients.stop();
  }

  async #step(asker: Asker, random: SeededRandom, last: Map<KeyEvidence, string>): Promise<boolean> {
    const { keys, prefix, blind } = this.#options;
    const door = this.#door(random);
    const choice = random.below(100);
    if (choice < 4) return (await asker.list(door, prefix, keys)) !== undefined;
    const key = keys[random.below(random.oneIn(2) ? Math.min(HOT_KEYS, keys.length) : keys.length)]!;
    const wish = wishOf(choice, { key, random, match: last.get(key) });
    const before = blind && wish.condition !== undefined ? await asker.ask(door, { key, kind: 'head', dialect: 'swift' }) : undefined;
    if (before !== undefined && !holds(wish.condition!, before.outcome === 'done' ? before.seen?.value : undefined)) return true;
    const operation = await asker.ask(door, before === undefined ? wish : { ...wish, condition: undefined });
    // Planted: the cluster was not asked for the condition, and it is claimed to have been.
    if (before !== undefined && operation.outcome === 'done') Object.assign(operation, { condition: wish.condition });
    const value = operation.seen?.value ?? (operation.outcome === 'done' && operation.kind === 'put' ? operation.value : undefined);
    if (value !== undefined) last.set(key, value);
    return operation.outcome !== 'unknown';
  }

  /** The next one that is up; one that is down where none is. */
  #door(random: SeededRandom): Door {
    const { doors } = this.#options;
    const open = doors.filter((door) => door.open);
    return open[this.#turn++ % Math.max(1, open.length)] ?? doors[random.below(doors.length)]!;
  }
}

function holds(condition: Condition, value: string | undefined): boolean {
  return 'absent' in condition ? value === undefined : value === condition.match;
}

/** What is asked in how many of a hundred requests; 4 are listings. */
function wishOf(choice: number, { key, random, match }: { key: KeyEvidence; random: SeededRandom; match: string | undefined }): Wish {
  const dialect = random.oneIn(4) ? ('s3' as const) : ('swift' as const);
  const write = { key, kind: 'put' as const, sizeBytes: sizeOf(random), dialect };
  if (choice < 20) return { ...write, chunked: dialect === 'swift' && random.oneIn(5) };
  if (choice < 26) return { ...write, condition: { absent: true } };
  if (choice < 35) return match === undefined ? write : { ...write, dialect: 's3', condition: { match } };
  if (choice < 42) return { key, kind: 'delete', dialect: 'swift' };
  if (choice < 44) return match === undefined ? { key, kind: 'head', dialect } : { key, kind: 'delete', dialect: 's3', condition: { match, orAbsent: true } };
  if (choice < 47) return { key, kind: 'post', dialect: 'swift' };
  return { key, kind: choice < 80 ? 'get' : 'head', dialect };
}

function sizeOf(random: SeededRandom): number {
  if (random.oneIn(300)) return (2 << 20) + random.below(2 << 20);
  return random.pick([64, 64, 64, 1000, 1000, 4096, 4096, 4096, 20_000, 100_000]);
}

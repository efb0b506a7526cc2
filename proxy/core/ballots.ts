/**
 * Conditional writes under `strong`: what the condition was asked of is what the write replaces, whoever else writes (docs/decisions/0018).
 * A ballot is a timestamp; a majority of the primaries promises to take no older data, and tells what it holds; where that is still what the
 * condition was asked of, the write goes out at the ballot's timestamp. It is single-register Paxos whose value is a function of the one before
 * (Rystsov, "CASPaxos", 2018); plain writes are its functions that ask nothing, and need no first round.
 */
import { isStoreError, StoreError, type Ordering, type Timestamp } from '#common';
import { compareStates } from '#storage-node/client';
import { changedAt, type ObjectInfo, type ObjectState, type Prepared } from '#storage-node/protocol';
import type { Cluster } from './cluster.ts';
import { harmless, inTime } from './in-time.ts';
import type { Placement, Replica } from './placement.ts';
import { askAll, quorumFault, valuesOf, type Answer } from './quorum.ts';

/** What became of a write at the timestamp of a ballot; `unknown`: it may be on some devices, and take effect later. */
export type Attempt = 'done' | 'refused' | 'unknown';

export interface Contest {
  readonly placement: Placement;
  /** Full name of the object. */
  readonly name: string;
  /** What a majority holds now, brought to a majority. */
  readonly look: () => Promise<ObjectInfo | undefined>;
  /** Throws where the write must not happen. */
  readonly condition: (current: ObjectInfo | undefined) => void;
  /** Writes, at most once with each ballot. */
  readonly write: (ballot: Timestamp) => Promise<Attempt>;
}

const ATTEMPTS = 12;
/** Of the pause after a lost ballot, which doubles each time: whoever was faster is let through. */
const FIRST_PAUSE_MS = 4;
const LONGEST_PAUSE_MS = 250;

export class Ballots {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** The timestamp at which it was written. Throws what the condition throws, and `unavailable` where too few devices answer or too many write. */
  async decide({ placement, name, look, condition, write }: Contest): Promise<Timestamp> {
    const order = this.#cluster.timestamps.ordering();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await this.#pause(attempt);
      const current = await look();
      condition(current);
      if (current !== undefined) order.observe(changedAt(current));
      const { ballot, held } = await this.prepare(placement, name, order);
      const outcome = held === 'refused' || compareStates(held, current) > 0 ? 'refused' : await write(ballot);
      if (outcome === 'done') return ballot;
      if (outcome === 'refused') {
        this.#abandon(placement, ballot);
        continue;
      }
      const after = await look().catch((error: unknown) => {
        throw isStoreError(error) ? unknown(error) : error;
      });
      if (after?.timestamp === ballot) return ballot;
      throw unknown();
    }
    throw busy();
  }

  /**
   * What became of a plain write of `timestamp` that some devices may have taken, and others refused because they hold newer: 'done' where it has been
   * in force on a majority, so that somebody may have seen it. Else the timestamp of a ballot after which it never will have been: the write may be
   * made then, and happens once. `unasked` devices never heard of it.
   */
  async fate({ placement, name, timestamp, unasked }: { placement: Placement; name: string; timestamp: Timestamp; unasked: readonly Replica[] }): Promise<'done' | Timestamp> {
    const { need, replicas } = placement;
    const order = this.#cluster.timestamps.ordering();
    order.observe(timestamp);
    for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
      const { ballot, given } = await this.#promises(placement, { name, order, overtaken: timestamp });
      if (given !== 'refused') {
        const held = given.filter(({ prepared }) => prepared.hasHeld === true).length;
        const never = given.filter(({ prepared }) => prepared.hasHeld === false).length + unasked.filter((replica) => !given.some((answer) => answer.replica === replica)).length;
        // Where it is the newest, it is what the next write follows: to make it once more changes nothing for anybody.
        if (newestOf(given)?.timestamp === timestamp || (held < need && never > replicas.length - need)) return ballot;
        this.#abandon(placement, ballot);
        if (held >= need) return 'done';
        throw unknown();
      }
      this.#abandon(placement, ballot);
      await this.#pause(attempt);
    }
    throw busy();
  }

  /** Has a majority promise to take nothing older than a ballot; the newest that they hold, `refused` where a majority would not. */
  async prepare(placement: Placement, name: string, order: Ordering): Promise<{ ballot: Timestamp; held: ObjectState | undefined | 'refused' }> {
    const { ballot, given } = await this.#promises(placement, { name, order });
    return { ballot, held: given === 'refused' ? given : newestOf(given) };
  }

  /** What `order` is shown on the way makes the next ballot newer. */
  #promises(placement: Placement, { name, order, overtaken }: { name: string; order: Ordering; overtaken?: Timestamp }): Promise<{ ballot: Timestamp; given: Given[] | 'refused' }> {
    return inTime(this.#cluster, async () => {
      const ballot = order.now();
      return { ballot, given: await this.#promisesOf(placement, { name, order, ballot, overtaken }) };
    });
  }

  async #promisesOf(placement: Placement, { name, order, ballot, overtaken }: { name: string; order: Ordering; ballot: Timestamp; overtaken: Timestamp | undefined }): Promise<Given[] | 'refused'> {
    const { key, need, replicas, policy } = placement;
    const dated = this.#cluster.timestamps.isFar(ballot) || undefined;
    const given = (answers: readonly Answer<Prepared>[]): Given[] => answers.flatMap((answer) => (answer.ok && answer.value.outcome === 'promised' ? [{ replica: answer.replica, prepared: answer.value }] : []));
    const answers = await askAll(replicas, (replica) => replica.client.objects(policy).prepare({ key, name, timestamp: ballot, overtaken, dated }), (sofar) => given(sofar).length >= need);
    const heard = valuesOf(answers);
    for (const { state, promised } of heard) {
      order.observe(promised);
      if (state !== undefined) order.observe(changedAt(state));
    }
    if (heard.length < need) {
      this.#abandon(placement, ballot);
      // A promise is no write: nothing is lost where another ballot follows it.
      throw harmless(quorumFault('the object', answers, need));
    }
    const promised = given(answers);
    return promised.length < need ? 'refused' : promised;
  }

  /** Nothing has this timestamp, and nothing will: the promise would only keep late copies of others from their devices. */
  #abandon({ key, policy, replicas }: Placement, ballot: Timestamp): void {
    for (const replica of replicas) replica.client.objects(policy).abandon(key, ballot);
  }

  /** Its length must differ from proxy to proxy, and be the same in a simulation that is run again: the timestamps of the moment see to both. */
  #pause(attempt: number): Promise<void> {
    const { clock, timestamps } = this.#cluster;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
    const share = (Math.imul(timestamps.now() % 2 ** 31, 0x9e37_79b1) >>> 0) / 2 ** 32;
    return clock.sleep(longest * (0.25 + 0.75 * share));
  }
}

interface Given {
  readonly replica: Replica;
  readonly prepared: Prepared;
}

function newestOf(given: readonly Given[]): ObjectState | undefined {
  return given.map(({ prepared }) => prepared.state).reduce((a, b) => (compareStates(b, a) > 0 ? b : a));
}

function busy(): StoreError {
  return new StoreError('unavailable', 'the object is being written by others all the time');
}

function unknown(cause?: unknown): StoreError {
  return new StoreError('unavailable', 'the write reached too few devices; it may yet take effect', { cause });
}

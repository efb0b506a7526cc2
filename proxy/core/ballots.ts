/**
 * Conditional writes under `strong`: what the condition was asked of is what the write replaces, whoever else writes (docs/decisions/0018).
 * A ballot is a timestamp; a majority of the primaries promises to take no older data, and tells what it holds; where that is still what the
 * condition was asked of, the write goes out at the ballot's timestamp. It is single-register Paxos whose value is a function of the one before
 * (Rystsov, "CASPaxos", 2018); plain writes are its functions that ask nothing, and need no first round.
 */
import { isStoreError, NEVER, StoreError, type Timestamp } from '#common';
import { compareStates } from '#storage-node/client';
import { changedAt, type ObjectInfo, type ObjectState, type Prepared } from '#storage-node/protocol';
import type { Cluster } from './cluster.ts';
import type { Placement } from './placement.ts';
import { askAll, quorumFault, valuesOf } from './quorum.ts';

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
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await this.#pause(attempt);
      const current = await look();
      condition(current);
      const ballot = this.#cluster.timestamps.now();
      const held = await this.prepare(placement, name, ballot);
      const outcome = held === 'refused' || compareStates(held, current) > 0 ? 'refused' : await write(ballot);
      if (outcome === 'done') return ballot;
      if (outcome === 'refused') {
        // Nothing has this timestamp, and nothing will: the promise would only keep late copies of others from their devices.
        for (const replica of placement.replicas) replica.client.objects(placement.policy).abandon(placement.key, ballot);
        continue;
      }
      const after = await look().catch((error: unknown) => {
        throw isStoreError(error) ? unknown(error) : error;
      });
      if (after?.timestamp === ballot) return ballot;
      throw unknown();
    }
    throw new StoreError('unavailable', 'the object is being written by others all the time');
  }

  /** Has a majority promise to take nothing older than `ballot`; the newest that they hold, `refused` where a majority would not. */
  async prepare(placement: Placement, name: string, ballot: Timestamp): Promise<ObjectState | undefined | 'refused'> {
    const { key, need, replicas, policy } = placement;
    const given = (prepared: readonly Prepared[]): Prepared[] => prepared.filter(({ outcome }) => outcome === 'promised');
    const answers = await askAll(replicas, (replica) => replica.client.objects(policy).prepare({ key, name, timestamp: ballot }), (sofar) => given(valuesOf(sofar)).length >= need);
    const prepared = valuesOf(answers);
    for (const { state, promised } of prepared) {
      this.#cluster.timestamps.observe(promised);
      this.#cluster.timestamps.observe(state === undefined ? NEVER : changedAt(state));
    }
    if (prepared.length < need) throw quorumFault('the object', answers, need);
    const promised = given(prepared);
    return promised.length < need ? 'refused' : promised.map(({ state }) => state).reduce((a, b) => (compareStates(b, a) > 0 ? b : a));
  }

  /** Its length must differ from proxy to proxy, and be the same in a simulation that is run again: the timestamps of the moment see to both. */
  #pause(attempt: number): Promise<void> {
    const { clock, timestamps } = this.#cluster;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
    const share = (Math.imul(timestamps.now() % 2 ** 31, 0x9e37_79b1) >>> 0) / 2 ** 32;
    return clock.sleep(longest * (0.25 + 0.75 * share));
  }
}

function unknown(cause?: unknown): StoreError {
  return new StoreError('unavailable', 'the write reached too few devices; it may yet take effect', { cause });
}

/**
 * Reading an object as a majority of its primaries has it: data from one, and enough of the others' word that nothing newer is
 * acknowledged. What is found to be missing or older on a primary is brought there before the reader gets its answer:
 * otherwise a later reader, asking another majority, could see the older state again (Attiya, Bar-Noy and Dolev, 1995).
 */
import { isStoreError, StoreError, type Ordering } from '#common';
import type { Consistency } from '#ring';
import { bringUpToDate, compareStates, rewrite } from '#storage-node/client';
import { changedAt, type ObjectEngine, type ObjectInfo, type ObjectState } from '#storage-node/protocol';
import type { Ballots } from './ballots.ts';
import type { Cluster } from './cluster.ts';
import type { Placement, Replica } from './placement.ts';
import { askAll, quorumFault, valuesOf, willingFirst } from './quorum.ts';
import { ResumableObject } from './resumable-object.ts';

/** Objects mended at once besides those that readers wait for. */
const MAX_MENDING = 16;
/** Reads of a key while somebody's ballot is under way, with pauses that double; then the reader takes it into its own hands. */
const PATIENT_ATTEMPTS = 5;
const LAST_ATTEMPT = 12;
const FIRST_PAUSE_MS = 5;

export class ObjectReads {
  readonly #cluster: Cluster;
  /** Keys that are being brought to replicas that were behind, beside the requests that noticed. */
  readonly #mending = new Set<string>();

  readonly #ballots: Ballots;

  constructor(cluster: Cluster, ballots: Ballots) {
    this.#cluster = cluster;
    this.#ballots = ballots;
  }

  /** The newest info (also of a tombstone), undefined where nothing is held. */
  async info(placement: Placement, consistency: Consistency): Promise<ObjectInfo | undefined> {
    return this.#read(placement, consistency, async (replica) => {
      const info = await this.#engine(replica, placement).info(placement.key);
      return { state: info, result: info };
    });
  }

  /** Opens the newest version; undefined where there is none. */
  async open(placement: Placement, consistency: Consistency): Promise<ResumableObject | undefined> {
    return this.#read(placement, consistency, async (replica) => {
      const engine = this.#engine(replica, placement);
      for (;;) {
        const reader = await engine.open(placement.key);
        if (reader !== undefined) return { state: reader.info, result: new ResumableObject(reader, replica, placement, this.#cluster.log), release: () => reader[Symbol.asyncDispose]() };
        const state = await engine.stat(placement.key);
        if (state === undefined || state.deleted) return { state, result: undefined };
        // It came between the two questions (written, or healed): that state with nothing to read would agree with the others, and say that there is none.
      }
    });
  }

  /** Shows `order` whatever a majority holds. */
  async observeNewest(placement: Placement, consistency: Consistency, order: Ordering): Promise<void> {
    const { states } = await this.#states(placement, consistency);
    for (const { state } of states) if (state) order.observe(state.timestamp);
  }

  /**
   * What was written by one ring is brought to a majority of the primaries that another, newer one says: between the two the write did not
   * count for readers by the newer. Throws `unavailable` where it cannot be.
   */
  async carryOver(from: Placement, to: Placement): Promise<void> {
    const { states } = await this.#states(from, 'strong');
    const newest = states.reduce((a, b) => (compareStates(b.state, a.state) > 0 ? b : a));
    const held = await askAll(to.replicas, (replica) => this.#engine(replica, to).stat(to.key), () => false);
    const lagging = held.flatMap((answer) => (answer.ok && compareStates(answer.value, newest.state) < 0 ? [answer.replica] : []));
    const holding = valuesOf(held).length - lagging.length;
    if (holding >= to.need) return;
    const { holders } = await bringUpToDate(this.#transfer({ placement: to, source: newest.replica, lagging, holding }));
    if (holding + holders >= to.need) return;
    throw new StoreError('unavailable', 'the ring changed while this was written, and too few of its devices have it now');
  }

  /** Reads until what was read is what a majority holds. */
  async #read<T>(placement: Placement, consistency: Consistency, fetch: (replica: Replica) => Promise<Fetched<T>>): Promise<T | undefined> {
    for (let attempt = 0; ; attempt++) {
      const read = await this.#readOnce(placement, consistency, fetch);
      if (read === undefined || 'result' in read) return read?.result;
      if (attempt === LAST_ATTEMPT) throw tooFew();
      if (read.blocked === undefined) continue;
      // The ballot of a conditional write is in the way of bringing the state to more devices. It is over soon; or whoever won it is gone.
      if (attempt < PATIENT_ATTEMPTS) await this.#cluster.clock.sleep(FIRST_PAUSE_MS * 2 ** attempt);
      else await this.#overrule(placement, read.blocked);
    }
  }

  /** Reads from one replica while the rest of a majority is asked what it holds; where they differ, goes to the newest. */
  async #readOnce<T>(placement: Placement, consistency: Consistency, fetch: (replica: Replica) => Promise<Fetched<T>>): Promise<Fetched<T> | { blocked?: Replica } | undefined> {
    const fast = await this.#agreed(placement, consistency, fetch);
    if (fast !== 'disagree') return fast;
    const { states, damaged } = await this.#states(placement, consistency);
    const newest = states.reduce((a, b) => (compareStates(b.state, a.state) > 0 ? b : a));
    const holders = states.filter(({ state }) => compareStates(state, newest.state) === 0);
    if (newest.state === undefined) return undefined;
    const lagging = states.flatMap(({ replica, state }) => (compareStates(state, newest.state) < 0 && placement.replicas.includes(replica) ? [replica] : []));
    lagging.push(...damaged);
    let holding = holders.length;
    for (const { replica } of holders) {
      const fetched = await fetch(replica).catch((error: unknown) => this.#passOver(error, replica));
      const order = fetched === undefined ? -1 : compareStates(fetched.state, newest.state);
      if (order > 0 && consistency === 'strong') {
        // It came since the devices were asked, and nobody knows yet whether a majority has it.
        await fetched?.release?.();
        return {};
      }
      if (fetched === undefined || order < 0) {
        await fetched?.release?.();
        lagging.push(replica);
        holding--;
        continue;
      }
      const work = { placement, source: replica, lagging, holding };
      if (consistency === 'strong' && holding < placement.need) {
        const repaired = await this.#repair(work, fetched);
        if (repaired !== 'done') return { [repaired]: replica };
      } else if (lagging.length > 0) this.#mendLater(work);
      return fetched;
    }
    throw new StoreError('unavailable', 'no device that holds the object could be read');
  }

  async #agreed<T>(placement: Placement, consistency: Consistency, fetch: (replica: Replica) => Promise<Fetched<T>>): Promise<Fetched<T> | 'disagree'> {
    const { replicas, need, key } = placement;
    const asked = consistency === 'strong' ? need : 1;
    const order = willingFirst(replicas);
    for (let i = 0; i < asked; i++) if (order[i]?.health.usable() !== true) return 'disagree';
    // All are under way before any is awaited; each failure is noted on its own device.
    const fetching = guarded(order[0]!, fetch(order[0]!));
    const asking: Promise<ObjectState | undefined | typeof FAILED>[] = [];
    for (let i = 1; i < asked; i++) asking.push(guarded(order[i]!, this.#engine(order[i]!, placement).stat(key)));
    const fetched = await fetching;
    let agreed = fetched !== FAILED;
    for (const answer of asking) {
      const state = await answer;
      if (state === FAILED || fetched === FAILED || compareStates(state, fetched.state) !== 0) agreed = false;
    }
    if (fetched === FAILED) return 'disagree';
    if (agreed && (consistency === 'strong' || fetched.result !== undefined)) return fetched;
    await fetched.release?.();
    return 'disagree';
  }

  /** What those who answer hold, and the primaries that had something and lost it to damage: nothing follows from what they do not have. */
  async #states(placement: Placement, consistency: Consistency): Promise<{ states: { replica: Replica; state: ObjectState | undefined }[]; damaged: Replica[] }> {
    const { key, need } = placement;
    const replicas = consistency === 'strong' ? placement.replicas : [...placement.replicas, ...[...placement.handoffs()].slice(0, placement.replicas.length)];
    const wanted = consistency === 'strong' ? need : 1;
    const answers = await askAll(
      replicas,
      async (replica) => ({ replica, state: await this.#engine(replica, placement).stat(key) }),
      (sofar) => valuesOf(sofar).length >= need,
    );
    const states = valuesOf(answers);
    if (states.length < wanted) throw quorumFault('the object', answers, wanted);
    const damaged = answers.flatMap((answer) => (!answer.ok && isStoreError(answer.error, 'corrupt') && placement.replicas.includes(answer.replica) ? [answer.replica] : []));
    return { states, damaged };
  }

  /**
   * Brings the newest state to as many of the primaries that answered as make a majority hold it. 'blocked' where a promise forbids that; 'overtaken'
   * where one of them holds a newer one by now: it may have been written on the condition that this one was not there, and then nobody may see this one.
   */
  async #repair(work: Repair, fetched: Fetched<unknown>): Promise<'done' | 'blocked' | 'overtaken'> {
    const { holders, newer, refused } = await bringUpToDate(this.#transfer(work));
    if (work.holding + holders >= work.placement.need) return 'done';
    await fetched.release?.();
    if (newer > 0) return 'overtaken';
    if (refused > 0) return 'blocked';
    throw tooFew();
  }

  /**
   * Writes the newest state anew, at the timestamp of a ballot of our own: then the promise that was in the way does not matter any more. Its
   * write, if it comes yet, finds ours. Who reads next sees what became of it.
   */
  async #overrule(placement: Placement, source: Replica): Promise<void> {
    const { key, need, replicas } = placement;
    const from = this.#engine(source, placement);
    const info = await from.info(key).catch((error: unknown) => this.#passOver(error, source));
    if (info === undefined) return;
    const order = this.#cluster.timestamps.ordering();
    order.observe(changedAt(info));
    const { ballot, held } = await this.#ballots.prepare(placement, info.name, order);
    if (held === 'refused' || compareStates(held, info) > 0) return;
    const written = await rewrite({ key, from, state: info, to: replicas.map((replica) => this.#engine(replica, placement)), timestamp: ballot });
    this.#cluster.log.info({ object: info.name, written, need }, 'a conditional write was abandoned; the object was written anew to read it');
  }

  /** A majority holds the newest state, so nobody need wait for those that do not: they get it meanwhile, a bounded number at once. */
  #mendLater(work: Repair): void {
    const id = work.placement.key.toString('latin1');
    if (this.#mending.has(id) || this.#mending.size >= MAX_MENDING) return;
    this.#mending.add(id);
    void bringUpToDate(this.#transfer(work)).finally(() => this.#mending.delete(id));
  }

  #transfer({ placement, source, lagging }: Repair): Parameters<typeof bringUpToDate>[0] {
    return { key: placement.key, from: this.#engine(source, placement), to: lagging.map((replica) => this.#engine(replica, placement)) };
  }

  #engine(replica: Replica, placement: Placement): ObjectEngine {
    return replica.client.objects(placement.policy);
  }

  #passOver(error: unknown, replica: Replica): undefined {
    if (!isStoreError(error)) throw error;
    replica.health.note(error);
    this.#cluster.log.warn({ err: error, device: replica.device.device }, 'a device could not be read; trying another');
    return undefined;
  }
}

interface Repair {
  readonly placement: Placement;
  readonly source: Replica;
  /** Primaries that answered and do not hold the newest state. */
  readonly lagging: readonly Replica[];
  /** How many do. */
  readonly holding: number;
}

interface Fetched<T> {
  readonly state: ObjectState | undefined;
  readonly result: T | undefined;
  release?(): PromiseLike<void>;
}

function tooFew(): StoreError {
  return new StoreError('unavailable', 'the newest version is on too few devices, and could not be brought to more');
}

const FAILED = Symbol('failed');

async function guarded<T>(replica: Replica, work: Promise<T>): Promise<T | typeof FAILED> {
  try {
    const value = await work;
    replica.health.note(undefined);
    return value;
  } catch (error) {
    if (!isStoreError(error)) throw error;
    replica.health.note(error);
    return FAILED;
  }
}

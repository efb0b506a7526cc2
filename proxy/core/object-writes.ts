/**
 * Writing an object: to all its primaries at once, acknowledged when a majority has it on stable storage and a majority of
 * the container's replicas lists it. Devices that stand in (handoffs) take the copies of primaries that are away, so that
 * nothing has fewer copies than it was promised; under `strong` they do not count, under `available` they do.
 */
import type { Cipheriv } from 'node:crypto';
import { isStoreError, StoreError, type Ordering, type Timestamp } from '#common';
import { createHasher } from '#common/checksum';
import { inSlabs, SLAB_BYTES, type Body } from '#common/stream';
import type { Consistency } from '#ring';
import { changedAt, rowOfObject, type Metadata, type ObjectEngine, type ObjectInfo, type ObjectWriter, type WriteReceipt } from '#storage-node/protocol';
import type { Attempt } from './ballots.ts';
import type { Cluster } from './cluster.ts';
import type { Containers, ContainerSummary } from './containers.ts';
import { harmless, inTime } from './in-time.ts';
import type { ObjectName, Stored } from './objects.ts';
import type { Placement, Replica } from './placement.ts';
import { isCollecting, noteReceipt, type ObjectReceipt } from './receipts.ts';
import { SlabsInUse } from './slabs-in-use.ts';
import type { Happening, Witnesses } from './witnesses.ts';
import { askAll, quorumFault, valuesOf, type Answer } from './quorum.ts';

/** Everything about where a write goes. */
export interface WritePlace {
  readonly target: ObjectName;
  readonly placement: Placement;
  readonly policy: { readonly name: string; readonly consistency: Consistency };
  readonly container: ContainerSummary;
  /** Its timestamps, newer than whatever was met on the way. */
  readonly order: Ordering;
}

export class ObjectWrites {
  readonly #cluster: Cluster;
  readonly #containers: Containers;
  readonly #witnesses: Witnesses;
  readonly #carryOver: (place: WritePlace) => Promise<void>;
  readonly #misplaced: (target: ObjectName, from: number, to: number) => Promise<void>;

  /**
   * `carryOver` brings what was written to where the ring in force now says; `misplaced` what was written under one storage policy to another, which the container has.
   */
  constructor(cluster: Cluster, { containers, witnesses }: { containers: Containers; witnesses: Witnesses }, { carryOver, misplaced }: { carryOver: (place: WritePlace) => Promise<void>; misplaced: (target: ObjectName, from: number, to: number) => Promise<void> }) {
    this.#cluster = cluster;
    this.#containers = containers;
    this.#witnesses = witnesses;
    this.#carryOver = carryOver;
    this.#misplaced = misplaced;
  }

  /** Writes a small object in one step. `overtaken` where a newer timestamp holds on a replica: to be tried again with a newer one. */
  async putWhole(place: WritePlace, timestamp: Timestamp, metadata: Metadata, data: Buffer): Promise<Outcome> {
    const { key } = place.placement;
    const name = fullName(place.target);
    const request = { key, name, timestamp, metadata, data, dated: this.#dated(timestamp) };
    const outcome = await this.#write(place, { operation: 'put', timestamp, write: (engine) => engine.put(request) });
    if (outcome !== 'done') return outcome;
    await this.#list(place, { name, timestamp, deleted: false, metaTimestamp: timestamp, sizeBytes: data.length, metadata });
    return 'done';
  }

  /** The same with the timestamp of a ballot. */
  async putBallot(place: WritePlace, ballot: Timestamp, metadata: Metadata, data: Buffer): Promise<Attempt> {
    const name = fullName(place.target);
    const request = { key: place.placement.key, name, timestamp: ballot, metadata, data, conditional: true as const, dated: this.#dated(ballot) };
    const outcome = await this.#attempt(place, { operation: 'put', timestamp: ballot, write: (engine) => engine.put(request) });
    if (outcome === 'done') await this.#list(place, { name, timestamp: ballot, deleted: false, metaTimestamp: ballot, sizeBytes: data.length, metadata });
    return outcome;
  }

  /**
   * Streams a body to all replicas as it arrives. `finish` sees the MD5 before anything becomes visible, and says what the metadata are; with a
   * `cipher` what is stored is what that makes of the body, and the MD5 that of the body. Under a condition `contest` has it decided, once all is
   * there, when it becomes visible, and answers that timestamp.
   */
  async putStream(place: WritePlace, { at, body, finish, cipher, contest }: StreamedPut): Promise<Stored> {
    const { timestamp, copies } = await inTime(this.#cluster, () => this.#createWriters(place, at ?? place.order.now(), body.sizeBytes));
    // Begun last: whoever has begun one must end it.
    const hasher = createHasher({ algorithms: ['md5'], ...(body.sizeBytes === undefined ? {} : { sizeHint: body.sizeBytes }) });
    try {
      let sizeBytes = 0;
      const slabs = new SlabsInUse();
      // A body of unknown length may be small, and a slab would be much memory for it.
      const large = cipher === undefined && (body.sizeBytes ?? 0) >= SLAB_BYTES;
      for await (const chunk of large ? inSlabs(body.chunks()) : body.chunks()) {
        sizeBytes += chunk.length;
        const hashed = hasher.update(chunk);
        if (large) await slabs.add(chunk, hashed, writeAll(copies, chunk), copies);
        else await Promise.all([hashed, writeAll(copies, cipher === undefined ? chunk : cipher.update(chunk))]);
        this.#assertEnough(place, copies);
      }
      const etag = (await hasher.digest())['md5'].toString('hex');
      const complete = await finish(etag);
      const written = contest === undefined ? timestamp : await contest((ballot) => this.#commitBallot(place, copies, complete, ballot));
      if (contest === undefined) await this.#commitAll(place, copies, { metadata: complete, timestamp });
      const name = fullName(place.target);
      await this.#list(place, { name, timestamp: written, deleted: false, metaTimestamp: written, sizeBytes, metadata: complete });
      return { etag, sizeBytes, timestamp: written };
    } catch (error) {
      hasher.abort();
      await Promise.allSettled(copies.map((copy) => copy.writer.abort()));
      throw error;
    }
  }

  /**
   * Replaces metadata of the data record `current`, which was looked at just now: whatever is newer than that came meanwhile, and this post just before
   * it. 'doubtful' where it is on too few devices that had the data.
   */
  async post(place: WritePlace, timestamp: Timestamp, current: ObjectInfo, metadata: Metadata): Promise<'done' | 'doubtful'> {
    const { placement, container, policy } = place;
    const { key, need } = placement;
    const ask = (replica: Replica): Promise<WriteReceipt> => replica.client.objects(container.policy).post({ key, name: current.name, timestamp, base: current.timestamp, metadata, dated: this.#dated(timestamp) });
    const took = ({ outcome, state }: WriteReceipt): boolean => outcome !== 'absent' || state.timestamp > current.timestamp;
    const answers = await askAll(placement.replicas, ask, (sofar) => valuesOf(sofar).filter(took).length >= need);
    const stoodIn = await this.#standIn(place, answers, ask);
    if (valuesOf(answers).filter(took).length + (policy.consistency === 'available' ? stoodIn.length : 0) < need) {
      if (valuesOf(answers).length >= need) return 'doubtful';
      throw quorumFault('the object', answers, need);
    }
    note(place, { operation: 'post', timestamp, answers: [...answers, ...stoodIn] });
    await this.listPost(place, timestamp, current, metadata);
    return 'done';
  }

  listPost(place: WritePlace, timestamp: Timestamp, current: ObjectInfo, metadata: Metadata): Promise<void> {
    return this.#list(place, { ...current, metaTimestamp: timestamp, metadata });
  }

  async delete(place: WritePlace, timestamp: Timestamp): Promise<Outcome> {
    const { key } = place.placement;
    const name = fullName(place.target);
    const dated = this.#dated(timestamp);
    const outcome = await this.#write(place, { operation: 'delete', timestamp, write: (engine) => engine.delete({ key, name, timestamp, dated }) });
    if (outcome !== 'done') return outcome;
    await this.#list(place, { name, timestamp, deleted: true, metaTimestamp: timestamp, sizeBytes: 0, metadata: {} });
    return 'done';
  }

  async deleteBallot(place: WritePlace, ballot: Timestamp): Promise<Attempt> {
    const name = fullName(place.target);
    const request = { key: place.placement.key, name, timestamp: ballot, conditional: true as const, dated: this.#dated(ballot) };
    const outcome = await this.#attempt(place, { operation: 'delete', timestamp: ballot, write: (engine) => engine.delete(request) });
    if (outcome === 'done') await this.#list(place, { name, timestamp: ballot, deleted: true, metaTimestamp: ballot, sizeBytes: 0, metadata: {} });
    return outcome;
  }

  /** A write with the timestamp of a ballot, on primaries only: whoever stood in would bring it to them after others have moved on. */
  async #attempt(place: WritePlace, { operation, timestamp, write }: Writing): Promise<Attempt> {
    const { placement, container, order } = place;
    const ask = (replica: Replica): Promise<WriteReceipt> => write(replica.client.objects(container.policy));
    const answers = await askAll(placement.replicas, ask, (sofar) => committed(sofar) >= placement.need);
    observe(order, valuesOf(answers));
    const outcome = this.#outcome(placement, answers);
    if (outcome === 'done') note(place, { operation, timestamp, answers });
    return outcome;
  }

  /** What became of a write by what the primaries answered; it was refused only where all who were asked have said so. */
  #outcome({ replicas, need }: Placement, answers: readonly Answer<WriteReceipt>[]): Attempt {
    const done = committed(answers);
    if (done >= need) return 'done';
    return done === 0 && answers.length === replicas.length && answers.every((answer) => answer.ok || answer.unasked) ? 'refused' : 'unknown';
  }

  /** One write on every primary, and on handoffs for those that fail. */
  async #write(place: WritePlace, { operation, timestamp, write }: Writing): Promise<Outcome> {
    const { placement } = place;
    const policy = place.container.policy;
    const ask = (replica: Replica): Promise<WriteReceipt> => write(replica.client.objects(policy));
    const answers = await askAll(placement.replicas, ask, (sofar) => committed(sofar) >= placement.need);
    const handoffs = await this.#standIn(place, answers, ask);
    const outcome = this.#judge(place, answers, handoffs.length);
    if (outcome === 'done') note(place, { operation, timestamp, answers: [...answers, ...handoffs] });
    return outcome;
  }

  #judge({ placement, policy, order }: WritePlace, answers: readonly Answer<WriteReceipt>[], stoodIn: number): Outcome {
    const receipts = valuesOf(answers);
    observe(order, receipts);
    // What a majority took was in force, and may have been seen: what is newer elsewhere came after it. Nothing newer was
    // acknowledged before it, or a majority would not have taken it. Written again it would come back from the past.
    const done = committed(answers) + (policy.consistency === 'available' ? stoodIn : 0);
    if (done >= placement.need) return 'done';
    if (!receipts.some((receipt) => receipt.outcome === 'superseded')) throw quorumFault('the object', answers, placement.need);
    if (policy.consistency === 'available' || this.#outcome(placement, answers) === 'refused') return 'overtaken';
    return { unasked: answers.flatMap((answer) => (!answer.ok && answer.unasked ? [answer.replica] : [])) };
  }

  /** Writes the copies of primaries that failed to the devices that stand in for them; what those answered who took one. */
  async #standIn<T extends WriteReceipt>({ placement }: WritePlace, answers: readonly Answer<T>[], ask: (replica: Replica) => Promise<T>): Promise<Answer<T>[]> {
    // Whose clock says that ours is wrong would be given what it refused by another.
    let missing = answers.filter((answer) => !answer.ok && !isStoreError(answer.error, 'clock-skew')).length;
    const stoodIn: Answer<T>[] = [];
    if (missing === 0) return stoodIn;
    for (const handoff of placement.handoffs()) {
      if (missing === 0) break;
      const [answer] = await askAll([handoff], ask, () => true);
      if (answer?.ok && answer.value.outcome === 'committed') {
        missing--;
        stoodIn.push(answer);
      }
    }
    return stoodIn;
  }

  /** A writer on each primary; on a handoff for each primary that cannot take one. */
  async #createWriters(place: WritePlace, timestamp: Timestamp, sizeHint: number | undefined): Promise<{ timestamp: Timestamp; copies: Copy[] }> {
    const { placement, container } = place;
    const request = { key: placement.key, name: fullName(place.target), timestamp, sizeHint, dated: this.#dated(timestamp) };
    const create = (replica: Replica): Promise<ObjectWriter> => replica.client.objects(container.policy).create(request);
    const answers = await askAll(placement.replicas, create, () => false);
    const copies: Copy[] = answers.flatMap((answer) => (answer.ok ? [{ replica: answer.replica, writer: answer.value, primary: true, failed: undefined }] : []));
    let missing = answers.filter((answer) => !answer.ok && !isStoreError(answer.error, 'clock-skew')).length;
    for (const handoff of missing > 0 ? placement.handoffs() : []) {
      if (missing === 0) break;
      const [answer] = await askAll([handoff], create, () => true);
      if (answer?.ok) copies.push({ replica: handoff, writer: answer.value, primary: false, failed: undefined });
      if (answer?.ok) missing--;
    }
    const living = copies.filter((copy) => copy.primary || place.policy.consistency === 'available').length;
    if (living < placement.need) {
      await Promise.allSettled(copies.map((copy) => copy.writer.abort()));
      throw harmless(quorumFault('the object', answers, placement.need));
    }
    return { timestamp, copies };
  }

  async #commitAll(place: WritePlace, copies: readonly Copy[], { metadata, timestamp }: { metadata: Metadata; timestamp: Timestamp }): Promise<void> {
    const living = copies.filter((copy) => copy.failed === undefined);
    const byReplica = new Map(living.map((copy) => [copy.replica, copy]));
    const counted = (replica: Replica): boolean => byReplica.get(replica)!.primary || place.policy.consistency === 'available';
    const answers = await askAll(
      [...byReplica.keys()],
      (replica) => byReplica.get(replica)!.writer.commit(metadata),
      (sofar) => sofar.filter((answer) => answer.ok && counted(answer.replica)).length >= place.placement.need,
    );
    const heard = answers.filter((answer) => answer.ok && counted(answer.replica));
    if (heard.length < place.placement.need) throw quorumFault('the object', answers, place.placement.need);
    // A newer write that overlapped this one may have won: ours then came just before it, and both are acknowledged truly.
    const done = valuesOf(heard).filter(maySucceed).length;
    if (done < place.placement.need) throw new StoreError('unavailable', 'the object was written under a condition meanwhile; this write may or may not have come before');
    note(place, { operation: 'put', timestamp, answers });
    // A device that was left alone, or failed, may hold a writer still.
    await Promise.allSettled(answers.flatMap((answer) => (answer.ok ? [] : [byReplica.get(answer.replica)!.writer.abort()])));
  }

  /** Makes data that all copies have visible at the timestamp of a ballot. */
  async #commitBallot(place: WritePlace, copies: readonly Copy[], metadata: Metadata, ballot: Timestamp): Promise<Attempt> {
    const { placement, order } = place;
    const living = new Map(copies.flatMap((copy) => (copy.primary && copy.failed === undefined ? [[copy.replica, copy]] : [])));
    const answers = await askAll([...living.keys()], (replica) => living.get(replica)!.writer.commit(metadata, ballot), (sofar) => committed(sofar) >= placement.need);
    await Promise.allSettled(answers.flatMap((answer) => (answer.ok ? [] : [living.get(answer.replica)!.writer.abort()])));
    observe(order, valuesOf(answers));
    const lost = placement.replicas.filter((replica) => !living.has(replica)).map((replica) => ({ replica, ok: false as const, error: undefined, unasked: true as const }));
    const outcome = this.#outcome(placement, [...answers, ...lost]);
    if (outcome === 'done') note(place, { operation: 'put', timestamp: ballot, answers });
    return outcome;
  }

  #assertEnough({ placement, policy }: WritePlace, copies: readonly Copy[]): void {
    let living = 0;
    for (const copy of copies) if (copy.failed === undefined && (copy.primary || policy.consistency === 'available')) living++;
    if (living < placement.need) {
      const faults = copies.flatMap((copy) => (copy.failed === undefined ? [] : [copy.failed]));
      const full = faults.length > 0 && faults.every((fault) => isStoreError(fault, 'device-full'));
      throw new StoreError(full ? 'device-full' : 'unavailable', `the object: ${living} of the ${placement.need} replicas needed take it`, { cause: faults[0] });
    }
  }

  /** Has a majority of the container's devices list the row. */
  async #list(place: WritePlace, info: ObjectInfo): Promise<void> {
    // A long upload may outlive the ring that it began by.
    if (this.#cluster.rings().object(place.placement.policy) !== place.placement.ring) await this.#carryOver(place);
    const row = rowOfObject(info, place.container.policy);
    const listed = await this.#containers.noteObject(place.target, row, { container: place.container, object: place.placement });
    if (typeof listed === 'number') {
      // Made again under another storage policy while we took it for what it was: nobody would find this one.
      await this.#containers.forget(place.target);
      await this.#misplaced(place.target, row.policy, listed);
    } else if (!listed) {
      await this.#containers.forget(place.target);
      place.order.observe(info.timestamp);
      if (!row.deleted) await this.#undo(place);
      throw new StoreError('container-not-found', 'the container was deleted meanwhile');
    }
    const telling = this.#witnesses.tell({ what: whatOf(info), target: place.target, container: place.container, info });
    if (telling !== undefined) await telling;
  }

  /** The container went away while the object was written: nothing of it may stay. */
  async #undo(place: WritePlace): Promise<void> {
    const timestamp = place.order.now();
    const dated = this.#dated(timestamp);
    await this.#write(place, { operation: 'delete', timestamp, write: (engine) => engine.delete({ key: place.placement.key, name: fullName(place.target), timestamp, dated }) });
  }

  /** Whether a timestamp is meant to be far from now: as far as our clock knows. */
  #dated(timestamp: Timestamp): true | undefined {
    return this.#cluster.timestamps.isFar(timestamp) || undefined;
  }
}

/**
 * What became of a plain write. `overtaken`: all who were asked hold newer, and nobody took it. Else some may have taken it, and others hold newer:
 * whether it has been seen is not known (ballots.ts finds out); `unasked` devices cannot have taken it.
 */
export type Outcome = 'done' | 'overtaken' | { readonly unasked: readonly Replica[] };

export interface StreamedPut {
  /** A timestamp of elsewhere. */
  readonly at: Timestamp | undefined;
  readonly body: Body;
  readonly finish: (etag: string) => Promise<Metadata>;
  readonly cipher?: Cipheriv | undefined;
  /** Calls `write` once at most. */
  readonly contest: ((write: (ballot: Timestamp) => Promise<Attempt>) => Promise<Timestamp>) | undefined;
}

/** One write, as each device is asked for it. */
interface Writing {
  readonly operation: ObjectReceipt['operation'];
  readonly timestamp: Timestamp;
  readonly write: (engine: ObjectEngine) => Promise<WriteReceipt>;
}

function note(place: WritePlace, { answers, ...what }: { operation: ObjectReceipt['operation']; timestamp: Timestamp; answers: readonly Answer<WriteReceipt>[] }): void {
  if (!isCollecting()) return;
  noteReceipt(place, { ...what, took: answers.flatMap((answer) => (answer.ok && answer.value.outcome === 'committed' ? [[answer.replica, answer.value] as const] : [])) });
}

interface Copy {
  readonly replica: Replica;
  readonly writer: ObjectWriter;
  readonly primary: boolean;
  failed: unknown;
}

/** Gives a chunk to every copy that still takes it; the slowest sets the pace. */
async function writeAll(copies: readonly Copy[], chunk: Buffer): Promise<void> {
  await Promise.all(
    copies.map(async (copy) => {
      if (copy.failed !== undefined) return;
      try {
        await copy.writer.write(chunk);
      } catch (error) {
        copy.failed = error;
        copy.replica.health.note(error);
      }
    }),
  );
}

/**
 * Whether a device that answered so leaves the write its place in the order: taken, or overtaken by one that asked nothing of what came before
 * it. A promise, or what was written under a condition, would have had to know of it.
 */
function maySucceed({ outcome, state, promised }: WriteReceipt): boolean {
  return outcome === 'committed' || (promised === undefined && state.conditional !== true);
}

function whatOf({ deleted, timestamp, metaTimestamp }: ObjectInfo): Happening['what'] {
  return deleted ? 'delete' : metaTimestamp > timestamp ? 'post' : 'put';
}

/** What superseded a write is older than the next one. */
function observe(order: Ordering, receipts: readonly WriteReceipt[]): void {
  for (const { outcome, state, promised } of receipts) {
    if (outcome !== 'superseded') continue;
    order.observe(changedAt(state));
    if (promised !== undefined) order.observe(promised);
  }
}

function committed(answers: readonly Answer<WriteReceipt>[]): number {
  let count = 0;
  for (const answer of answers) if (answer.ok && answer.value.outcome === 'committed') count++;
  return count;
}

export function fullName({ account, container, object }: ObjectName): string {
  return `/${account}/${container}/${object}`;
}

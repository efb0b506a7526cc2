/** Objects: the operations that both dialects call. Reading is in object-reads.ts, writing in object-writes.ts. */
import { hash } from 'node:crypto';
import { isStoreError, StoreError, TICKS_PER_SECOND, timestampFromMs, type Timestamp } from '#common';
import type { Body } from '#common/stream';
import { compareStates } from '#storage-node/client';
import { changedAt, type Metadata, type ObjectInfo } from '#storage-node/protocol';
import { Ballots, type Contest } from './ballots.ts';
import type { Cluster } from './cluster.ts';
import type { WriteCondition } from './condition.ts';
import type { ContainerName, Containers, ContainerSummary } from './containers.ts';
import { BODY_KEY, cipherAt, newBodyKey, type BodyKey, type Encryption, type Keymaster } from './encryption/index.ts';
import type { Expiring } from './expiring.ts';
import { inTime } from './in-time.ts';
import type { Agenda } from './agenda.ts';
import { Misplaced } from './misplaced.ts';
import { CONTENT_TYPE, DELETE_AT, ETAG, isExpired } from './metadata.ts';
import { ObjectReads } from './object-reads.ts';
import { fullName, ObjectWrites, type Outcome, type WritePlace } from './object-writes.ts';
import type { Placement, Placements } from './placement.ts';
import { noteData } from './receipts.ts';
import type { OpenObject } from './resumable-object.ts';
import type { Witnesses } from './witnesses.ts';

export interface ObjectName extends ContainerName {
  readonly object: string;
}

export interface PutObject {
  readonly target: ObjectName;
  readonly body: Body;
  /** Everything but the ETag, which the data decides. Must have a Content-Type. */
  readonly metadata: Metadata;
  /** More of it that is known only when the body has been read; asked for once, before anything becomes visible. */
  readonly lateMetadata?: (() => Metadata) | undefined;
  /** MD5 in hex that the data must have; `checksum-mismatch` where it has another. */
  readonly expectedEtag?: string | undefined;
  /** What must hold of what is there (condition.ts); nothing is read of the body where it does not. */
  readonly condition?: WriteCondition | undefined;
  /** Who keeps the body's key, where its client says so; else it is encrypted as the cluster is configured. */
  readonly keymaster?: Keymaster | undefined;
  /** When it was written elsewhere, for what is brought here from another cluster. `superseded` where something as new is here. */
  readonly at?: Timestamp | undefined;
  /** MD5 of what is encrypted in the body already, under the key among its metadata. */
  readonly asStored?: string | undefined;
}

export interface GetObject {
  /** The key that came with the request. */
  readonly keymaster?: Keymaster | undefined;
  /** The body as it is stored, to be put elsewhere with `asStored`. */
  readonly asStored?: boolean;
}

/** What became of an upload. */
export interface Stored {
  /** MD5 of the data. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly timestamp: Timestamp;
}

/** Bodies up to this size are collected, hashed inline and written in one step. */
export const INLINE_BODY_BYTES = 64 * 1024;

/** How far another cluster's clock may be ahead: our own would never come back from further. */
const MOST_AHEAD_MS = 600_000;

/** How often a write that a newer timestamp overtook is tried again with one that is newer still. */
const OVERTAKEN_ATTEMPTS = 5;

export class Objects {
  /** Objects under another storage policy than their container's. */
  readonly misplaced: Misplaced;
  readonly #cluster: Cluster;
  readonly #placements: Placements;
  readonly #containers: Containers;
  readonly #encryption: Encryption;
  readonly #expiring: Expiring;
  readonly #reads: ObjectReads;
  readonly #writes: ObjectWrites;
  readonly #ballots: Ballots;
  /** More than one storage policy. */
  readonly #hasPolicies: boolean;

  constructor(cluster: Cluster, parts: { placements: Placements; containers: Containers; encryption: Encryption; expiring: Expiring; witnesses: Witnesses; misplacedAgenda: Agenda }) {
    const { placements, containers, encryption, expiring, witnesses } = parts;
    this.#encryption = encryption;
    this.#expiring = expiring;
    this.#cluster = cluster;
    this.#hasPolicies = [...cluster.policies].length > 1;
    this.#placements = placements;
    this.#containers = containers;
    this.#ballots = new Ballots(cluster);
    this.#reads = new ObjectReads(cluster, this.#ballots);
    this.misplaced = new Misplaced(cluster, { agenda: parts.misplacedAgenda, placements, containers, reads: this.#reads });
    containers.onMisplaced = (name) => void this.misplaced.note(name).catch((error: unknown) => cluster.log.warn({ err: error, ...name }, 'a container with objects of another storage policy could not be put on the agenda'));
    this.#writes = new ObjectWrites(cluster, { containers, witnesses }, {
      carryOver: ({ target, placement }) => this.#reads.carryOver(placement, placements.object(target.account, target.container, target.object, placement.policy)),
      misplaced: (target, from, to) => this.#moveNow(target, from, to),
    });
  }

  /** State, name and metadata. Throws `object-not-found`, also for an expired one. */
  async head(target: ObjectName): Promise<ObjectInfo> {
    const info = await this.#located(target, (located) => this.#look(located));
    if (info === undefined) throw notFound();
    return info;
  }

  /** Opens the newest version for reading; the caller disposes it. Throws `object-not-found`, and `forbidden` where a key is wanted that did not come. */
  async get(target: ObjectName, options: GetObject = {}): Promise<OpenObject> {
    const open = await this.#located(target, ({ placement, policy }) => this.#reads.open(placement, policy.consistency));
    if (open === undefined) throw notFound();
    if (this.#expired(open.info.metadata)) {
      await open[Symbol.asyncDispose]();
      throw notFound();
    }
    try {
      return await this.#encryption.openedObject(open, options);
    } catch (error) {
      await open[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Stores an object, whole and durable on a majority of its devices and listed, before it resolves. */
  async put(request: PutObject): Promise<Stored> {
    const { placement, policy, container } = await this.#locate(request.target);
    const place = { placement, policy, container, target: request.target, order: this.#cluster.timestamps.ordering() };
    const { condition } = request;
    // Before the body is read: who is refused need not send it.
    condition?.(await this.#look(place));
    if (request.at !== undefined) await this.#assertNewest(place, request.at);
    const { bodyKey, finish } = await this.#sealing(request);
    const cipher = bodyKey && cipherAt(bodyKey, 0);
    const { sizeBytes } = request.body;
    if (sizeBytes !== undefined && sizeBytes <= INLINE_BODY_BYTES) {
      const data = await request.body.collect(sizeBytes);
      const etag = hash('md5', data, 'hex');
      const metadata = await finish(etag);
      const stored = cipher === undefined ? data : cipher.update(data);
      if (request.at !== undefined) return { etag, sizeBytes: data.length, timestamp: await this.#once(request.at, (at) => this.#writes.putWhole(place, at, metadata, stored)) };
      const timestamp =
        condition === undefined || policy.consistency === 'available'
          ? await this.#untilNewest(place, (now) => this.#writes.putWhole(place, now, metadata, stored))
          : await this.#contest(place, condition, (ballot) => this.#writes.putBallot(place, ballot, metadata, stored));
      noteData(timestamp, { md5: etag, bytes: data.length });
      return { etag: request.asStored ?? etag, sizeBytes: data.length, timestamp };
    }
    // A body can be read once only, so a streamed write cannot be tried again with a newer timestamp: it learns the newest first.
    await this.#reads.observeNewest(placement, policy.consistency, place.order);
    const contest = condition === undefined || policy.consistency === 'available' ? undefined : (write: Contest['write']) => this.#contestOnce(place, condition, write);
    const stored = await this.#writes.putStream(place, { at: request.at, body: request.body, finish, cipher, contest });
    noteData(stored.timestamp, { md5: stored.etag, bytes: stored.sizeBytes });
    return { ...stored, etag: request.asStored ?? stored.etag };
  }

  /** The key of a new body, if it is to have one, and what its metadata are once its MD5 is known and right. */
  async #sealing({ target, metadata, lateMetadata, expectedEtag, keymaster, asStored }: PutObject): Promise<{ bodyKey: BodyKey | undefined; finish: (etag: string) => Promise<Metadata> }> {
    const { [BODY_KEY]: storedKey, ...own } = metadata;
    const keeper = keymaster ?? this.#encryption.byDefault;
    const made = asStored === undefined && keeper !== undefined ? await newBodyKey(keeper) : undefined;
    const key = made?.stored ?? (asStored === undefined ? undefined : storedKey);
    const finish = async (etag: string): Promise<Metadata> => {
      checkEtag(etag, expectedEtag);
      await this.#expiring.note(target, own);
      return this.#encryption.sealed(fullName(target), { ...own, ...lateMetadata?.(), ...(key === undefined ? {} : { [BODY_KEY]: key }), [ETAG]: asStored ?? etag });
    };
    return { bodyKey: made?.bodyKey, finish };
  }

  /**
   * Replaces the metadata of an object by what `replace` makes of it; the ETag stays. Throws `object-not-found`, and what `replace` throws
   * where it will not have it. Where the object is overwritten meanwhile, the newer one's metadata is replaced.
   */
  async post(target: ObjectName, replace: (current: ObjectInfo) => Metadata): Promise<void> {
    const { placement, policy, container } = await this.#locate(target);
    const place = { placement, policy, container, target, order: this.#cluster.timestamps.ordering() };
    for (let attempt = 0; attempt < OVERTAKEN_ATTEMPTS; attempt++) {
      const current = await this.#look(place);
      if (current === undefined) throw notFound();
      const { [CONTENT_TYPE]: type = '', [ETAG]: etag = '', [BODY_KEY]: key } = current.metadata;
      const replaced = { [CONTENT_TYPE]: type, ...replace(current), ...(key === undefined ? {} : { [BODY_KEY]: key }), [ETAG]: etag };
      await this.#expiring.note(target, replaced);
      const metadata = this.#encryption.sealed(fullName(target), replaced);
      // What came before this post is older than it.
      place.order.observe(changedAt(current));
      const { now, outcome } = await inTime(this.#cluster, async () => {
        const now = place.order.now();
        return { now, outcome: await this.#writes.post(place, now, current, metadata) };
      });
      if (outcome === 'done') return;
      // Devices lacked the data. A look brings it to them, and the post with it where anybody took it.
      const after = await this.#reads.info(placement, policy.consistency);
      if (after !== undefined && compareStates(after, { ...current, metaTimestamp: now }) >= 0) return this.#writes.listPost(place, now, current, metadata);
    }
    throw new StoreError('unavailable', 'the object is on too few devices');
  }

  /**
   * Deletes an object. Throws `object-not-found` where there was none. Under `strong` nothing is written then: a tombstone of this moment would
   * end what somebody else has just put there, and whoever deletes would say that there was nothing. Under `available` it is, since the look
   * may have missed the object.
   */
  async delete(target: ObjectName, { condition, at }: { condition?: WriteCondition | undefined; at?: Timestamp | undefined } = {}): Promise<{ timestamp: Timestamp }> {
    const { placement, policy, container } = await this.#locate(target);
    const place = { placement, policy, container, target, order: this.#cluster.timestamps.ordering() };
    let current: ObjectInfo | undefined;
    const see = (seen: ObjectInfo | undefined): void => condition?.((current = seen));
    let timestamp: Timestamp;
    if (condition === undefined || policy.consistency === 'available') {
      current = await this.#look(place);
      if (current === undefined && (await this.#isElsewhere(target, container))) return this.delete(target, { condition, at });
      see(current);
      if (at !== undefined) await this.#assertNewest(place, at);
      // What comes from elsewhere with its timestamp is written also where nothing is: it may come before what it deletes.
      else if (current === undefined && policy.consistency === 'strong') {
        // What has expired is listed until it is ended.
        const held = await this.#reads.info(placement, policy.consistency);
        if (held !== undefined && !held.deleted) await this.expire(target, Number(held.metadata[DELETE_AT]));
        throw notFound();
      }
      timestamp = at !== undefined ? await this.#once(at, (now) => this.#writes.delete(place, now)) : await this.#untilNewest(place, (now) => this.#writes.delete(place, now));
    } else timestamp = await this.#contest(place, see, (ballot) => this.#writes.deleteBallot(place, ballot));
    if (current === undefined) throw notFound();
    return { timestamp };
  }

  /**
   * Takes an object off the disks whose time was `deleteAt` and has come; false where it has another time by now, or is gone.
   *
   * Whatever is written to the name meanwhile stays: the time is a condition of the tombstone. Under `available`, where there are no such conditions,
   * the tombstone is just newer than what expired.
   */
  async expire(target: ObjectName, deleteAt: number): Promise<boolean> {
    const { placement, policy, container } = await this.#locate(target);
    const place = { placement, policy, container, target, order: this.#cluster.timestamps.ordering() };
    const look = (): Promise<ObjectInfo | undefined> => this.#reads.info(placement, policy.consistency);
    const isDue = (info: ObjectInfo | undefined): info is ObjectInfo => info !== undefined && !info.deleted && Number(info.metadata[DELETE_AT]) === deleteAt && this.#expired(info.metadata);
    const info = await look();
    if (!isDue(info)) return false;
    if (policy.consistency === 'available') return (await this.#writes.delete(place, (changedAt(info) + 1) as Timestamp)) === 'done';
    const condition = (held: ObjectInfo | undefined): void => {
      if (!isDue(held)) throw new StoreError('precondition-failed', 'another one is there');
    };
    try {
      await this.#ballots.decide({ placement, name: fullName(target), look, condition, write: (ballot) => this.#writes.deleteBallot(place, assertDue(ballot, deleteAt)) });
      return true;
    } catch (error) {
      if (isStoreError(error, 'precondition-failed')) return false;
      throw error;
    }
  }

  /** Moves what was just written under the wrong policy, before it is acknowledged; on the agenda first, for whoever comes after a crash. */
  async #moveNow(target: ObjectName, from: number, to: number): Promise<void> {
    await this.misplaced.note(target);
    await this.misplaced.move(target, from, to);
  }

  /**
   * What is read where the container's storage policy says. Where there is nothing, the container may have been made again under another policy than it had a few seconds
   * ago: then it is read there.
   */
  async #located<T>(target: ObjectName, read: (located: Located) => Promise<T | undefined>): Promise<T | undefined> {
    const located = await this.#locate(target);
    const found = await read(located);
    if (found !== undefined || !(await this.#isElsewhere(target, located.container))) return found;
    return read(await this.#locate(target));
  }

  /** Whether the container has another storage policy by now than it was thought to have. */
  async #isElsewhere(target: ObjectName, container: ContainerSummary): Promise<boolean> {
    if (!this.#hasPolicies) return false;
    await this.#containers.forget(target);
    return (await this.#containers.summary(target)).policy !== container.policy;
  }

  async #locate(target: ObjectName): Promise<Located> {
    const container = await this.#containers.summary(target);
    const placement = this.#placements.object(target.account, target.container, target.object, container.policy);
    return { placement, policy: this.#cluster.policies.byIndex(container.policy), container };
  }

  /** A write under `strong` that happens only if the condition holds of what it replaces. */
  #contest(place: WritePlace, condition: WriteCondition, write: Contest['write']): Promise<Timestamp> {
    const { placement, policy, target } = place;
    return this.#ballots.decide({ placement, name: fullName(target), look: () => this.#reads.info(placement, policy.consistency), condition: (held) => condition(this.#living(held)), write });
  }

  /** The same for what can be tried once only. */
  #contestOnce(place: WritePlace, condition: WriteCondition, write: Contest['write']): Promise<Timestamp> {
    let tried = false;
    const mayTry = (current: ObjectInfo | undefined): void => {
      condition(current);
      if (tried) throw new StoreError('unavailable', 'the object was written by others meanwhile');
    };
    const tryIt = (ballot: Timestamp): ReturnType<Contest['write']> => {
      tried = true;
      return write(ballot);
    };
    return this.#contest(place, mayTry, tryIt);
  }

  /** Refuses a write of another cluster's time where something as new is held, or a clock must be wrong. */
  async #assertNewest({ placement, policy }: WritePlace, at: Timestamp): Promise<void> {
    if (at > timestampFromMs(this.#cluster.clock.nowMs() + MOST_AHEAD_MS)) throw new StoreError('bad-request', 'the time of the write is in the future');
    const held = await this.#reads.info(placement, policy.consistency);
    if (held !== undefined && changedAt(held) >= at) throw new StoreError('superseded', 'the object is as new, or newer');
  }

  async #once(at: Timestamp, write: (at: Timestamp) => Promise<Outcome>): Promise<Timestamp> {
    if ((await write(at)) !== 'done') throw new StoreError('superseded', 'the object is newer');
    return at;
  }

  async #look({ placement, policy }: Pick<WritePlace, 'placement' | 'policy'>): Promise<ObjectInfo | undefined> {
    return this.#living(await this.#reads.info(placement, policy.consistency));
  }

  /** The object as clients see it: undefined where it is deleted or has expired. */
  #living(info: ObjectInfo | undefined): ObjectInfo | undefined {
    return info === undefined || info.deleted || this.#expired(info.metadata) ? undefined : this.#encryption.opened(info);
  }

  /** Tries a write with newer and newer timestamps until nothing newer is in its way: it was overtaken by a faster clock. It happens once. */
  async #untilNewest({ placement, target, order }: WritePlace, write: (now: Timestamp) => Promise<Outcome>): Promise<Timestamp> {
    let ballot: Timestamp | undefined;
    for (let attempt = 0; attempt < OVERTAKEN_ATTEMPTS; attempt++) {
      const { timestamp, outcome } = await inTime(this.#cluster, async () => {
        const timestamp = ballot ?? order.now();
        ballot = undefined;
        return { timestamp, outcome: await write(timestamp) };
      });
      if (outcome === 'done') return timestamp;
      if (outcome === 'overtaken') continue;
      const fate = await this.#ballots.fate({ placement, name: fullName(target), timestamp, unasked: outcome.unasked });
      if (fate === 'done') return timestamp;
      ballot = fate;
    }
    throw new StoreError('unavailable', 'the object is being overwritten faster than this write can be ordered');
  }

  #expired(metadata: Metadata): boolean {
    return isExpired(metadata, this.#cluster.clock.nowMs());
  }
}

interface Located {
  readonly placement: Placement;
  readonly policy: { readonly name: string; readonly consistency: 'strong' | 'available' };
  readonly container: ContainerSummary;
}

function checkEtag(found: string, expected: string | undefined): void {
  if (expected !== undefined && expected.toLowerCase() !== found) throw new StoreError('checksum-mismatch', `the data's MD5 is ${found}`, { detail: { expected: expected.toLowerCase(), found } });
}

/** The devices have agreed to this time; our own clock may be an hour ahead of theirs. */
function assertDue(ballot: Timestamp, deleteAt: number): Timestamp {
  if (ballot < deleteAt * TICKS_PER_SECOND) throw new StoreError('precondition-failed', 'its time has not come');
  return ballot;
}

function notFound(): StoreError {
  return new StoreError('object-not-found', 'there is no such object');
}

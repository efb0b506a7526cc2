/**
 * Objects that were written under another storage policy than their container has: it was deleted and made again under another while somebody still took it for
 * what it was (as Swift's reconciler has it). Nobody finds them there, so they are moved to where they belong, at their own timestamps. The row says which policy an
 * object was written under: a container that counts rows of others has some. A move ends with the row, one tick newer, so that it wins over the one it takes the place of.
 */
import { isStoreError, StoreError, type Timestamp } from '#common';
import { bringUpToDate, compareStates } from '#storage-node/client';
import { changedAt, rowOfObject, type DatabaseInfo, type ListingRow, type ObjectInfo } from '#storage-node/protocol';
import type { Agenda, AgendaItem } from './agenda.ts';
import type { Cluster } from './cluster.ts';
import type { ContainerName, Containers } from './containers.ts';
import type { ObjectName } from './objects.ts';
import type { ObjectReads } from './object-reads.ts';
import type { Placement, Placements } from './placement.ts';
import { askAll, valuesOf } from './quorum.ts';

const PAGE = 1000;

export interface Moved {
  readonly moved: number;
  /** Left for later. */
  readonly failed: number;
}

/** Whether the container lists objects of a policy that it does not have. */
export function hasMisplaced({ policy, totalsByPolicy }: Pick<DatabaseInfo, 'policy' | 'totalsByPolicy'>): boolean {
  return Object.entries(totalsByPolicy).some(([index, { rows }]) => Number(index) !== policy && rows > 0);
}

export class Misplaced {
  /** \`account/container\` of each container that has some, all at second 0. */
  readonly agenda: Agenda;
  readonly #cluster: Cluster;
  readonly #placements: Placements;
  readonly #containers: Containers;
  readonly #reads: Pick<ObjectReads, 'info'>;

  constructor(cluster: Cluster, parts: { agenda: Agenda; placements: Placements; containers: Containers; reads: Pick<ObjectReads, 'info'> }) {
    this.agenda = parts.agenda;
    this.#cluster = cluster;
    this.#placements = parts.placements;
    this.#containers = parts.containers;
    this.#reads = parts.reads;
  }

  /** Has the container looked through, by whoever comes to it. */
  note({ account, container }: ContainerName): Promise<void> {
    return this.agenda.add({ at: 0, name: `${account}/${container}` });
  }

  /** Moves what the container of an item of the agenda has. */
  async reconcile({ name }: AgendaItem, signal?: AbortSignal): Promise<Moved> {
    const slash = name.indexOf('/');
    const container = { account: name.slice(0, slash), container: name.slice(slash + 1) };
    const done = { moved: 0, failed: 0 };
    const info = await this.#containers.info(container).catch(ifMissing);
    if (info === undefined || !hasMisplaced(info)) return done;
    let marker = '';
    for (let more = true; more && signal?.aborted !== true; ) {
      const page = await this.#containers.list(container, { limit: PAGE, marker, endMarker: '', prefix: '', delimiter: '', reverse: false }).catch(ifMissing);
      for (const entry of page?.entries ?? []) {
        if ('subdir' in entry) continue;
        marker = entry.name;
        if (entry.policy === info.policy) continue;
        try {
          await this.move({ ...container, object: entry.name }, entry.policy, info.policy);
          done.moved++;
        } catch (error) {
          if (!isStoreError(error)) throw error;
          this.#cluster.log.warn({ err: error, object: entry.name, container: name }, 'an object under the wrong storage policy could not be moved; the next pass tries again');
          done.failed++;
        }
      }
      more = page?.truncated === true;
    }
    return done;
  }

  /** Brings what one policy has of the name to the other, unless that has something newer, has it listed as of there, and takes it away here. Throws \`unavailable\`. */
  async move(target: ObjectName, from: number, to: number): Promise<void> {
    const [source, place] = [from, to].map((policy) => this.#placements.object(target.account, target.container, target.object, policy)) as [Placement, Placement];
    const misplaced = await this.#reads.info(source, this.#cluster.policies.byIndex(from).consistency);
    const held = await this.#reads.info(place, this.#cluster.policies.byIndex(to).consistency);
    if (misplaced !== undefined && compareStates(held, misplaced) < 0) await this.#bring(misplaced, source, place);
    const newest = compareStates(held, misplaced) < 0 ? misplaced : held;
    if (newest !== undefined) await this.#list(target, rowOfObject(newest, to));
    if (misplaced !== undefined && !misplaced.deleted) await this.#takeAway(misplaced, source);
  }

  async #bring(state: ObjectInfo, source: Placement, place: Placement): Promise<void> {
    const engines = place.replicas.map((replica) => replica.client.objects(place.policy));
    for (const replica of source.replicas) {
      const from = replica.client.objects(source.policy);
      const own = await from.info(source.key).catch(ifFault);
      if (compareStates(own, state) < 0) continue;
      const { holders, newer } = await bringUpToDate({ key: place.key, from, to: engines });
      if (holders + newer >= place.need) return;
    }
    throw new StoreError('unavailable', 'the object could not be brought to enough devices of its storage policy');
  }

  /** One tick newer than the row that named the other policy: at one timestamp the larger policy would win, whichever is right. */
  async #list(target: ObjectName, row: ListingRow): Promise<void> {
    const listed = await this.#containers.noteRows(target, [{ ...row, metaTimestamp: (changedAt(row) + 1) as Timestamp }]);
    if (!listed) throw new StoreError('container-not-found', 'the container was deleted meanwhile');
  }

  /** A tombstone just behind it: what a device there brings back late is older. */
  async #takeAway(state: ObjectInfo, source: Placement): Promise<void> {
    const request = { key: source.key, name: state.name, timestamp: (changedAt(state) + 1) as Timestamp, dated: true as const };
    const answers = await askAll(source.replicas, (replica) => replica.client.objects(source.policy).delete(request), () => false);
    if (valuesOf(answers).length < source.need) throw new StoreError('unavailable', 'the object is where it belongs, and still on devices of the other storage policy too');
    // Its row is listed already, under the right policy.
    for (const replica of source.replicas) replica.client.objects(source.policy).settle(source.key, request.timestamp);
  }
}

function ifMissing(error: unknown): undefined {
  if (!isStoreError(error, 'container-not-found')) throw error;
  return undefined;
}

function ifFault(error: unknown): undefined {
  if (!isStoreError(error)) throw error;
  return undefined;
}

/** One pass of the object replicator over one policy of one device. */
import { DIGEST_BYTES, type Key, type KeyedState, type ObjectReplica } from '#storage-node/protocol';
import type { Ring, RingDevice } from '#ring';
import { isStoreError } from '#common';
import { ownDevice, type ObjectPlace } from '../context.ts';
import type { DeviceRounds } from '../device-rounds.ts';
import type { ArrivalReport, Arrivals } from './arrivals.ts';
import { Comparison } from './comparison.ts';
import type { ObjectReplicatorOptions, ReplicatedEngine } from './object-replicator.ts';

/** What outlives a pass. */
export interface DeviceMemory {
  /** By partition: the roots between which only tombstones differed that may go anyway. As long as they stay there is nothing to do. */
  readonly clean: Map<number, string>;
  /** By partition: passes in which it was another's turn to send, and nothing came of it. */
  readonly waited: Map<number, number>;
  readonly arrivals: Arrivals;
}

export interface DeviceReport {
  atMs: number;
  tookMs: number;
  /** Partitions that the device is a primary of; that differ from another primary's; that it holds for others. */
  partitions: number;
  differing: number;
  handoffs: number;
  shipped: number;
  released: number;
  damaged: number;
  /** Peers that did not answer. */
  unreachable: string[];
  /** When all partitions last agreed with all primaries: how old it is is the replication lag. */
  inSyncAtMs: number | undefined;
  firstPassAtMs?: number;
  /** While partitions move. */
  arrivals?: ArrivalReport | undefined;
}

/** Another primary, with the partitions that concern it. */
export interface Peer {
  readonly device: RingDevice;
  readonly replica: ObjectReplica;
  readonly partitions: number[];
  /** Root digests of `partitions`; undefined where the peer did not answer, or failed since. */
  roots: Map<number, string> | undefined;
}

/** A partition that has to be looked into. */
export interface PartitionWork {
  readonly partition: number;
  /** All primaries but this device, in the order of the ring. */
  readonly peers: readonly Peer[];
  /** Where this device stands among them in that order; -1 where it holds the partition for others. */
  readonly rank: number;
}

/** Keys of one shipment, and ranges that are compared at once. */
const SHIPMENT_KEYS = 65_536;
const SHIPMENT_BYTES = 1 << 30;
const RANGES_AT_ONCE = 256;
/** After so many passes without effect a device sends though it is another's turn. */
const PATIENCE = 3;
const ZERO = '0'.repeat(DIGEST_BYTES * 2);

export interface DevicePassOptions {
  readonly options: ObjectReplicatorOptions;
  readonly place: ObjectPlace<ReplicatedEngine>;
  readonly memory: DeviceMemory;
  readonly rounds: DeviceRounds;
  readonly signal: AbortSignal;
}

export class DevicePass {
  readonly #o: DevicePassOptions;
  readonly #ring: Ring;
  readonly #self: RingDevice | undefined;
  readonly #peers = new Map<number, Peer>();
  readonly #outboxes = new Map<Peer, { keys: Key[]; bytes: number }>();
  readonly #releasable: KeyedState[] = [];
  readonly #report: DeviceReport = { atMs: 0, tookMs: 0, partitions: 0, differing: 0, handoffs: 0, shipped: 0, released: 0, damaged: 0, unreachable: [], inSyncAtMs: undefined };

  constructor(options: DevicePassOptions) {
    const { place, options: { rings, address } } = options;
    this.#o = options;
    this.#ring = rings.object(place.policy);
    this.#self = ownDevice(this.#ring, address, place.device);
  }

  async run(): Promise<DeviceReport> {
    const { place: { engine }, memory, options: { clock }, signal } = this.#o;
    const beganMs = clock.nowMs();
    const bits = this.#ring.partPower;
    // Taken first: what is agreed on later was held at this moment.
    const moment = engine.moment();
    const mine = await rootsOf(engine, bits, Array.from({ length: this.#ring.partitionCount }, (_, i) => i));
    const partitions = [...mine.keys()].filter((partition) => this.#rank(partition) >= 0 || mine.get(partition) !== ZERO).map((partition) => this.#workOf(partition));
    await this.#askPeers();
    const agreed: number[] = [];
    const work: PartitionWork[] = [];
    for (const item of partitions) {
      const { partition, peers, rank } = item;
      if (rank >= 0) this.#report.partitions++;
      else this.#report.handoffs++;
      const differing = peers.some(({ roots }) => roots !== undefined && roots.get(partition) !== mine.get(partition));
      const reachable = peers.every(({ roots }) => roots !== undefined);
      const known = memory.clean.get(partition) === cleanText(mine.get(partition)!, peers, partition);
      if (rank >= 0 && reachable && (!differing || known)) agreed.push(partition);
      else if (rank < 0 || differing) work.push(item);
    }
    this.#report.differing = work.length;
    await this.#lookInto(work, mine, agreed);
    engine.agree({ bits, prefixes: agreed }, moment);
    this.#noteArrivals(partitions, mine, { agreed, beganMs });
    if (signal.aborted) return this.#report;
    await this.#ship();
    await this.#release();
    const inSync = agreed.length === this.#report.partitions && this.#report.handoffs === 0;
    return Object.assign(this.#report, { atMs: clock.nowMs(), tookMs: clock.nowMs() - beganMs, inSyncAtMs: inSync ? clock.nowMs() : undefined, arrivals: memory.arrivals.report(this.#ring, this.#self) });
  }

  /** Where partitions move: which of the primaries were alike. */
  #noteArrivals(partitions: readonly PartitionWork[], mine: ReadonlyMap<number, string>, { agreed, beganMs }: { agreed: readonly number[]; beganMs: number }): void {
    const self = this.#self;
    if (this.#ring.previous === undefined || self === undefined) return;
    const all = new Set(agreed);
    for (const { partition, peers, rank } of partitions) {
      if (rank < 0) continue;
      const alike = peers.filter(({ roots }) => all.has(partition) || roots?.get(partition) === mine.get(partition)).map(({ device }) => device);
      this.#o.memory.arrivals.note(this.#ring, { partition, self, alike, beganMs });
    }
  }

  #rank(partition: number): number {
    return this.#self === undefined ? -1 : this.#ring.primaries(this.#ring.asPartition(partition)).indexOf(this.#self);
  }

  #workOf(partition: number): PartitionWork {
    const primaries = this.#ring.primaries(this.#ring.asPartition(partition));
    const rank = primaries.findIndex(({ id }) => id === this.#self?.id);
    const peers = primaries.filter(({ id }) => id !== this.#self?.id).map((device) => {
      let peer = this.#peers.get(device.id);
      if (!peer) this.#peers.set(device.id, (peer = { device, replica: this.#o.options.nodes.device(device).objects(this.#o.place.policy), partitions: [], roots: undefined }));
      peer.partitions.push(partition);
      return peer;
    });
    return { partition, peers, rank };
  }

  async #askPeers(): Promise<void> {
    await Promise.all([...this.#peers.values()].map((peer) => this.#guarded(peer, async () => void (peer.roots = await rootsOf(peer.replica, this.#ring.partPower, peer.partitions)))));
  }

  /** Compares states, a bounded number of ranges at a time, and notes what each peer is to be sent. */
  async #lookInto(work: readonly PartitionWork[], mine: ReadonlyMap<number, string>, agreed: number[]): Promise<void> {
    const { place: { engine }, rounds, signal, memory, options: { clock, reclaimAgeMs, graceMs = 10_000 } } = this.#o;
    const perPartition = 2 ** (rangeBits(this.#ring.partPower) - this.#ring.partPower);
    const batch = Math.max(1, Math.floor(RANGES_AT_ONCE / perPartition));
    for (let at = 0; at < work.length && !signal.aborted; at += batch) {
      const items = work.slice(at, at + batch);
      const stubborn = (partition: number): boolean => (memory.waited.get(partition) ?? 0) >= PATIENCE;
      const comparison = new Comparison({ engine, items, bits: this.#ring.partPower, rangeBits: rangeBits(this.#ring.partPower), nowMs: clock.nowMs(), reclaimAgeMs, graceMs, stubborn, guarded: (peer, ask) => this.#guarded(peer, ask) });
      const findings = await rounds.step(engine, signal, () => comparison.run());
      for (const { peer, key, sizeBytes } of findings.sends) await this.#put(peer, key, sizeBytes);
      this.#releasable.push(...findings.releasable);
      for (const { partition, peers, rank } of items) {
        if (findings.differing.has(partition)) {
          if (!findings.mineToSend.has(partition)) memory.waited.set(partition, (memory.waited.get(partition) ?? 0) + 1);
          continue;
        }
        memory.waited.delete(partition);
        if (rank < 0 || !peers.every(({ roots }) => roots !== undefined)) continue;
        memory.clean.set(partition, cleanText(mine.get(partition)!, peers, partition));
        agreed.push(partition);
      }
    }
  }

  async #put(peer: Peer, key: Key, sizeBytes: number): Promise<void> {
    let outbox = this.#outboxes.get(peer);
    if (!outbox) this.#outboxes.set(peer, (outbox = { keys: [], bytes: 0 }));
    outbox.keys.push(key);
    outbox.bytes += sizeBytes;
    if (outbox.keys.length >= SHIPMENT_KEYS || outbox.bytes >= SHIPMENT_BYTES) await this.#ship();
  }

  /** Sends what has come together, to all peers at once. */
  async #ship(): Promise<void> {
    const { place: { engine }, rounds, signal } = this.#o;
    const outboxes = [...this.#outboxes];
    this.#outboxes.clear();
    if (outboxes.length === 0 || signal.aborted) return;
    await Promise.all(outboxes.map(([peer, { keys }]) => this.#guarded(peer, async () => {
      const taken = await peer.replica.take(rounds.paced(engine, signal, engine.ship(keys)));
      this.#report.shipped += taken.taken;
      this.#report.damaged += taken.damaged;
    })));
  }

  async #release(): Promise<void> {
    if (this.#releasable.length > 0) this.#report.released = await this.#o.place.engine.release(this.#releasable);
  }

  /** A peer that fails is left out for the rest of the pass. */
  async #guarded(peer: Peer, ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      if (!isStoreError(error)) throw error;
      peer.roots = undefined;
      const { ip, port, device } = peer.device;
      this.#report.unreachable.push(`${ip}:${port}/${device}`);
      this.#o.options.log.debug({ err: error, peer: `${ip}:${port}/${device}` }, 'a peer did not answer the replicator');
    }
  }
}

/** How deep digests are compared before states are: 256 ranges a partition, as far as digests are kept. */
function rangeBits(partPower: number): number {
  return Math.max(partPower, Math.min(18, partPower + 8));
}

async function rootsOf(replica: Pick<ObjectReplica, 'digests'>, bits: number, prefixes: readonly number[]): Promise<Map<number, string>> {
  const digests = await replica.digests({ bits, prefixes });
  return new Map(prefixes.map((prefix, i) => [prefix, digests.toString('hex', i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES)]));
}

function cleanText(mine: string, peers: readonly Peer[], partition: number): string {
  return [mine, ...peers.map(({ device, roots }) => `${device.id}:${roots?.get(partition) ?? ''}`)].join(' ');
}

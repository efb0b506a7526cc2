/**
 * What happens to a cluster if some of its devices die now: which partitions are left with how many replicas, what cannot be read or written meanwhile,
 * and how long until all is whole again, by the ring as it is and the rates of its disks. Nothing is asked of the cluster.
 */
import type { Clock } from '#common';
import { describeDevice, NO_DEVICE, quorumSize, RingBuilder, type Ring, type RingDevice } from '#ring';

export interface FailureQuestion {
  readonly ring: Ring;
  readonly failed: readonly RingDevice[];
  /** Bytes of all objects, counted once; each partition has its share. */
  readonly dataBytes: number;
  /** What a device can write, and read, while clients go on. */
  readonly writeBytesPerSecond: number;
  readonly readBytesPerSecond: number;
  /** Share of the devices that fail in a year, for the risk of others meanwhile. */
  readonly failuresPerYear: number;
  readonly clock: Clock;
}

export interface FailureReport {
  readonly failed: readonly string[];
  readonly partitions: number;
  /** By replicas that are left, of the partitions that lost some. */
  readonly left: Readonly<Record<number, number>>;
  readonly lost: { readonly partitions: number; readonly bytes: number };
  /** Partitions without a majority: neither read nor written under `strong` until devices are back or partitions have moved. */
  readonly withoutMajority: number;
  readonly bytesToCopy: number;
  /** Empty disks in the places of the dead ones. */
  readonly replaced: Healing;
  /** The dead ones removed from the ring, and all partitions given to others; undefined where too few are left. */
  readonly removed: Healing | undefined;
  /** While the slower of these goes on. */
  readonly risk: { readonly devicesThatMatter: number; readonly partitionsWithoutMajorityAtWorst: number; readonly lossProbability: number };
}

export interface Healing {
  readonly seconds: number;
  /** The device that it takes longest for, and whether writing or reading does. */
  readonly slowest: string;
  readonly by: 'write' | 'read';
  readonly receivers: number;
}

const SECONDS_PER_YEAR = 365.25 * 86_400;

export function failureReport(question: FailureQuestion): FailureReport {
  const { ring, failed, dataBytes } = question;
  const dead = new Set(failed.map(({ id }) => id));
  const bytesEach = dataBytes / ring.partitionCount;
  const left: Record<number, number> = {};
  let [withoutMajority, copies, partitions] = [0, 0, 0];
  const replaced = new Loads(question);
  /** By device that lives: partitions that would have no majority, and those that would be lost, were it to die too. */
  const further = new Map<number, { unavailable: number; lost: number }>();
  for (let partition = 0; partition < ring.partitionCount; partition++) {
    const holders = ring.primaries(ring.asPartition(partition));
    const living = holders.filter(({ id }) => !dead.has(id));
    const missing = holders.filter(({ id }) => dead.has(id));
    if (missing.length === 0) continue;
    partitions++;
    left[living.length] = (left[living.length] ?? 0) + 1;
    const need = quorumSize(holders.length);
    if (living.length < need) withoutMajority++;
    if (living.length === 0) continue;
    copies += missing.length;
    for (const receiver of missing) replaced.copy(receiver, living, bytesEach);
    for (const { id } of living) {
      const sum = further.get(id) ?? { unavailable: 0, lost: 0 };
      further.set(id, { unavailable: sum.unavailable + Number(living.length - 1 < need && living.length >= need), lost: sum.lost + Number(living.length === 1) });
    }
  }
  const healing = replaced.healing()!;
  const removed = removedFromRing(question, dead, bytesEach);
  const lost = left[0] ?? 0;
  return {
    failed: failed.map(describeDevice), partitions, left, lost: { partitions: lost, bytes: lost * bytesEach }, withoutMajority, bytesToCopy: copies * bytesEach, replaced: healing, removed,
    risk: { devicesThatMatter: further.size, partitionsWithoutMajorityAtWorst: Math.max(0, ...[...further.values()].map(({ unavailable }) => unavailable)), lossProbability: lossProbability(question, left, Math.max(healing.seconds, removed?.seconds ?? 0)) },
  };
}

/** Rebalances a copy of the ring without the dead, and adds up what moves. */
function removedFromRing(question: FailureQuestion, dead: ReadonlySet<number>, bytesEach: number): Healing | undefined {
  const { ring, clock } = question;
  const { partPower, replicaCount, version, devices, assignments } = ring;
  const living = devices.filter((device) => device !== undefined && device.weight > 0 && !dead.has(device.id));
  if (living.length < replicaCount) return undefined;
  const builder = RingBuilder.fromState({ partPower, replicas: replicaCount, minPartHours: 1, overload: 0, version, devices, removed: [], changed: false, assignments, lastMoved: new Uint32Array(2 ** partPower).fill(Math.floor(clock.nowMs() / 1000)) }, clock);
  for (const id of dead) builder.remove(id);
  builder.rebalance({ seed: version });
  const after = builder.toRing();
  const loads = new Loads(question);
  for (let partition = 0; partition < ring.partitionCount; partition++) {
    const before = ring.primaries(ring.asPartition(partition));
    const sources = before.filter(({ id }) => !dead.has(id));
    if (sources.length === 0) continue;
    for (const table of after.assignments) {
      const id = table[partition]!;
      if (id !== NO_DEVICE && !before.some((device) => device.id === id)) loads.copy(devices[id]!, sources, bytesEach);
    }
  }
  return loads.healing();
}

/** Bytes that each device has to read and to write. Sources share what they send. */
class Loads {
  readonly #question: FailureQuestion;
  readonly #writes = new Map<RingDevice, number>();
  readonly #reads = new Map<RingDevice, number>();

  constructor(question: FailureQuestion) {
    this.#question = question;
  }

  copy(receiver: RingDevice, sources: readonly RingDevice[], bytes: number): void {
    this.#writes.set(receiver, (this.#writes.get(receiver) ?? 0) + bytes);
    for (const source of sources) this.#reads.set(source, (this.#reads.get(source) ?? 0) + bytes / sources.length);
  }

  healing(): Healing | undefined {
    const { writeBytesPerSecond, readBytesPerSecond } = this.#question;
    const times = [
      ...[...this.#writes].map(([device, bytes]) => ({ device, by: 'write' as const, seconds: bytes / writeBytesPerSecond })),
      ...[...this.#reads].map(([device, bytes]) => ({ device, by: 'read' as const, seconds: bytes / readBytesPerSecond })),
    ];
    if (times.length === 0) return { seconds: 0, slowest: '', by: 'write', receivers: 0 };
    const slowest = times.reduce((a, b) => (b.seconds > a.seconds ? b : a));
    return { seconds: slowest.seconds, slowest: describeDevice(slowest.device), by: slowest.by, receivers: this.#writes.size };
  }
}

/**
 * That some partition loses all of its replicas before it is whole: its k living devices all die within the time, each by itself, at a steady rate. An upper bound: the
 * probabilities of partitions are added up, per set of devices that hold the same ones.
 */
function lossProbability({ ring, failed, failuresPerYear }: FailureQuestion, left: Readonly<Record<number, number>>, seconds: number): number {
  if ((left[0] ?? 0) > 0) return 1;
  const dead = new Set(failed.map(({ id }) => id));
  const each = 1 - Math.exp((-failuresPerYear * seconds) / SECONDS_PER_YEAR);
  const sets = new Map<string, number>();
  for (let partition = 0; partition < ring.partitionCount; partition++) {
    const holders = ring.primaries(ring.asPartition(partition));
    const living = holders.filter(({ id }) => !dead.has(id));
    if (living.length < holders.length) sets.set(living.map(({ id }) => id).sort((a, b) => a - b).join(), living.length);
  }
  return Math.min(1, [...sets.values()].reduce((sum, living) => sum + each ** living, 0));
}

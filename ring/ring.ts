/**
 * Where a name lives, second half: partition -> the devices that hold it (primaries), then those that stand in while
 * primaries are away (handoffs). A ring is immutable; a builder makes the next one. One table a replica, two bytes a
 * partition: a look-up reads `replicas` numbers and allocates one array.
 */
import assert from 'node:assert/strict';
import { NO_DEVICE, type RingDevice } from './device.ts';
import { asPartition, MAX_PART_POWER, MIN_PART_POWER, partitionOf, type Partition } from './hash-path.ts';
import { quorumSize } from './policy.ts';

/** Bounds the search for a device that holds next to nothing; what a walk has not met by then follows in order of ids. */
const MAX_WALK_STEPS = 65_536;

export interface RingData {
  readonly partPower: number;
  /** Set while a partition power increase is prepared. */
  readonly nextPartPower?: number | undefined;
  /** May be fractional: with 2.5, every second partition has three replicas. */
  readonly replicaCount: number;
  /** Grows with every change that the builder made. */
  readonly version: number;
  /** By id; ids of removed devices are holes. */
  readonly devices: readonly (RingDevice | undefined)[];
  /** Device ids by replica, then partition; NO_DEVICE where a partition has no replica of that number. */
  readonly assignments: readonly Uint16Array[];
  /**
   * While partitions move: the assignment before this one, whose devices stay among the primaries until what they hold has arrived. Left out
   * otherwise.
   */
  readonly previous?: readonly Uint16Array[] | undefined;
}

/** One kind of failure domain, its domains numbered, so that handoffs compare numbers. */
interface Level {
  /** By device id. */
  readonly domainOf: Int32Array;
  /** By domain: 1 if any of its devices has weight. */
  readonly weighted: Uint8Array;
  readonly weightedCount: number;
}

export class Ring {
  readonly partPower: number;
  readonly nextPartPower: number | undefined;
  readonly partitionCount: number;
  readonly replicaCount: number;
  readonly version: number;
  readonly devices: readonly (RingDevice | undefined)[];
  readonly assignments: readonly Uint16Array[];
  readonly previous: readonly Uint16Array[] | undefined;
  #levels: Level[] | undefined;
  #weighted: number[] | undefined;

  constructor(data: RingData) {
    assert(data.partPower >= MIN_PART_POWER && data.partPower <= MAX_PART_POWER, 'a partition power is 1..32');
    this.partPower = data.partPower;
    this.nextPartPower = data.nextPartPower;
    this.partitionCount = 2 ** data.partPower;
    this.replicaCount = data.replicaCount;
    this.version = data.version;
    this.devices = data.devices;
    this.assignments = data.assignments;
    this.previous = data.previous;
    assert(data.assignments.length === Math.ceil(data.replicaCount), 'a ring has one table a replica');
    const known = new Uint8Array(NO_DEVICE + 1);
    known[NO_DEVICE] = 1;
    for (const device of data.devices) if (device) known[device.id] = 1;
    for (const table of [...data.assignments, ...(data.previous ?? [])]) {
      assert(table.length === this.partitionCount, 'a table has one entry a partition');
      for (let partition = 0; partition < table.length; partition++) {
        if (known[table[partition] as number] === 0) assert.fail(`partition ${partition} is on a device that is not in the ring`);
      }
    }
  }

  /** The partition of a key as hashPath makes it. */
  partition(key: Uint8Array): Partition {
    return partitionOf(key, this.partPower);
  }

  /** A number from outside (a path, a command line) as a partition of this ring; throws RangeError. */
  asPartition(partition: number): Partition {
    return asPartition(partition, this.partPower);
  }

  /**
   * The devices that hold the partition: distinct, the first first for every caller. While it moves, those it leaves are among them, and
   * those it comes to follow at the end: they have the least.
   */
  primaries(partition: Partition): RingDevice[] {
    const { assignments, previous, devices } = this;
    if (previous === undefined) return devicesOf(assignments, partition, devices);
    const found = devicesOf(previous, partition, devices);
    for (const device of devicesOf(assignments, partition, devices)) if (!found.includes(device)) found.push(device);
    return found;
  }

  /**
   * How many of the primaries make a majority: any two such sets share one. While the partition moves, such a set also shares one with each
   * majority of the primaries before, and of those to come, which other processes may count already, or still (joint consensus, as in Ongaro and
   * Ousterhout, 2014; as a number, because one replica of a partition moves at a time).
   */
  quorum(partition: Partition): number {
    const { assignments, previous } = this;
    if (previous === undefined) return quorumSize(countOf(assignments, partition));
    const all = this.primaries(partition).length;
    const meets = (tables: readonly Uint16Array[]): number => all - quorumSize(countOf(tables, partition)) + 1;
    return Math.max(quorumSize(all), meets(previous), meets(assignments));
  }

  /** The devices that a moving partition leaves and those it comes to; undefined where it does not move. */
  move(partition: Partition): Move | undefined {
    const { assignments, previous, devices } = this;
    if (previous === undefined) return undefined;
    const before = devicesOf(previous, partition, devices);
    const after = devicesOf(assignments, partition, devices);
    const arriving = after.filter((device) => !before.includes(device));
    const leaving = before.filter((device) => !after.includes(device));
    if (arriving.length + leaving.length === 0) return undefined;
    return { before, after, arriving, leaving };
  }

  /**
   * The devices with weight that are no primaries of the partition, each once: first one in each region that has none of
   * its replicas, then in each such zone, on each such host, then the rest. Within these the order follows the partitions
   * that come after this one on a walk over the ring; so a device is met as often as its weight says,
   * every process finds the same order, and a changed ring changes it little.
   */
  *handoffs(partition: Partition): Generator<RingDevice, void, undefined> {
    const levels = (this.#levels ??= levelsOf(this.devices));
    const used = this.primaries(partition).map((device) => device.id);
    for (const { domainOf, weighted, weightedCount } of levels) {
      const seen = new Set(used.map((id) => domainOf[id] as number));
      let open = weightedCount;
      for (const domain of seen) open -= weighted[domain] as number;
      if (open === 0) continue;
      for (const id of this.#walk(partition)) {
        const domain = domainOf[id] as number;
        if (seen.has(domain)) continue;
        seen.add(domain);
        used.push(id);
        yield this.devices[id] as RingDevice;
        if (--open === 0) break;
      }
    }
  }

  /** The partitions that the device holds, in order; also those that leave it. */
  partitionsOf(deviceId: number): Partition[] {
    const found: Partition[] = [];
    for (let partition = 0; partition < this.partitionCount; partition++) {
      if ([...this.assignments, ...(this.previous ?? [])].some((table) => table[partition] === deviceId)) found.push(partition as Partition);
    }
    return found;
  }

  #weightedIds(): number[] {
    return (this.#weighted ??= this.devices.flatMap((device) => (device && device.weight > 0 ? [device.id] : [])));
  }

  /** Ids of devices with weight as met on the partition's walk (with repeats), then all of them once, for those with no partition. */
  *#walk(partition: Partition): Generator<number, void, undefined> {
    const { assignments, devices, partitionCount } = this;
    // An odd stride visits each of 2^n partitions once; about the golden section of the ring, it spreads early steps widely.
    const steps = Math.min(partitionCount, MAX_WALK_STEPS);
    const stride = Math.floor(partitionCount * 0.618) | 1;
    let at = scramble(partition) % partitionCount;
    for (let step = 0; step < steps; step++) {
      for (const table of assignments) {
        const id = table[at] as number;
        if (id !== NO_DEVICE && (devices[id] as RingDevice).weight > 0) yield id;
      }
      at = (at + stride) % partitionCount;
    }
    yield* this.#weightedIds();
  }
}

/** A partition on its way. */
export interface Move {
  readonly before: readonly RingDevice[];
  readonly after: readonly RingDevice[];
  readonly arriving: readonly RingDevice[];
  readonly leaving: readonly RingDevice[];
}

function devicesOf(tables: readonly Uint16Array[], partition: number, devices: readonly (RingDevice | undefined)[]): RingDevice[] {
  const found: RingDevice[] = [];
  for (let replica = 0; replica < tables.length; replica++) {
    const id = (tables[replica] as Uint16Array)[partition] as number;
    if (id !== NO_DEVICE) found.push(devices[id] as RingDevice);
  }
  return found;
}

function countOf(tables: readonly Uint16Array[], partition: number): number {
  let count = 0;
  for (let replica = 0; replica < tables.length; replica++) if ((tables[replica] as Uint16Array)[partition] !== NO_DEVICE) count++;
  return count;
}

/** Numbers each region, (region, zone), (region, zone, ip) and device. */
function levelsOf(devices: readonly (RingDevice | undefined)[]): Level[] {
  const names = [
    (device: RingDevice) => `${device.region}`,
    (device: RingDevice) => `${device.region}/${device.zone}`,
    (device: RingDevice) => `${device.region}/${device.zone}/${device.ip}`,
    (device: RingDevice) => `${device.id}`,
  ];
  return names.map((nameOf) => {
    const numbers = new Map<string, number>();
    const domainOf = new Int32Array(devices.length).fill(-1);
    const weighted = new Uint8Array(devices.length);
    for (const device of devices) {
      if (device === undefined) continue;
      const domain = numbers.get(nameOf(device)) ?? numbers.size;
      numbers.set(nameOf(device), domain);
      domainOf[device.id] = domain;
      if (device.weight > 0) weighted[domain] = 1;
    }
    return { domainOf, weighted, weightedCount: weighted.reduce((sum, one) => sum + one, 0) };
  });
}

/** A 32-bit integer hash (the finalizer of MurmurHash3): neighbours start their walks far apart. */
function scramble(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

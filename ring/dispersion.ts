/**
 * How good an assignment is, in the figures that operators of Swift know. Balance: the largest deviation of a device's
 * partitions from its share by weight, in percent. Dispersion: the percentage of replicas that share a failure domain with
 * more replicas of their partition than an equal division among the domains would need. 0 is perfect in both.
 */
import { NO_DEVICE, type RingDevice } from './device.ts';
import { fairMaximum } from './plan.ts';
import { buildTierTree, TIERS, type TierTree } from './tier-tree.ts';

/** Shown for a device that should hold nothing and does. */
export const WORST_BALANCE = 999.99;

export interface Assignment {
  readonly devices: readonly (RingDevice | undefined)[];
  readonly replicas: number;
  readonly assignments: readonly Uint16Array[];
}

export interface DeviceBalance {
  readonly device: RingDevice;
  readonly partitions: number;
  /** Percent above (or below, negative) its share by weight. */
  readonly balance: number;
}

export interface BalanceReport {
  /** Percent. */
  readonly balance: number;
  readonly devices: readonly DeviceBalance[];
}

export interface TierDispersion {
  readonly tier: string;
  /** 1 for regions to 4 for devices. */
  readonly depth: number;
  /** The most replicas of a partition that it would hold if all were as far apart as can be. */
  readonly maximum: number;
  /** How many partitions have 0, 1, 2, ... replicas in it. */
  readonly partitions: readonly number[];
  /** Percent of the partitions in it that have more replicas there than the maximum. */
  readonly dispersion: number;
}

export interface DispersionReport {
  /** Percent of all replicas. */
  readonly dispersion: number;
  /** The tier, devices apart, in which most partitions are crowded; undefined where none is. */
  readonly worst: TierDispersion | undefined;
  readonly tiers: readonly TierDispersion[];
}

export function measureBalance({ devices, replicas, assignments }: Assignment): BalanceReport {
  const counts = new Int32Array(NO_DEVICE + 1);
  for (const table of assignments) for (let at = 0; at < table.length; at++) counts[table[at] as number] = (counts[table[at] as number] as number) + 1;
  const present = devices.filter((device) => device !== undefined);
  const weight = present.reduce((sum, device) => sum + device.weight, 0);
  const partitionCount = assignments[0]?.length ?? 0;
  const rows = present.map((device) => {
    const partitions = counts[device.id] as number;
    const share = (device.weight / weight) * partitionCount * replicas;
    const balance = device.weight > 0 && partitionCount > 0 ? (100 * partitions) / share - 100 : partitions > 0 ? WORST_BALANCE : 0;
    return { device, partitions, balance };
  });
  return { balance: rows.reduce((worst, row) => Math.max(worst, Math.abs(row.balance)), 0), devices: rows };
}

export function measureDispersion({ devices, replicas, assignments }: Assignment): DispersionReport {
  const present = devices.filter((device) => device !== undefined);
  const tree = buildTierTree(present);
  const maximum = fairMaximum(tree, devices.map((device) => device?.weight ?? 0), replicas);
  const width = assignments.length + 1;
  // By node, then replicas: partitions with so many of them there.
  const histogram = new Float64Array(tree.nodeCount * width);
  const crowded = countCrowded({ tree, maximum, assignments, histogram });
  const partitionCount = assignments[0]?.length ?? 0;
  const tiers: TierDispersion[] = [];
  for (let node = 1; node < tree.nodeCount; node++) tiers.push(describeTier({ tree, node, maximum, histogram, width, partitionCount }));
  const worst = tiers.filter((tier) => tier.depth < TIERS && tier.dispersion > 0).sort((a, b) => b.dispersion - a.dispersion)[0];
  return { dispersion: partitionCount === 0 ? 0 : (100 * crowded) / (partitionCount * replicas), worst, tiers };
}

interface Count {
  readonly tree: TierTree;
  readonly maximum: Int32Array;
  readonly assignments: readonly Uint16Array[];
  /** Filled in. */
  readonly histogram: Float64Array;
}

/** Replicas beyond the maximum of their tier; a partition counts at the depth where it has most of them, as in Swift. */
function countCrowded({ tree, maximum, assignments, histogram }: Count): number {
  const replicas = assignments.length;
  const width = replicas + 1;
  const ids = new Int32Array(replicas);
  const partitionCount = assignments[0]?.length ?? 0;
  let crowded = 0;
  for (let partition = 0; partition < partitionCount; partition++) {
    let held = 0;
    for (let replica = 0; replica < replicas; replica++) {
      const id = (assignments[replica] as Uint16Array)[partition] as number;
      if (id !== NO_DEVICE) ids[held++] = id * TIERS;
    }
    let most = 0;
    for (let tier = 0; tier < TIERS; tier++) {
      let beyond = 0;
      for (let at = 0; at < held; at++) {
        const node = tree.paths[(ids[at] as number) + tier] as number;
        let same = 1;
        let first = true;
        for (let other = 0; other < held; other++) {
          if (other === at || tree.paths[(ids[other] as number) + tier] !== node) continue;
          if (other < at) first = false;
          same++;
        }
        if (!first) continue;
        histogram[node * width + same] = (histogram[node * width + same] as number) + 1;
        beyond += Math.max(0, same - (maximum[node] as number));
      }
      if (beyond > most) most = beyond;
    }
    crowded += most;
  }
  return crowded;
}

interface TierCount {
  readonly tree: TierTree;
  readonly node: number;
  readonly maximum: Int32Array;
  readonly histogram: Float64Array;
  readonly width: number;
  readonly partitionCount: number;
}

function describeTier({ tree, node, maximum, histogram, width, partitionCount }: TierCount): TierDispersion {
  const partitions = [...histogram.subarray(node * width, (node + 1) * width)];
  const present = partitions.reduce((sum, count) => sum + count, 0);
  partitions[0] = partitionCount - present;
  const beyond = partitions.reduce((sum, count, held) => sum + (held > (maximum[node] as number) ? count : 0), 0);
  return {
    tier: tree.names[node] as string,
    depth: tree.depth[node] as number,
    maximum: maximum[node] as number,
    partitions,
    dispersion: present === 0 ? 0 : (100 * beyond) / present,
  };
}

/**
 * What changes in the tables before a rebalance chooses anything: replicas that must find a home because their device is
 * gone or drained or because the ring got more replicas, and replicas that go because it got fewer.
 */
import { NO_DEVICE } from './device.ts';
import { HOMELESS, isDevice } from './placement.ts';
import type { Random } from './random.ts';
import { TIERS, type TierTree } from './tier-tree.ts';

/** A copy of the tables with `tables` at least; new ones hold no replica. Tables too many stay until fitReplicas. */
export function resizeTables(before: readonly Uint16Array[], { tables, partitionCount }: { tables: number; partitionCount: number }): Uint16Array[] {
  return Array.from({ length: Math.max(tables, before.length) }, (_, replica) => before[replica]?.slice() ?? new Uint16Array(partitionCount).fill(NO_DEVICE));
}

/** Makes the replicas homeless that are on devices outside the tree. */
export function liftForced(tables: readonly Uint16Array[], tree: TierTree): void {
  for (const table of tables) {
    for (let partition = 0; partition < table.length; partition++) {
      const device = table[partition] as number;
      if (device !== NO_DEVICE && (tree.paths[device * TIERS] ?? -1) < 0) table[partition] = HOMELESS;
    }
  }
}

export interface Resize {
  /** Both are changed in place, entry by entry alike, so that a replica keeps its number in both. */
  readonly tables: Uint16Array[];
  readonly before: Uint16Array[];
  /** Part-replicas of the whole ring. */
  readonly total: number;
  /** Part-replicas by tree node. */
  readonly quota: Int32Array;
  readonly tree: TierTree;
  readonly random: Random;
}

/**
 * Gives every partition the whole number of replicas below or above the ring's count, `total` in all. A missing replica
 * becomes homeless; a surplus one is dropped from the device that is most overfull. Tables that end empty are cut off.
 */
export function fitReplicas(resize: Resize): void {
  const { tables, before, total } = resize;
  const partitionCount = tables[0]?.length ?? 0;
  const fewest = Math.floor(total / partitionCount);
  const most = Math.ceil(total / partitionCount);
  const excess = excessOf(resize);
  let sum = 0;
  for (let partition = 0; partition < partitionCount; partition++) {
    let held = tables.reduce((count, table) => count + (table[partition] === NO_DEVICE ? 0 : 1), 0);
    for (; held < fewest; held++) addReplica(tables, partition);
    for (; held > most; held--) dropReplica(resize, partition, excess);
    sum += held;
  }
  const start = resize.random.below(partitionCount);
  for (let step = 0; step < partitionCount && sum !== total; step++) {
    const partition = (start + step) % partitionCount;
    const held = tables.reduce((count, table) => count + (table[partition] === NO_DEVICE ? 0 : 1), 0);
    if (sum < total && held < most) {
      addReplica(tables, partition);
      sum++;
    } else if (sum > total && held > fewest) {
      dropReplica(resize, partition, excess);
      sum--;
    }
  }
  tables.length = most;
  before.length = most;
}

/** By device: how many part-replicas it holds beyond its quota. */
function excessOf({ tables, quota, tree }: Resize): Int32Array {
  const excess = new Int32Array(tree.paths.length / TIERS);
  for (let node = 0; node < tree.nodeCount; node++) if (tree.depth[node] === TIERS) excess[tree.deviceOf[node] as number] = -(quota[node] as number);
  for (const table of tables) {
    for (let partition = 0; partition < table.length; partition++) {
      const device = table[partition] as number;
      if (isDevice(device)) excess[device] = (excess[device] as number) + 1;
    }
  }
  return excess;
}

function addReplica(tables: readonly Uint16Array[], partition: number): void {
  const table = tables.find((candidate) => candidate[partition] === NO_DEVICE);
  if (table) table[partition] = HOMELESS;
}

/** Drops the replica that is homeless or on the most overfull device; the last one takes its number. */
function dropReplica({ tables, before }: Resize, partition: number, excess: Int32Array): void {
  let worst = -1;
  let last = -1;
  const excessAt = (replica: number): number => {
    const device = (tables[replica] as Uint16Array)[partition] as number;
    return device === HOMELESS ? Number.POSITIVE_INFINITY : (excess[device] as number);
  };
  for (let replica = 0; replica < tables.length; replica++) {
    if ((tables[replica] as Uint16Array)[partition] === NO_DEVICE) continue;
    if (worst < 0 || excessAt(replica) > excessAt(worst)) worst = replica;
    last = replica;
  }
  const device = (tables[worst] as Uint16Array)[partition] as number;
  if (isDevice(device)) excess[device] = (excess[device] as number) - 1;
  for (const side of [tables, before]) {
    const lastTable = side[last] as Uint16Array;
    (side[worst] as Uint16Array)[partition] = lastTable[partition] as number;
    lastTable[partition] = NO_DEVICE;
  }
}

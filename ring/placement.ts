/**
 * The state of a rebalance: which device each replica of each partition is on, how many partitions each device and tier
 * still wants, and which partitions may still move. It keeps these figures true through every move and answers the two
 * questions of the rebalance: may this replica go there, and where should it go.
 */
import { NO_DEVICE } from './device.ts';
import type { ReplicaPlan } from './plan.ts';
import type { Random } from './random.ts';
import { TIERS, type TierTree } from './tier-tree.ts';

/** In the tables while a rebalance runs: this replica needs a home. */
export const HOMELESS = 0xfffe;

/** Whether a partition may move: not yet moved, moved lately (min_part_hours) or by force, moved by choice just now. */
export const FREE = 0;
export const FROZEN = 1;
export const MOVED = 2;

/** Weighs more than any number of wanted partitions. */
const MISSED = 2 ** 40;

export interface PlacementInput {
  readonly tree: TierTree;
  readonly plan: ReplicaPlan;
  /** Part-replicas by tree node. */
  readonly quota: Int32Array;
  /** Changed in place. Every entry is a device of the tree, NO_DEVICE or HOMELESS. */
  readonly tables: readonly Uint16Array[];
  /** What the tables were before the rebalance; HOMELESS or NO_DEVICE where there was nothing to keep. */
  readonly before: readonly Uint16Array[];
  /** FREE or FROZEN by partition; changed in place. */
  readonly mobility: Uint8Array;
  readonly random: Random;
}

export class Placement {
  readonly tree: TierTree;
  readonly tables: readonly Uint16Array[];
  readonly before: readonly Uint16Array[];
  readonly mobility: Uint8Array;
  readonly random: Random;
  readonly partitionCount: number;
  readonly replicas: number;
  /** By device id: how many more part-replicas it should get; negative where it has too many. */
  readonly wants: Int32Array;
  /** By node: the wants of the devices below it that want more, summed. */
  readonly room: Int32Array;
  readonly #max: Int32Array;
  readonly #min: Int32Array;
  /** By node: the search that found it a dead end. */
  readonly #deadEnd: Int32Array;
  #search = 0;

  constructor(input: PlacementInput) {
    this.tree = input.tree;
    this.tables = input.tables;
    this.before = input.before;
    this.mobility = input.mobility;
    this.random = input.random;
    this.replicas = input.tables.length;
    this.partitionCount = input.mobility.length;
    this.#max = input.plan.max;
    this.#min = input.plan.min;
    const { tree, quota } = input;
    this.wants = new Int32Array(tree.paths.length / TIERS);
    this.room = new Int32Array(tree.nodeCount);
    this.#deadEnd = new Int32Array(tree.nodeCount);
    for (let node = 0; node < tree.nodeCount; node++) {
      if (tree.depth[node] === TIERS) this.wants[tree.deviceOf[node] as number] = quota[node] as number;
    }
    for (const table of input.tables) {
      for (let partition = 0; partition < table.length; partition++) {
        const device = table[partition] as number;
        if (device < HOMELESS) this.wants[device] = (this.wants[device] as number) - 1;
      }
    }
    for (let node = tree.nodeCount - 1; node >= 0; node--) {
      if (tree.depth[node] === TIERS) this.room[node] = Math.max(0, this.wants[tree.deviceOf[node] as number] as number);
      if (node > 0) this.room[tree.parent[node] as number] = (this.room[tree.parent[node] as number] as number) + (this.room[node] as number);
    }
  }

  deviceAt(partition: number, replica: number): number {
    return (this.tables[replica] as Uint16Array)[partition] as number;
  }

  /** True if the replica has moved in this rebalance already, so that moving it on costs nothing. */
  inFlight(partition: number, replica: number): boolean {
    return (this.before[replica] as Uint16Array)[partition] !== this.deviceAt(partition, replica);
  }

  /** Takes the replica off its device. */
  lift(partition: number, replica: number): void {
    const table = this.tables[replica] as Uint16Array;
    this.#want(table[partition] as number, 1);
    table[partition] = HOMELESS;
  }

  /** Puts a homeless replica on a device. */
  settle(partition: number, replica: number, device: number): void {
    (this.tables[replica] as Uint16Array)[partition] = device;
    this.#want(device, -1);
  }

  move(partition: number, replica: number, device: number): void {
    this.lift(partition, replica);
    this.settle(partition, replica, device);
  }

  /** How many replicas of the partition, this one apart, are at or below the node, which is at tier `tier` (0 for regions). */
  others(partition: number, replica: number, node: number, tier: number): number {
    const { tables, tree } = this;
    let count = 0;
    for (let other = 0; other < tables.length; other++) {
      if (other === replica) continue;
      const device = (tables[other] as Uint16Array)[partition] as number;
      if (device < HOMELESS && tree.paths[device * TIERS + tier] === node) count++;
    }
    return count;
  }

  /** True if the replica may be on the device without crowding a tier beyond the plan. */
  fits(partition: number, replica: number, device: number): boolean {
    const { tree } = this;
    for (let tier = 0; tier < TIERS; tier++) {
      const node = tree.paths[device * TIERS + tier] as number;
      if (this.others(partition, replica, node, tier) >= (this.#max[node] as number)) return false;
    }
    return true;
  }

  /** The widest tier (0 for region) in which the partition has more replicas than planned around this one, or TIERS if none. */
  crowdedTier(partition: number, replica: number): number {
    const device = this.deviceAt(partition, replica);
    if (device >= HOMELESS) return TIERS;
    for (let tier = 0; tier < TIERS; tier++) {
      const node = this.tree.paths[device * TIERS + tier] as number;
      if (this.others(partition, replica, node, tier) >= (this.#max[node] as number)) return tier;
    }
    return TIERS;
  }

  /** True if leaving `from` for `to` keeps the planned fewest replicas in the tiers it leaves. */
  canLeave(partition: number, replica: number, { from, to }: { from: number; to: number }): boolean {
    const { tree } = this;
    for (let tier = 0; tier < TIERS; tier++) {
      const node = tree.paths[from * TIERS + tier] as number;
      if (tree.paths[to * TIERS + tier] === node) continue;
      if (this.others(partition, replica, node, tier) < (this.#min[node] as number)) return false;
    }
    return true;
  }

  /**
   * A device that wants a partition and may have this replica; -1 if there is none. Tier by tier it goes where the
   * plan misses one, else where most are wanted: that levels the wants, so that the last replicas still have a choice.
   */
  findHome(partition: number, replica: number): number {
    this.#search++;
    return this.#findHome(0, partition, replica);
  }

  #findHome(node: number, partition: number, replica: number): number {
    const { tree, room } = this;
    const tier = tree.depth[node] as number;
    if (tier === TIERS) return tree.deviceOf[node] as number;
    const start = tree.childStart[node] as number;
    const end = tree.childEnd[node] as number;
    for (;;) {
      let roomiest = -1;
      let most = 0;
      let ties = 0;
      for (let child = start; child < end; child++) {
        const wanted = room[child] as number;
        if (wanted === 0 || this.#deadEnd[child] === this.#search) continue;
        const others = this.others(partition, replica, child, tier);
        if (others >= (this.#max[child] as number)) continue;
        const score = others < (this.#min[child] as number) ? wanted + MISSED : wanted;
        if (score < most) continue;
        ties = score > most ? 1 : ties + 1;
        if (ties === 1 || this.random.below(ties) === 0) roomiest = child;
        most = score;
      }
      if (roomiest < 0) return -1;
      const device = this.#findHome(roomiest, partition, replica);
      if (device >= 0) return device;
      this.#deadEnd[roomiest] = this.#search;
    }
  }

  #want(device: number, change: 1 | -1): void {
    if (device >= HOMELESS) return;
    const before = this.wants[device] as number;
    this.wants[device] = before + change;
    const roomChange = Math.max(0, before + change) - Math.max(0, before);
    if (roomChange === 0) return;
    const { room, tree } = this;
    room[0] = (room[0] as number) + roomChange;
    for (let tier = 0; tier < TIERS; tier++) {
      const node = tree.paths[device * TIERS + tier] as number;
      room[node] = (room[node] as number) + roomChange;
    }
  }
}

/** True if the entry names a device. */
export function isDevice(entry: number): boolean {
  return entry < HOMELESS && entry !== NO_DEVICE;
}

/**
 * Changes an assignment to the plan with as few moves as it can, in four passes over the partitions:
 *
 * 1. replicas without a home, or on devices that are gone or drained, are lifted: they move in any case;
 * 2. of partitions that crowd a tier beyond the plan, one replica is lifted;
 * 3. lifted replicas settle on devices that want partitions, as the plan allows;
 * 4. devices with too many partitions give to those that want more, one replica of a partition at most.
 *
 * Each is one random choice a replica, in linear time. What is left over in the end (the last few partitions of a device
 * may all have a twin on the last device with room) is settled by chains of moves: see chains.ts.
 */
import { shiftByChains } from './chains.ts';
import { FREE, FROZEN, HOMELESS, isDevice, MOVED, type Placement } from './placement.ts';
import type { Random } from './random.ts';
import { TIERS } from './tier-tree.ts';

/** Called now and then with the share of the work that is done, 0 to 1. */
export type OnProgress = (done: number) => void;

export function rebalance(placement: Placement, onProgress: OnProgress = () => undefined): void {
  const homeless = liftCrowded(placement, onProgress);
  onProgress(0.3);
  settleAll(placement, homeless);
  onProgress(0.5);
  shiftSurplus(placement, onProgress);
  onProgress(0.8);
  shiftByChains(placement);
  onProgress(1);
}

/** Homeless replicas: partition and replica number at the same index. */
interface Lifted {
  readonly partitions: number[];
  readonly replicas: number[];
}

/** Passes 1 and 2: freezes partitions with a homeless replica; lifts one replica of each crowded partition that is free. */
function liftCrowded(placement: Placement, onProgress: OnProgress): Lifted {
  const lifted: Lifted = { partitions: [], replicas: [] };
  for (let partition = 0; partition < placement.partitionCount; partition++) {
    let worst = -1;
    let worstTier = TIERS;
    for (let replica = 0; replica < placement.replicas; replica++) {
      if (placement.deviceAt(partition, replica) === HOMELESS) {
        placement.mobility[partition] = FROZEN;
        lifted.partitions.push(partition);
        lifted.replicas.push(replica);
        continue;
      }
      const tier = placement.crowdedTier(partition, replica);
      if (tier < worstTier || (tier < TIERS && tier === worstTier && wantsAt(placement, partition, replica) < wantsAt(placement, partition, worst))) {
        worst = replica;
        worstTier = tier;
      }
    }
    // A second replica on the same device protects nothing: it moves whatever the clock says.
    const twin = worst >= 0 && sharesDevice(placement, partition, worst);
    if (worst >= 0 && (placement.mobility[partition] === FREE || twin)) {
      placement.lift(partition, worst);
      placement.mobility[partition] = MOVED;
      lifted.partitions.push(partition);
      lifted.replicas.push(worst);
    }
    if ((partition & 0xffff) === 0) onProgress((0.3 * partition) / placement.partitionCount);
  }
  return lifted;
}

function wantsAt(placement: Placement, partition: number, replica: number): number {
  return placement.wants[placement.deviceAt(partition, replica)] as number;
}

function sharesDevice(placement: Placement, partition: number, replica: number): boolean {
  const device = placement.deviceAt(partition, replica);
  for (let other = 0; other < placement.replicas; other++) {
    if (other !== replica && placement.deviceAt(partition, other) === device) return true;
  }
  return false;
}

/** Pass 3. A replica that fits nowhere with room goes where it fits without, and chains sort it out. */
function settleAll(placement: Placement, { partitions, replicas }: Lifted): void {
  for (let left = partitions.length; left > 0; left--) {
    const pick = placement.random.below(left);
    const partition = partitions[pick] as number;
    const replica = replicas[pick] as number;
    partitions[pick] = partitions[left - 1] as number;
    replicas[pick] = replicas[left - 1] as number;
    const home = placement.findHome(partition, replica);
    placement.settle(partition, replica, home >= 0 ? home : lastResort(placement, partition, replica));
    // Back where it was: as if it had never been lifted.
    if (!placement.inFlight(partition, replica) && placement.mobility[partition] === MOVED) placement.mobility[partition] = FREE;
  }
}

/** A device without a replica of the partition: the least overfull that fits; if none fits, where it was; else any. */
function lastResort(placement: Placement, partition: number, replica: number): number {
  const { tree, wants } = placement;
  const origin = placement.mobility[partition] === MOVED ? ((placement.before[replica] as Uint16Array)[partition] as number) : HOMELESS;
  const start = placement.random.below(tree.nodeCount);
  let best = -1;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let step = 0; step < tree.nodeCount; step++) {
    const node = (start + step) % tree.nodeCount;
    const device = tree.deviceOf[node] as number;
    if (device < 0 || placement.others(partition, replica, node, TIERS - 1) > 0) continue;
    const rank = placement.fits(partition, replica, device) ? 2 : device === origin ? 1 : 0;
    const score = (wants[device] as number) + rank * 2 ** 33;
    if (score > bestScore) {
      best = device;
      bestScore = score;
    }
  }
  return best;
}

/** Pass 4. Partitions come in random order; each gives the replica whose device has the most to give of what it has left. */
function shiftSurplus(placement: Placement, onProgress: OnProgress): void {
  const { wants, mobility, partitionCount, replicas, room } = placement;
  const unseen = countFree(placement);
  const order = randomOrder(partitionCount, placement.random);
  for (let step = 0; step < partitionCount && (room[0] as number) > 0; step++) {
    const partition = order(step);
    if ((step & 0xffff) === 0) onProgress(0.5 + (0.3 * step) / partitionCount);
    if (mobility[partition] !== FREE) continue;
    let tried = 0;
    for (let turn = 0; turn < replicas; turn++) {
      let neediest = -1;
      let highest = 0;
      for (let replica = 0; replica < replicas; replica++) {
        const device = placement.deviceAt(partition, replica);
        if (!isDevice(device)) continue;
        const surplus = -(wants[device] as number);
        if (surplus <= 0 || (tried & (1 << replica)) !== 0) continue;
        const need = surplus / (unseen[device] as number);
        if (need > highest) {
          highest = need;
          neediest = replica;
        }
      }
      if (neediest < 0) break;
      tried |= 1 << neediest;
      if (giveAway(placement, partition, neediest)) break;
    }
    for (let replica = 0; replica < replicas; replica++) {
      const device = (placement.before[replica] as Uint16Array)[partition] as number;
      if (isDevice(device)) unseen[device] = (unseen[device] as number) - 1;
    }
  }
}

function giveAway(placement: Placement, partition: number, replica: number): boolean {
  const from = placement.deviceAt(partition, replica);
  const to = placement.findHome(partition, replica);
  if (to < 0 || !placement.canLeave(partition, replica, { from, to })) return false;
  placement.move(partition, replica, to);
  placement.mobility[partition] = MOVED;
  return true;
}

/** By device: how many partitions that are free it holds. */
function countFree({ before, mobility, wants }: Placement): Int32Array {
  const counts = new Int32Array(wants.length);
  for (const table of before) {
    for (let partition = 0; partition < table.length; partition++) {
      const device = table[partition] as number;
      if (mobility[partition] === FREE && isDevice(device)) counts[device] = (counts[device] as number) + 1;
    }
  }
  return counts;
}

/** A permutation of [0, count), count a power of two: an affine map with an odd factor, which needs no memory. */
function randomOrder(count: number, random: Random): (step: number) => number {
  const factor = random.below(count) | 1;
  const offset = random.below(count);
  const mask = count - 1;
  return (step) => (Math.imul(step, factor) + offset) & mask;
}

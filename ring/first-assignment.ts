/**
 * The first assignment of a ring: exact quotas, every partition within the plan's bounds at every tier, partners at random.
 *
 * For each partition the devices are laid on a line in the order of their tree, each as long as its remaining quota; points
 * are set `remaining partitions` apart from a random start, one a replica (systematic sampling). A tier is one stretch of
 * the line, so it gets its remaining share rounded down or up, and the last partition finds exactly what is left. Siblings
 * are shuffled anew for each partition, so that any two devices that may share a partition do: many peers rebuild a lost disk.
 */
import assert from 'node:assert/strict';
import { NO_DEVICE } from './device.ts';
import type { Random } from './random.ts';
import { TIERS, type TierTree } from './tier-tree.ts';

/** Fills `assignments` (tables of equal length); where quotas leave a partition a replica short, its entry is NO_DEVICE. */
export function assignAll(tree: TierTree, quota: Int32Array, assignments: readonly Uint16Array[], random: Random): void {
  const sampler = new Sampler(tree, quota, assignments.length, random);
  const partitionCount = assignments[0]?.length ?? 0;
  sampler.shortfall = partitionCount * assignments.length - (quota[0] as number);
  for (let partition = 0; partition < partitionCount; partition++) {
    sampler.draw(partitionCount - partition);
    for (let replica = 0; replica < assignments.length; replica++) (assignments[replica] as Uint16Array)[partition] = sampler.drawn[replica] as number;
  }
}

class Sampler {
  /** Device ids of the partition drawn last. */
  readonly drawn: number[];
  /** Entries still to be left empty: as it were, the quota of a device that is none. */
  shortfall = 0;
  readonly #tree: TierTree;
  readonly #left: Int32Array;
  readonly #order: Int32Array;
  readonly #points: number[];
  readonly #random: Random;
  #next = 0;

  constructor(tree: TierTree, quota: Int32Array, replicas: number, random: Random) {
    this.#tree = tree;
    this.#left = quota.slice();
    this.#order = Int32Array.from({ length: tree.nodeCount }, (_, node) => node);
    this.#points = new Array<number>(replicas).fill(0);
    this.drawn = new Array<number>(replicas).fill(NO_DEVICE);
    this.#random = random;
  }

  draw(partitionsLeft: number): void {
    const start = this.#random.below(partitionsLeft);
    for (let replica = 0; replica < this.#points.length; replica++) this.#points[replica] = start + replica * partitionsLeft;
    this.#next = 0;
    this.#descend(0, 0);
    // What lies beyond the devices falls on the device that is none.
    while (this.#next < this.drawn.length) {
      this.drawn[this.#next++] = NO_DEVICE;
      this.shortfall--;
    }
    assert(this.shortfall >= 0, 'the quotas cover every partition');
  }

  /** Gives the points from #next on that fall on the node's stretch, which begins at `from`, to devices below it. */
  #descend(node: number, from: number): void {
    const tree = this.#tree;
    const left = this.#left;
    if (tree.depth[node] === TIERS) {
      this.drawn[this.#next++] = tree.deviceOf[node] as number;
      left[node] = (left[node] as number) - 1;
      return;
    }
    const before = this.#next;
    const points = this.#points;
    const order = this.#order;
    const end = tree.childEnd[node] as number;
    const stretchEnd = from + (left[node] as number);
    let at = from;
    for (let slot = tree.childStart[node] as number; slot < end && this.#next < points.length && (points[this.#next] as number) < stretchEnd; slot++) {
      const pick = slot + this.#random.below(end - slot);
      const child = order[pick] as number;
      order[pick] = order[slot] as number;
      order[slot] = child;
      // A child's stretch shrinks as its points are taken; its length before is what places its siblings.
      const childEnd = at + (left[child] as number);
      if ((points[this.#next] as number) < childEnd) this.#descend(child, at);
      at = childEnd;
    }
    left[node] = (left[node] as number) - (this.#next - before);
  }
}

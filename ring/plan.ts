/**
 * How many replicas of the average partition each tier should hold ("replicanths", Swift's word), before any partition is
 * placed. Two wishes pull: by weight (full disks fill evenly) and dispersed (replicas in as many domains as there are). The
 * overload says how much above its weight a device may be filled for the sake of dispersion. From the targets follow the
 * bounds for each single partition: a tier with a target of 1.3 holds one or two of its replicas, never none or three.
 */
import assert from 'node:assert/strict';
import { TIERS, type TierTree } from './tier-tree.ts';

/** Floating point slack: targets this close to an integer are that integer. */
const EPSILON = 1e-9;

export interface ReplicaPlan {
  /** By tree node: replicas of the average partition. */
  readonly target: Float64Array;
  /** By tree node: the fewest and most replicas of any one partition. */
  readonly min: Int32Array;
  readonly max: Int32Array;
  /** The smallest overload that lets replicas be as dispersed as the tiers allow. */
  readonly requiredOverload: number;
}

/** `weights` by device id; all devices of the tree have weight, and there are at least `replicas` of them. */
export function planReplicas(tree: TierTree, weights: ArrayLike<number>, replicas: number, overload: number): ReplicaPlan {
  const weighted = weightedReplicas(tree, weights, replicas);
  const dispersed = dispersedReplicas(tree, weighted, replicas);
  let requiredOverload = 0;
  for (let node = 0; node < tree.nodeCount; node++) {
    if (tree.depth[node] !== TIERS) continue;
    requiredOverload = Math.max(requiredOverload, (dispersed[node] as number) / (weighted[node] as number) - 1);
  }
  const share = requiredOverload <= EPSILON ? 1 : Math.min(1, overload / requiredOverload);
  const target = weighted.map((byWeight, node) => byWeight + ((dispersed[node] as number) - byWeight) * share);
  return {
    target,
    min: Int32Array.from(target, (replicanths) => Math.floor(replicanths + EPSILON)),
    max: Int32Array.from(target, (replicanths) => Math.ceil(replicanths - EPSILON)),
    requiredOverload: requiredOverload <= EPSILON ? 0 : requiredOverload,
  };
}

/**
 * The most replicas of one partition that each tier would hold if siblings shared alike, whatever their weights: what
 * Swift measures dispersion against. Tiers without a device of weight take none.
 */
export function fairMaximum(tree: TierTree, weights: ArrayLike<number>, replicas: number): Int32Array {
  const live = new Int32Array(tree.nodeCount);
  for (let node = tree.nodeCount - 1; node > 0; node--) {
    if (tree.depth[node] === TIERS) live[node] = (weights[tree.deviceOf[node] as number] as number) > 0 ? 1 : 0;
    if ((live[node] as number) > 0) live[tree.parent[node] as number] = (live[tree.parent[node] as number] as number) + 1;
  }
  const maximum = new Int32Array(tree.nodeCount);
  maximum[0] = Math.ceil(replicas);
  for (let node = 1; node < tree.nodeCount; node++) {
    const parent = tree.parent[node] as number;
    // The cluster's own share is not rounded before it is divided: 3.2 replicas over 2 regions make two in each.
    const share = parent === 0 ? replicas : (maximum[parent] as number);
    if ((live[node] as number) > 0) maximum[node] = Math.ceil(share / (live[parent] as number) - EPSILON);
    if (tree.depth[node] === TIERS) maximum[node] = Math.min(1, maximum[node] as number);
  }
  return maximum;
}

/** Shares by weight; a device takes at most one replica of a partition, and what it cannot take the others share. */
function weightedReplicas(tree: TierTree, weights: ArrayLike<number>, replicas: number): Float64Array {
  const leaves: number[] = [];
  for (let node = 0; node < tree.nodeCount; node++) if (tree.depth[node] === TIERS) leaves.push(node);
  assert(leaves.length >= replicas, 'there are at least as many devices as replicas');
  const shares = divide({
    total: replicas,
    weights: leaves.map((node) => weights[tree.deviceOf[node] as number] as number),
    lows: leaves.map(() => 0),
    highs: leaves.map(() => 1),
  });
  const replicanths = new Float64Array(tree.nodeCount);
  leaves.forEach((node, at) => (replicanths[node] = shares[at] as number));
  for (let node = tree.nodeCount - 1; node > 0; node--) {
    const parent = tree.parent[node] as number;
    replicanths[parent] = (replicanths[parent] as number) + (replicanths[node] as number);
  }
  replicanths[0] = replicas;
  return replicanths;
}

/** As near to the shares by weight as full dispersion allows: between the floor and the ceiling of an equal share, tier by tier. */
function dispersedReplicas(tree: TierTree, weighted: Float64Array, replicas: number): Float64Array {
  const fair = new Float64Array(tree.nodeCount);
  const replicanths = new Float64Array(tree.nodeCount);
  fair[0] = replicas;
  replicanths[0] = replicas;
  for (let node = 0; node < tree.nodeCount; node++) {
    if (tree.depth[node] === TIERS) continue;
    const children: number[] = [];
    for (let child = tree.childStart[node] as number; child < (tree.childEnd[node] as number); child++) children.push(child);
    const share = (fair[node] as number) / children.length;
    const room = children.map((child) => tree.leafCount[child] as number);
    let highs = room.map((devices) => Math.min(devices, Math.ceil(share - EPSILON)));
    // Too few devices somewhere: the others take more than their equal share.
    if (highs.reduce((sum, high) => sum + high, 0) < (replicanths[node] as number) - EPSILON) highs = room;
    const lows = highs.map((high) => Math.min(high, Math.floor(share + EPSILON)));
    const shares = divide({ total: replicanths[node] as number, weights: children.map((child) => weighted[child] as number), lows, highs });
    children.forEach((child, at) => {
      fair[child] = share;
      replicanths[child] = shares[at] as number;
    });
  }
  return replicanths;
}

interface Division {
  readonly total: number;
  readonly weights: readonly number[];
  readonly lows: readonly number[];
  readonly highs: readonly number[];
}

/**
 * Divides `total` by weight within bounds. Each round divides what is left among the open ones, and closes those that fell
 * out of their bounds on the side that fell out more in sum (the method of CSS flexible lengths), so it ends after at most
 * as many rounds as there are shares, with the one exact solution.
 */
function divide({ total, weights, lows, highs }: Division): number[] {
  const shares = lows.slice();
  let open = weights.map((_, at) => at);
  let left = total;
  while (open.length > 0) {
    const weight = open.reduce((sum, at) => sum + (weights[at] as number), 0);
    let violation = 0;
    for (const at of open) {
      const share = (left * (weights[at] as number)) / weight;
      const bounded = Math.min(Math.max(share, lows[at] as number), highs[at] as number);
      shares[at] = bounded;
      violation += bounded - share;
    }
    if (Math.abs(violation) < EPSILON) break;
    const closes = (at: number): boolean => {
      const share = (left * (weights[at] as number)) / weight;
      return violation > 0 ? share < (lows[at] as number) : share > (highs[at] as number);
    };
    const closing = open.filter(closes);
    if (closing.length === 0) break;
    open = open.filter((at) => !closes(at));
    left -= closing.reduce((sum, at) => sum + (shares[at] as number), 0);
  }
  return shares;
}

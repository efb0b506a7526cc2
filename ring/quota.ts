/**
 * From replicanths to whole partitions: how many part-replicas each device must hold so that every tier gets its target
 * rounded down or up. Two wishes choose the roundings. First, the worst relative error of a device (what operators know
 * as balance) is as small as any rounding makes it; second, as many devices as possible keep what they have.
 */
import { TIERS, type TierTree } from './tier-tree.ts';

const EPSILON = 1e-6;

interface Bounds {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/**
 * Part-replicas by tree node, `total` at the root. `target` is replicanths by node, `held` what each node holds now.
 */
export function allotPartitions(tree: TierTree, target: Float64Array, held: Int32Array, total: number): Int32Array {
  const ideal = target.map((replicanths) => (replicanths * total) / (target[0] as number));
  ideal[0] = total;
  const bounds = tightestBounds(tree, ideal);
  const quota = new Int32Array(tree.nodeCount);
  quota[0] = total;
  for (let node = 0; node < tree.nodeCount; node++) {
    if (tree.depth[node] !== TIERS) divideAmongChildren(tree, node, { quota, ideal, held, bounds });
  }
  return quota;
}

/** Searches the smallest relative error of devices that still leaves every tier a rounding of its ideal. */
function tightestBounds(tree: TierTree, ideal: Float64Array): Bounds {
  let tooTight = 0;
  let feasible = boundsAt(tree, ideal, Number.POSITIVE_INFINITY);
  let worst = 1;
  for (let step = 0; step < 40; step++) {
    const error = (tooTight + worst) / 2;
    const bounds = boundsAt(tree, ideal, error);
    if (bounds === undefined) tooTight = error;
    else {
      worst = error;
      feasible = bounds;
    }
  }
  // Rounding within a laminar family of sets is always possible, so the bounds without an error limit exist.
  return feasible as Bounds;
}

/** What each node can hold if no device strays from its ideal by more than `error` of it; undefined if the sums cannot be met. */
function boundsAt(tree: TierTree, ideal: Float64Array, error: number): Bounds | undefined {
  const low = new Float64Array(tree.nodeCount);
  const high = new Float64Array(tree.nodeCount);
  for (let node = tree.nodeCount - 1; node >= 0; node--) {
    const exact = ideal[node] as number;
    let least = Math.floor(exact + EPSILON);
    let most = Math.ceil(exact - EPSILON);
    if (tree.depth[node] === TIERS) {
      if (exact - least > exact * error + EPSILON) least = most;
      if (most - exact > exact * error + EPSILON) most = Math.floor(exact + EPSILON);
    } else {
      least = Math.max(least, low[node] as number);
      most = Math.min(most, high[node] as number);
    }
    if (least > most) return undefined;
    low[node] = least;
    high[node] = most;
    if (node > 0) {
      const parent = tree.parent[node] as number;
      low[parent] = (low[parent] as number) + least;
      high[parent] = (high[parent] as number) + most;
    }
  }
  return { low, high };
}

interface Allotment {
  readonly quota: Int32Array;
  readonly ideal: Float64Array;
  readonly held: Int32Array;
  readonly bounds: Bounds;
}

/** Starts from what the children hold, then gives to those furthest below their ideal or takes from those furthest above. */
function divideAmongChildren(tree: TierTree, node: number, { quota, ideal, held, bounds }: Allotment): void {
  const children: number[] = [];
  let left = quota[node] as number;
  for (let child = tree.childStart[node] as number; child < (tree.childEnd[node] as number); child++) {
    const kept = Math.min(Math.max(held[child] as number, bounds.low[child] as number), bounds.high[child] as number);
    quota[child] = kept;
    left -= kept;
    children.push(child);
  }
  if (left === 0) return;
  const lacks = (child: number): number => (ideal[child] as number) - (quota[child] as number);
  children.sort((a, b) => (left > 0 ? lacks(b) - lacks(a) : lacks(a) - lacks(b)) || a - b);
  for (const child of children) {
    const now = quota[child] as number;
    const change = left > 0 ? Math.min(left, (bounds.high[child] as number) - now) : Math.max(left, (bounds.low[child] as number) - now);
    quota[child] = now + change;
    left -= change;
    if (left === 0) return;
  }
}

/**
 * The failure domains of a set of devices as a tree: cluster, regions, zones, hosts, devices. Nodes are numbers (0 is the
 * cluster) and facts about them are typed arrays, because the builder asks them for every replica of every partition.
 * Children of a node are numbered consecutively, and a parent comes before its children.
 */
import type { RingDevice } from './device.ts';

/** Regions, zones, hosts, devices. */
export const TIERS = 4;
export const TIER_NAMES = ['region', 'zone', 'host', 'device'] as const;

export interface TierTree {
  readonly nodeCount: number;
  readonly parent: Int32Array;
  /** 0 for the cluster, TIERS for devices. */
  readonly depth: Uint8Array;
  /** Children of node n are childStart[n] up to but without childEnd[n]. */
  readonly childStart: Int32Array;
  readonly childEnd: Int32Array;
  /** Device id of a leaf; -1 elsewhere. */
  readonly deviceOf: Int32Array;
  /** Devices at or below a node. */
  readonly leafCount: Int32Array;
  /** Nodes that device d is in, region first: paths[d * TIERS + 0..3]; -1 for ids that are not in the tree. */
  readonly paths: Int32Array;
  /** As people write it: `r1`, `r1z2`, `r1z2-10.0.0.1`, `r1z2-10.0.0.1/sdb1`. */
  readonly names: readonly string[];
}

export function buildTierTree(devices: readonly RingDevice[]): TierTree {
  const sorted = [...devices].sort((a, b) => a.region - b.region || a.zone - b.zone || compare(a.ip, b.ip) || a.id - b.id);
  const maxId = sorted.reduce((max, device) => Math.max(max, device.id), -1);
  const limit = 1 + sorted.length * TIERS;
  const tree = {
    nodeCount: 1,
    parent: new Int32Array(limit).fill(-1),
    depth: new Uint8Array(limit),
    childStart: new Int32Array(limit),
    childEnd: new Int32Array(limit),
    deviceOf: new Int32Array(limit).fill(-1),
    leafCount: new Int32Array(limit),
    paths: new Int32Array((maxId + 1) * TIERS).fill(-1),
    names: ['cluster'],
  };
  for (let tier = 0; tier < TIERS; tier++) {
    let last = '';
    for (const device of sorted) {
      const name = tierName(device, tier);
      const parent = tier === 0 ? 0 : (tree.paths[device.id * TIERS + tier - 1] as number);
      if (name !== last || tree.depth[tree.nodeCount - 1] !== tier + 1) {
        const node = tree.nodeCount++;
        tree.names.push(name);
        tree.parent[node] = parent;
        tree.depth[node] = tier + 1;
        if (tree.childEnd[parent] === 0) tree.childStart[parent] = node;
        tree.childEnd[parent] = node + 1;
        if (tier === TIERS - 1) tree.deviceOf[node] = device.id;
        last = name;
      }
      const node = tree.nodeCount - 1;
      tree.paths[device.id * TIERS + tier] = node;
      tree.leafCount[node] = (tree.leafCount[node] as number) + 1;
    }
  }
  tree.leafCount[0] = sorted.length;
  return tree;
}

function tierName({ id, region, zone, ip, device }: RingDevice, tier: number): string {
  if (tier === 0) return `r${region}`;
  if (tier === 1) return `r${region}z${zone}`;
  return tier === 2 ? `r${region}z${zone}-${ip}` : `r${region}z${zone}-${ip}/${device} (d${id})`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

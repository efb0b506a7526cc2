import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingDevice } from './device.ts';
import { FREE, FROZEN, HOMELESS, Placement } from './placement.ts';
import { rebalance } from './rebalance.ts';
import { seededRandom } from './random.ts';
import { buildTierTree, TIERS } from './tier-tree.ts';

/** Devices on hosts of their own; of each partition any device may hold one. `rows` are partitions, device ids by replica. */
function placementOf(quotas: number[], rows: number[][], frozen: number[] = []): Placement {
  const devices = quotas.map((_, id): RingDevice => ({ id, region: 1, zone: 1, ip: `h${id}`, port: 1, replicationIp: `h${id}`, replicationPort: 1, device: 'd', weight: 1, meta: '' }));
  const tree = buildTierTree(devices);
  const limit = (deep: number): Int32Array => Int32Array.from({ length: tree.nodeCount }, (_, node) => ((tree.depth[node] as number) >= 3 ? deep : rows[0]?.length ?? 0));
  const quota = new Int32Array(tree.nodeCount);
  for (let node = 0; node < tree.nodeCount; node++) if (tree.depth[node] === TIERS) quota[node] = quotas[tree.deviceOf[node] as number] as number;
  const tables = (rows[0] ?? []).map((_, replica) => Uint16Array.from(rows, (row) => row[replica] as number));
  const mobility = Uint8Array.from(rows, (_, partition) => (frozen.includes(partition) ? FROZEN : FREE));
  const plan = { target: new Float64Array(tree.nodeCount), min: new Int32Array(tree.nodeCount), max: limit(1), requiredOverload: 0 };
  return new Placement({ tree, plan, quota, tables, before: tables.map((table) => table.slice()), mobility, random: seededRandom(1) });
}

function countMoves({ tables, before }: Placement): number {
  return tables.reduce((sum, table, replica) => sum + table.filter((id, partition) => id !== before[replica]?.[partition]).length, 0);
}

test('where no partition may go straight from the overfull device to the one that wants, a chain of two moves settles it', () => {
  // All that device 0 has, device 3 has too.
  const placement = placementOf([1, 2, 2, 3], [[0, 3], [0, 3], [1, 2], [1, 2]]);
  rebalance(placement);
  assert.deepEqual([...placement.wants], [0, 0, 0, 0]);
  assert.equal(countMoves(placement), 2);
});

test('a chain prefers a replica that is in flight anyway', () => {
  // The homeless replica of partition 2 fits only where it is not wanted; partition 1 would have to move for it otherwise.
  const placement = placementOf([1, 2, 2, 3], [[0, 3], [1, 3], [3, HOMELESS], [1, 2]]);
  rebalance(placement);
  assert.deepEqual([...placement.wants], [0, 0, 0, 0]);
  assert.ok(countMoves(placement) <= 2);
});

test('a frozen partition stays though its device is overfull', () => {
  const placement = placementOf([1, 2, 1], [[0, 1], [0, 2]], [0, 1]);
  rebalance(placement);
  assert.equal(countMoves(placement), 0);
});

test('a replica without a home finds one even where all are full', () => {
  const placement = placementOf([1, 1, 1], [[0, 1], [HOMELESS, 2]], [0, 1]);
  rebalance(placement);
  assert.ok(placement.deviceAt(1, 0) !== HOMELESS && placement.deviceAt(1, 0) !== 2);
  assert.equal(placement.deviceAt(1, 1), 2);
});

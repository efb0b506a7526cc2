import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isStoreError, ManualClock } from '#common';
import { RingBuilder } from './builder.ts';
import type { RingDevice } from './device.ts';
import { quorumSize } from './policy.ts';
import { Ring } from './ring.ts';
import { loadBuilder, loadRing, saveBuilder, saveRing } from './ring-file.ts';

const devices = Array.from({ length: 10 }, (_, id): RingDevice => ({ id, region: 1, zone: id, ip: `10.0.0.${id}`, port: 6200, replicationIp: `10.0.0.${id}`, replicationPort: 6200, device: `d${id}`, weight: 1, meta: '' }));

/** A ring of two partitions, both held by the same devices. */
function ringOf(after: readonly number[], before?: readonly number[]): Ring {
  const tables = (ids: readonly number[]): Uint16Array[] => ids.map((id) => Uint16Array.of(id, id));
  return new Ring({ partPower: 1, replicaCount: after.length, version: 1, devices, assignments: tables(after), previous: before && tables(before) });
}

function subsets(ids: readonly number[], size: number): number[][] {
  if (size === 0) return [[]];
  return ids.flatMap((id, at) => subsets(ids.slice(at + 1), size - 1).map((rest) => [id, ...rest]));
}

const ids = fc.uniqueArray(fc.nat(6), { minLength: 1, maxLength: 5 });

test('a quorum of a moving partition shares a device with every quorum of the ring before, of the ring after, and with every other', () => {
  fc.assert(
    fc.property(ids, ids, (before, after) => {
      const ring = ringOf(after, before);
      const partition = ring.asPartition(0);
      const all = ring.primaries(partition).map(({ id }) => id);
      assert.deepEqual([...all].sort(), [...new Set([...before, ...after])].sort());
      const need = ring.quorum(partition);
      assert.ok(need <= all.length, 'it can be had');
      const own = subsets(all, need);
      const others = [...subsets(before, quorumSize(before.length)), ...subsets(after, quorumSize(after.length)), ...own];
      for (const one of own) for (const other of others) assert.ok(one.some((id) => other.includes(id)), `${one.join()} and ${other.join()}`);
    }),
  );
});

test('one of three replicas on its way: three of four devices, those that have it first', () => {
  const ring = ringOf([0, 3, 2], [0, 1, 2]);
  const partition = ring.asPartition(1);
  assert.deepEqual(ring.primaries(partition).map(({ id }) => id), [0, 1, 2, 3]);
  assert.equal(ring.quorum(partition), 3);
  assert.deepEqual(ring.move(partition)?.arriving, [devices[3]]);
  assert.deepEqual(ring.move(partition)?.leaving, [devices[1]]);
  assert.ok([...ring.handoffs(partition)].every(({ id }) => id > 3));
  assert.deepEqual(ring.partitionsOf(1), [0, 1], 'what it is left by it holds still');
});

test('a ring in which a partition stays counts as it always did', () => {
  const ring = ringOf([0, 1, 2], [0, 1, 2]);
  assert.equal(ring.quorum(ring.asPartition(0)), 2);
  assert.equal(ring.move(ring.asPartition(0)), undefined);
  assert.equal(ringOf([0, 1, 2]).quorum(ring.asPartition(0)), 2);
});

function builderOf(count: number): RingBuilder {
  const builder = RingBuilder.create({ partPower: 6, replicas: 3, minPartHours: 1, clock: new ManualClock() });
  for (let id = 0; id < count; id++) builder.add({ region: 1, zone: id, ip: `10.0.0.${id}`, port: 6200, device: 'd1', weight: 1 });
  builder.rebalance({ seed: 1, gradual: true });
  return builder;
}

test('a gradual rebalance keeps what was before until it is settled, removed devices too', () => {
  const builder = builderOf(5);
  assert.equal(builder.isMoving, false, 'at first there is nothing to move');
  const before = builder.toRing();
  builder.remove(4);
  const { moved } = builder.rebalance({ seed: 2, gradual: true });
  assert.ok(moved > 0 && builder.isMoving);
  const during = builder.toRing();
  for (let at = 0; at < during.partitionCount; at++) {
    const partition = during.asPartition(at);
    const held = before.primaries(partition).map(({ id }) => id);
    assert.ok(held.every((id) => during.primaries(partition).some((device) => device.id === id)), `partition ${at} has lost a device`);
  }
  assert.throws(() => builder.rebalance(), (error) => isStoreError(error, 'bad-request'));
  assert.deepEqual(builder.settle(), { removedDevices: 1 });
  const after = builder.toRing();
  assert.ok(after.version > during.version && during.version > before.version);
  assert.equal(after.previous, undefined);
  assert.equal(after.devices[4], undefined);
  assert.throws(() => builder.settle(), (error) => isStoreError(error, 'bad-request'));
});

test('rings and builders on the move come back from their files as they were', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gori-move-'));
  try {
    const builder = builderOf(4);
    builder.add({ region: 1, zone: 9, ip: '10.0.0.9', port: 6200, device: 'd1', weight: 1 });
    builder.rebalance({ seed: 2, gradual: true });
    await saveBuilder(join(folder, 'a.builder'), builder);
    await saveRing(join(folder, 'a.ring'), builder.toRing());
    const [read, ring] = [await loadBuilder(join(folder, 'a.builder'), new ManualClock()), await loadRing(join(folder, 'a.ring'))];
    assert.deepEqual(ring, builder.toRing());
    assert.deepEqual(read.state, builder.state);
  } finally {
    await rm(folder, { recursive: true });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#common';
import { RingBuilder, type Ring } from '#ring';
import { failureWords } from './failure-words.ts';
import { failureReport, type FailureReport } from './ring-failure.ts';

const clock = new ManualClock();
const GB = 1e9;

function ringOf(zones: number, devicesEach: number, partPower = 8): Ring {
  const builder = RingBuilder.create({ partPower, replicas: 3, minPartHours: 1, clock });
  for (let zone = 1; zone <= zones; zone++) for (let device = 1; device <= devicesEach; device++) builder.add({ region: 1, zone, ip: `10.0.0.${zone}`, port: 6200, device: `d${device}`, weight: 1 });
  builder.rebalance({ seed: 1 });
  return builder.toRing();
}

function fail(ring: Ring, ids: readonly number[]): FailureReport {
  const failed = ids.map((id) => ring.devices[id]!);
  return failureReport({ ring, failed, dataBytes: 256 * GB, writeBytesPerSecond: GB / 10, readBytesPerSecond: GB / 10, failuresPerYear: 0.02, clock });
}

test('one device of many: two replicas of each of its partitions are left, all goes on, and what is copied is what it held', () => {
  const ring = ringOf(4, 3);
  const held = ring.partitionsOf(0).length;
  const report = fail(ring, [0]);
  assert.deepEqual([report.partitions, report.left, report.lost.partitions, report.withoutMajority], [held, { 2: held }, 0, 0]);
  assert.equal(report.bytesToCopy, held * GB);
  assert.deepEqual([report.replaced.seconds, report.replaced.by, report.replaced.receivers], [held * 10, 'write', 1]);
  assert.ok(report.removed!.receivers > 3 && report.removed!.seconds < report.replaced.seconds / 2, 'many that share the work are faster than one');
  assert.ok(report.risk.partitionsWithoutMajorityAtWorst > 0 && report.risk.lossProbability > 0 && report.risk.lossProbability < 1e-6);
  assert.match(failureWords(report), /Nothing is lost\. All is read and written on\./);
});

test('two devices that share partitions leave those without a majority; three can lose them', () => {
  const ring = ringOf(3, 2);
  const two = fail(ring, [0, 2]);
  const shared = ring.partitionsOf(0).filter((partition) => ring.partitionsOf(2).includes(partition)).length;
  assert.ok(shared > 0);
  assert.deepEqual([two.withoutMajority, two.left[1]], [shared, shared]);
  const [partition] = ring.partitionsOf(0);
  const three = fail(ring, ring.primaries(partition!).map(({ id }) => id));
  assert.ok(three.lost.partitions >= 1 && three.lost.bytes === three.lost.partitions * GB);
  assert.equal(three.risk.lossProbability, 1);
  assert.match(failureWords(three), /partitions are lost/);
});

test('where no device is left to take its place, a dead one cannot be removed', () => {
  const report = fail(ringOf(3, 1), [1]);
  assert.equal(report.removed, undefined);
  assert.equal(report.replaced.receivers, 1);
  assert.match(failureWords(report), /cannot be removed/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ring, type RingDevice } from '#ring';
import { Arrivals } from './arrivals.ts';

const devices = Array.from({ length: 5 }, (_, id): RingDevice => ({ id, region: 1, zone: id, ip: '127.0.0.1', port: 6200 + id, replicationIp: '127.0.0.1', replicationPort: 6200 + id, device: `d${id}`, weight: 1, meta: '' }));
const table = (...ids: [number, number]): Uint16Array => Uint16Array.from(ids);

function moving(version: number): Ring {
  // Partition 0 goes from devices 0, 1, 2 to 0, 1, 3; partition 1 stays.
  return new Ring({ partPower: 1, replicaCount: 3, version, devices, assignments: [table(0, 0), table(1, 1), table(3, 2)], previous: [table(0, 0), table(1, 1), table(2, 2)] });
}

const at = (...ids: number[]): RingDevice[] => ids.map((id) => devices[id]!);

test('a partition has arrived when all to come hold the same, whether or not the device it leaves can be asked', () => {
  const arrivals = new Arrivals();
  const ring = moving(1);
  const self = devices[0]!;
  arrivals.note(ring, { partition: 0, self, alike: at(1, 2), beganMs: 10 });
  assert.deepEqual(arrivals.report(ring, self), { version: 1, moving: 1, arrived: 0, sinceMs: undefined });
  arrivals.note(ring, { partition: 0, self, alike: at(1, 3), beganMs: 20 });
  assert.deepEqual(arrivals.report(ring, self), { version: 1, moving: 1, arrived: 1, sinceMs: 20 });
});

test('what was seen by another version of the ring does not count', () => {
  const arrivals = new Arrivals();
  const self = devices[0]!;
  arrivals.note(moving(1), { partition: 0, self, alike: at(1, 2, 3), beganMs: 10 });
  assert.equal(arrivals.report(moving(2), self)?.arrived, 0);
});

test('where two of three replicas move, one of the devices that are left has to be among those alike', () => {
  const ring = new Ring({ partPower: 1, replicaCount: 3, version: 1, devices, assignments: [table(0, 0), table(3, 1), table(4, 2)], previous: [table(0, 0), table(1, 1), table(2, 2)] });
  const arrivals = new Arrivals();
  const self = devices[0]!;
  arrivals.note(ring, { partition: 0, self, alike: at(3, 4), beganMs: 10 });
  assert.equal(arrivals.report(ring, self)?.arrived, 0, 'a majority of the devices before, 1 and 2, may hold what nobody else does');
  arrivals.note(ring, { partition: 0, self, alike: at(1, 3, 4), beganMs: 20 });
  assert.equal(arrivals.report(ring, self)?.arrived, 1);
});

test('a ring in which nothing moves has nothing to arrive', () => {
  const { partPower, replicaCount, assignments } = moving(1);
  assert.equal(new Arrivals().report(new Ring({ partPower, replicaCount, version: 2, devices, assignments }), devices[0]), undefined);
});

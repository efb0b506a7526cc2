import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NO_DEVICE, type RingDevice } from './device.ts';
import type { Partition } from './hash-path.ts';
import { Ring } from './ring.ts';

function device(id: number, place: Partial<RingDevice> = {}): RingDevice {
  const ip = place.ip ?? `10.0.0.${id}`;
  return { id, region: 1, zone: 1, ip, port: 6200, replicationIp: ip, replicationPort: 6200, device: `d${id}`, weight: 100, meta: '', ...place };
}

/** A ring of sixteen partitions, assigned by a rule. */
function ringOf(devices: (RingDevice | undefined)[], replicaOn: (partition: number, replica: number) => number, replicaCount = 1): Ring {
  const assignments = Array.from({ length: Math.ceil(replicaCount) }, (_, replica) => Uint16Array.from({ length: 16 }, (_, partition) => replicaOn(partition, replica)));
  return new Ring({ partPower: 4, replicaCount, version: 1, devices, assignments });
}

const spread = [
  device(0),
  device(1),
  device(2, { ip: '10.0.0.1' }),
  device(3, { zone: 2 }),
  device(4, { zone: 2, ip: '10.0.0.3' }),
  device(5, { region: 2 }),
  undefined,
  device(7, { weight: 0 }),
];

test('handoffs go to other regions first, then other zones, then other hosts, then the rest', () => {
  const ring = ringOf(spread, (partition) => partition % 6);
  for (let partition = 0; partition < 16; partition += 6) {
    const order = [...ring.handoffs(ring.asPartition(partition))].map((found) => found.id);
    assert.equal(order[0], 5, 'the other region');
    assert.ok(order[1] === 3 || order[1] === 4, 'the other zone');
    assert.ok(order[2] === 1 || order[2] === 2, 'the other host of the zone');
    assert.equal(order.length, 5);
  }
});

test('handoffs meet every device with weight once, whatever the ring', () => {
  const place = fc.record({ region: fc.integer({ min: 1, max: 2 }), zone: fc.integer({ min: 1, max: 3 }), host: fc.integer({ min: 1, max: 3 }), weight: fc.constantFrom(0, 1, 100) });
  fc.assert(
    fc.property(fc.array(place, { minLength: 1, maxLength: 20 }), fc.nat(15), fc.nat(), (places, partition, shift) => {
      const devices = places.map(({ region, zone, host, weight }, id) => device(id, { region, zone, ip: `10.0.0.${host}`, weight }));
      const ring = ringOf(devices, (at) => (at * 7 + shift) % Math.max(1, Math.ceil(devices.length / 2)));
      const primary = ring.primaries(partition as Partition).map((found) => found.id);
      const expected = devices.filter((found) => found.weight > 0 && !primary.includes(found.id)).map((found) => found.id);
      const order = [...ring.handoffs(partition as Partition)].map((found) => found.id);
      assert.deepEqual([...order].sort((a, b) => a - b), expected);
      assert.deepEqual([...ring.handoffs(partition as Partition)].map((found) => found.id), order, 'the same order every time');
    }),
  );
});

test('handoffs of different partitions start on different devices', () => {
  const devices = Array.from({ length: 16 }, (_, id) => device(id));
  const ring = ringOf(devices, (partition) => partition);
  const firsts = new Set(Array.from({ length: 16 }, (_, partition) => ring.handoffs(ring.asPartition(partition)).next().value?.id));
  assert.ok(firsts.size >= 6, `${firsts.size} of 16`);
});

test('a partition without the last replica of a fractional count has one primary fewer', () => {
  const ring = ringOf(spread, (partition, replica) => (replica === 0 ? 0 : partition % 2 === 0 ? 3 : NO_DEVICE), 1.5);
  assert.deepEqual(ring.primaries(ring.asPartition(2)).map((found) => found.id), [0, 3]);
  assert.deepEqual(ring.primaries(ring.asPartition(3)).map((found) => found.id), [0]);
  assert.deepEqual(ring.partitionsOf(3), [0, 2, 4, 6, 8, 10, 12, 14]);
});

test('a ring that assigns a partition to a removed device is refused', () => {
  assert.throws(() => ringOf(spread, () => 6), /not in the ring/);
});

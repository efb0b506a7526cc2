import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isStoreError, ManualClock } from '#common';
import { RingBuilder } from './builder.ts';
import type { NewDevice } from './device-changes.ts';
import { NO_DEVICE, type RingDevice } from './device.ts';
import { planReplicas } from './plan.ts';
import { buildTierTree, TIERS } from './tier-tree.ts';

const HOUR_MS = 3_600_000;

interface Place {
  readonly region: number;
  readonly zone: number;
  readonly host: number;
  readonly weight: number;
}

function deviceIn({ region, zone, host, weight }: Place, serial: number): NewDevice {
  return { region, zone, ip: `10.${region}.${zone}.${host}`, port: 6200, device: `d${serial}`, weight };
}

function builderOf(places: readonly Place[], { replicas = 3, partPower = 7, overload = 0, minPartHours = 1 } = {}): { builder: RingBuilder; clock: ManualClock } {
  const clock = new ManualClock();
  const builder = RingBuilder.create({ partPower, replicas, minPartHours, clock });
  builder.setOverload(overload);
  places.forEach((place, serial) => builder.add(deviceIn(place, serial)));
  return { builder, clock };
}

const anyPlace = fc.record({ region: fc.integer({ min: 1, max: 2 }), zone: fc.integer({ min: 1, max: 3 }), host: fc.integer({ min: 1, max: 3 }), weight: fc.integer({ min: 1, max: 8 }) });
const anyPlaces = fc.array(anyPlace, { minLength: 5, maxLength: 30 });
const anyReplicas = fc.constantFrom(1, 1.5, 2, 2.25, 3, 3.75, 4, 5);

/** Regions x zones x hosts x devices, all alike but for the weights. */
const regular = fc
  .record({ regions: fc.integer({ min: 1, max: 2 }), zones: fc.integer({ min: 1, max: 4 }), hosts: fc.integer({ min: 1, max: 3 }), disks: fc.integer({ min: 1, max: 3 }), weights: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 7 }) })
  .map(({ regions, zones, hosts, disks, weights }) => {
    const places: Place[] = [];
    for (let region = 1; region <= regions; region++)
      for (let zone = 1; zone <= zones; zone++)
        for (let host = 1; host <= hosts; host++)
          for (let disk = 0; disk < disks; disk++) places.push({ region, zone, host, weight: weights[places.length % weights.length] as number });
    return places;
  });

/** Replicas of each partition by tree node; calls `check` for each. */
function eachPartition(builder: RingBuilder, check: (counts: Int32Array, partition: number) => void): void {
  const tree = buildTierTree(builder.devices.filter((device) => device.weight > 0));
  for (let partition = 0; partition < builder.partitionCount; partition++) {
    const counts = new Int32Array(tree.nodeCount);
    for (const table of builder.state.assignments) {
      const id = table[partition] as number;
      if (id === NO_DEVICE) continue;
      for (let tier = 0; tier < TIERS; tier++) {
        const node = tree.paths[id * TIERS + tier] as number;
        counts[node] = (counts[node] as number) + 1;
      }
    }
    check(counts, partition);
  }
}

test('a first rebalance gives every tier its target: of each partition and in all, rounded down or up', () => {
  fc.assert(
    fc.property(anyPlaces, anyReplicas, fc.constantFrom(0, 0.1, 1), (places, replicas, overload) => {
      const { builder } = builderOf(places, { replicas, overload });
      builder.rebalance({ seed: 1 });
      assert.deepEqual(builder.validate(), []);
      const tree = buildTierTree(builder.devices);
      const plan = planReplicas(tree, builder.devices.map((device) => device.weight), replicas, overload);
      const held = new Int32Array(tree.nodeCount);
      eachPartition(builder, (counts, partition) => {
        for (let node = 1; node < tree.nodeCount; node++) {
          const count = counts[node] as number;
          held[node] = (held[node] as number) + count;
          assert.ok(count <= (plan.max[node] as number), `partition ${partition}: ${count} in ${tree.names[node]}`);
          // With a fractional count some partitions have a replica less, and the plan's fewest are of the average.
          if (Number.isInteger(replicas)) assert.ok(count >= (plan.min[node] as number), `partition ${partition}: ${count} in ${tree.names[node]}`);
        }
      });
      for (let node = 1; node < tree.nodeCount; node++) {
        const ideal = (plan.target[node] as number) * builder.partitionCount;
        assert.ok(Math.abs((held[node] as number) - ideal) < 1.001, `${tree.names[node]} holds ${held[node]} for ${ideal}`);
      }
    }),
    { numRuns: 60 },
  );
});

test('with overload to spare, replicas are as far apart as regions, zones and hosts allow', () => {
  fc.assert(
    fc.property(regular, fc.constantFrom(1, 2, 3, 4), (places, replicas) => {
      fc.pre(places.length >= replicas);
      const { builder } = builderOf(places, { replicas, overload: 1000 });
      assert.equal(builder.rebalance({ seed: 1 }).dispersion, 0);
    }),
    { numRuns: 60 },
  );
});

test('replicas share no zone where zones suffice and weights allow, and no host where hosts do', () => {
  const threeZones = [1, 2, 3].flatMap((zone) => [1, 2].flatMap((host) => [1, 2].map(() => ({ region: 1, zone, host, weight: 100 }))));
  const { builder } = builderOf(threeZones);
  builder.rebalance();
  for (const { depth, partitions } of builder.dispersion().tiers) {
    if (depth === 2) assert.deepEqual(partitions, [0, builder.partitionCount, 0, 0]);
    else if (depth === 3) assert.equal(partitions[2], 0);
  }
  const oneZone = [1, 2, 3, 4].map((host) => ({ region: 1, zone: 1, host, weight: 100 }));
  const single = builderOf(oneZone).builder;
  single.rebalance();
  for (const { depth, partitions } of single.dispersion().tiers) if (depth === 3) assert.equal(partitions[2], 0);
});

test('overload trades balance for dispersion, as much as it says and no more', () => {
  // The small zone cannot take a whole replica of each partition by its weight.
  const places = [...[1, 2].flatMap((zone) => [1, 2, 3].map((host) => ({ region: 1, zone, host, weight: 100 }))), ...[1, 2].map((host) => ({ region: 1, zone: 3, host, weight: 100 }))];
  const measure = (overload: number): { balance: number; dispersion: number } => {
    const { builder } = builderOf(places, { overload, partPower: 10 });
    return builder.rebalance({ seed: 1 });
  };
  const required = builderOf(places).builder.requiredOverload();
  assert.ok(Math.abs(required - 1 / 3) < 1e-9, `${required}`);
  const [none, some, all] = [measure(0), measure(0.1), measure(0.34)];
  assert.ok(none.balance < 0.3 && none.dispersion > 5, JSON.stringify(none));
  assert.ok(some.balance < 10.3 && some.dispersion < none.dispersion, JSON.stringify(some));
  assert.ok(all.balance < 33.7 && all.dispersion === 0, JSON.stringify(all));
});

type Action =
  | { readonly do: 'add'; readonly place: Place }
  | { readonly do: 'remove'; readonly pick: number }
  | { readonly do: 'drain'; readonly pick: number }
  | { readonly do: 'weight'; readonly pick: number; readonly weight: number }
  | { readonly do: 'zone'; readonly pick: number; readonly zone: number }
  | { readonly do: 'replicas'; readonly replicas: number }
  | { readonly do: 'wait'; readonly hours: number };

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), place: anyPlace }),
  fc.record({ do: fc.constant('remove' as const), pick: fc.nat() }),
  fc.record({ do: fc.constant('drain' as const), pick: fc.nat() }),
  fc.record({ do: fc.constant('weight' as const), pick: fc.nat(), weight: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ do: fc.constant('zone' as const), pick: fc.nat(), zone: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('replicas' as const), replicas: anyReplicas }),
  fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 0, max: 3 }) }),
);

function act(builder: RingBuilder, clock: ManualClock, action: Action, serial: number): void {
  const pickOf = (pick: number): RingDevice => builder.devices[pick % builder.devices.length] as RingDevice;
  if (action.do === 'add') builder.add(deviceIn(action.place, serial));
  else if (action.do === 'remove') builder.remove(pickOf(action.pick).id);
  else if (action.do === 'drain') builder.setWeight(pickOf(action.pick).id, 0);
  else if (action.do === 'weight') builder.setWeight(pickOf(action.pick).id, action.weight);
  else if (action.do === 'zone') builder.setZone(pickOf(action.pick).id, action.zone);
  else if (action.do === 'replicas') builder.setReplicas(action.replicas);
  else if (action.do === 'wait') clock.wind(action.hours * HOUR_MS);
}

test('whatever operators do, a partition gives up one replica by choice in min_part_hours, and no device holds two of it', () => {
  const minPartHours = 2;
  fc.assert(
    fc.property(fc.array(anyPlace, { minLength: 8, maxLength: 20 }), fc.array(anyAction, { minLength: 1, maxLength: 8 }), (places, actions) => {
      const { builder, clock } = builderOf(places, { minPartHours, partPower: 6 });
      builder.rebalance({ seed: 1 });
      const lastMovedMs = new Float64Array(builder.partitionCount).fill(clock.nowMs());
      actions.forEach((action, at) => {
        act(builder, clock, action, 100 + at);
        if (builder.devices.filter((device) => device.weight > 0).length < builder.state.replicas) return;
        const before = builder.state.assignments.map((table) => table.slice());
        const stays = new Set(builder.devices.filter((device) => device.weight > 0).map((device) => device.id));
        const replicas = Math.min(Math.floor(builder.state.replicas), before.length);
        builder.rebalance({ seed: at });
        assert.deepEqual(builder.validate(), []);
        for (let partition = 0; partition < builder.partitionCount; partition++) {
          const old = before.map((table) => table[partition] as number).filter((id) => id !== NO_DEVICE);
          const now = new Set(builder.state.assignments.map((table) => table[partition] as number));
          const kept = old.filter((id) => now.has(id)).length;
          const forced = old.filter((id) => !stays.has(id)).length;
          const dropped = Math.max(0, old.length - Math.max(replicas, [...now].filter((id) => id !== NO_DEVICE).length));
          const chosen = old.length - kept - forced - dropped;
          const mayMove = clock.nowMs() - (lastMovedMs[partition] as number) >= minPartHours * HOUR_MS;
          assert.ok(chosen <= (mayMove ? 1 : 0), `partition ${partition} moved ${chosen} of ${old.join()}`);
          if ([...now].some((id) => id !== NO_DEVICE && !old.includes(id))) lastMovedMs[partition] = clock.nowMs();
        }
      });
    }),
    { numRuns: 60 },
  );
});

test('after time to move, a changed ring reaches the balance of a new one', () => {
  const places = [1, 2, 3].flatMap((zone) => [1, 2, 3].flatMap((host) => [50, 100].map((weight) => ({ region: 1, zone, host, weight }))));
  const { builder, clock } = builderOf(places, { partPower: 10 });
  builder.rebalance();
  for (let host = 1; host <= 3; host++) builder.add(deviceIn({ region: 1, zone: 4, host, weight: 100 }, 100 + host));
  builder.setWeight(3, 0);
  builder.remove(5);
  builder.setWeight(0, 100);
  for (let round = 0; round < 3; round++) {
    clock.wind(HOUR_MS);
    builder.rebalance();
  }
  assert.ok(builder.balance().devices.filter(({ device }) => device.id !== 3).every(({ balance }) => Math.abs(balance) < 1), JSON.stringify(builder.balance().balance));
  assert.equal(builder.balance().devices.find(({ device }) => device.id === 3)?.partitions, 0, 'the drained device is empty');
  assert.equal(builder.dispersion().dispersion, 0);
  clock.wind(HOUR_MS);
  assert.equal(builder.rebalance().moved, 0, 'nothing is left to move');
});

test('a zone added to a large ring gets its share in one rebalance, and nothing else moves', () => {
  const places = [1, 2, 3, 4].flatMap((zone) => [1, 2, 3, 4].flatMap((host) => [60, 80, 100].map((weight) => ({ region: 1, zone, host, weight }))));
  const { builder, clock } = builderOf(places, { partPower: 14 });
  builder.rebalance();
  for (let at = 0; at < 12; at++) builder.add(deviceIn({ region: 1, zone: 5, host: 1 + (at % 4), weight: 80 }, 100 + at));
  clock.wind(HOUR_MS);
  const { moved, balance, dispersion } = builder.rebalance();
  const share = builder.balance().devices.filter(({ device }) => device.zone === 5).reduce((sum, { partitions }) => sum + partitions, 0);
  assert.ok(balance < 0.2 && dispersion === 0, `balance ${balance}, dispersion ${dispersion}`);
  assert.ok(moved <= share * 1.01, `${moved} moved for a share of ${share}`);
});

test('a lost device moves what it held and next to nothing else', () => {
  const places = [1, 2, 3, 4].flatMap((zone) => [1, 2, 3].flatMap((host) => [80, 100].map((weight) => ({ region: 1, zone, host, weight }))));
  const { builder } = builderOf(places, { partPower: 12 });
  builder.rebalance();
  const held = builder.balance().devices[7]?.partitions as number;
  builder.remove(7);
  const { moved, removedDevices } = builder.rebalance();
  assert.equal(removedDevices, 1);
  assert.ok(moved >= held && moved <= held * 1.02, `${moved} moved for ${held}`);
});

test('the same seed builds the same ring, another seed another', () => {
  fc.assert(
    fc.property(anyPlaces, fc.nat(), (places, seed) => {
      const rings = [seed, seed, seed + 1].map((each) => {
        const { builder, clock } = builderOf(places);
        builder.rebalance({ seed: each });
        builder.setWeight(0, 9);
        clock.wind(2 * HOUR_MS);
        builder.rebalance({ seed: each });
        return builder.state.assignments;
      });
      assert.deepEqual(rings[0], rings[1]);
      assert.notDeepEqual(rings[0], rings[2]);
    }),
    { numRuns: 20 },
  );
});

test('the partners of a device are many: a lost disk is rebuilt from most of the cluster', () => {
  const places = [1, 2, 3, 4, 5].flatMap((zone) => [1, 2, 3, 4].flatMap((host) => [1, 2].map(() => ({ region: 1, zone, host, weight: 100 }))));
  const { builder } = builderOf(places, { partPower: 12 });
  builder.rebalance();
  const ring = builder.toRing();
  for (const { id, zone } of builder.devices) {
    const partners = new Set(ring.partitionsOf(id).flatMap((partition) => ring.primaries(partition).map((device) => device.id)));
    const possible = builder.devices.filter((device) => device.zone !== zone).length;
    assert.equal(partners.size - 1, possible, `device ${id}`);
  }
});

test('more replicas than before leave the old ones in place; fewer move none', () => {
  const places = [1, 2, 3].flatMap((zone) => [1, 2].map((host) => ({ region: 1, zone, host, weight: 100 })));
  const { builder } = builderOf(places, { replicas: 2, partPower: 8 });
  builder.rebalance();
  builder.setReplicas(2.5);
  assert.equal(builder.rebalance().moved, 128);
  builder.setReplicas(3);
  assert.equal(builder.rebalance().moved, 128);
  assert.equal(builder.dispersion().dispersion, 0);
  builder.setReplicas(1);
  assert.equal(builder.rebalance().moved, 0);
  assert.deepEqual(builder.validate(), []);
});

test('a builder refuses what makes no sense, with a sentence', () => {
  const place = { region: 1, zone: 1, host: 1, weight: 1 };
  const { builder } = builderOf([place, { ...place, host: 2 }]);
  const refused = (call: () => unknown, fault: RegExp): void => assert.throws(call, (error) => isStoreError(error, 'bad-request') && fault.test(error.message));
  refused(() => builder.rebalance(), /3 replicas need at least as many devices/);
  refused(() => builder.toRing(), /rebalance it first/);
  refused(() => builder.add(deviceIn(place, 0)), /is in the ring already/);
  refused(() => builder.add({ ...deviceIn(place, 7), port: 0, device: '../x', weight: -1 }), /port 0.*device name.*weight -1/);
  refused(() => builder.setWeight(9, 1), /no device has id 9/);
  refused(() => builder.setReplicas(0.5), /1\.\.30/);
  builder.remove(1);
  refused(() => builder.setWeight(1, 5), /marked for removal/);
  refused(() => RingBuilder.create({ partPower: 33, replicas: 3, minPartHours: 1, clock: new ManualClock() }), /1\.\.32/);
});

test('ids of removed devices are used again, and removed devices hold nothing', () => {
  const places = [1, 2, 3, 4].map((host) => ({ region: 1, zone: 1, host, weight: 100 }));
  const { builder } = builderOf(places);
  builder.rebalance();
  builder.remove(2);
  builder.rebalance();
  assert.equal(builder.toRing().devices[2], undefined);
  assert.equal(builder.add(deviceIn({ region: 1, zone: 1, host: 9, weight: 100 }, 9)), 2);
  assert.deepEqual(builder.toRing().partitionsOf(2), []);
});

test('a ring whose power was increased has every key on the devices it was on, in their order, and goes on from there', () => {
  fc.assert(
    fc.property(anyPlaces, anyReplicas, fc.integer({ min: 0, max: 1 << 30 }), (places, replicas, seed) => {
      const { builder, clock } = builderOf(places, { replicas: Math.min(replicas, places.length) });
      builder.rebalance({ seed });
      const before = builder.toRing();
      const { version } = builder.state;
      builder.increasePower();
      const after = builder.toRing();
      assert.deepEqual([after.partitionCount, after.version > version, builder.state.changed], [2 * before.partitionCount, true, false]);
      assert.deepEqual(builder.validate(), []);
      for (let n = 0; n < 200; n++) {
        const key = Buffer.alloc(16);
        key.writeUInt32BE((Math.imul(n, 0x9e37_79b1) ^ seed) >>> 0);
        const [old, young] = [before.partition(key), after.partition(key)];
        assert.equal(young >>> 1, old);
        assert.deepEqual(after.primaries(young).map(({ id }) => id), before.primaries(old).map(({ id }) => id));
        assert.equal(after.quorum(young), before.quorum(old));
      }
      clock.wind(2 * HOUR_MS);
      builder.rebalance({ seed, gradual: true });
      assert.deepEqual(builder.validate(), []);
    }),
    { numRuns: 40 },
  );
});

test('no power is increased while partitions move', () => {
  const places = [1, 2, 3, 4].map((zone) => ({ region: 1, zone, host: 1, weight: 1 }));
  const { builder, clock } = builderOf(places);
  builder.rebalance();
  builder.add(deviceIn({ region: 1, zone: 5, host: 1, weight: 1 }, 9));
  clock.wind(2 * HOUR_MS);
  builder.rebalance({ gradual: true });
  assert.throws(() => builder.increasePower(), (error) => isStoreError(error, 'bad-request'));
  builder.settle();
  builder.increasePower();
});

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { isStoreError, ManualClock, type StoreError } from '#common';
import { RingBuilder } from './builder.ts';
import { DEFAULT_POLICY, PolicySet } from './policy.ts';
import { loadBuilder, loadRing, saveBuilder, saveRing } from './ring-file.ts';
import { ringFileName, RingSet } from './ring-set.ts';
import { RingWatcher } from './ring-watcher.ts';
import { writeSealed } from './sealed-file.ts';

let folder = '';
before(async () => (folder = await mkdtemp(join(tmpdir(), 'gori-ring-'))));
after(() => rm(folder, { recursive: true, force: true }));

function builderOf(devices: number, { replicas = 3, partPower = 8 } = {}): RingBuilder {
  const builder = RingBuilder.create({ partPower, replicas, minPartHours: 1, clock: new ManualClock() });
  for (let at = 0; at < devices; at++) builder.add({ region: 1, zone: at % 4, ip: `10.0.0.${at + 1}`, port: 6200, device: 'sdb', weight: 50 + at, meta: 'ㄱ' });
  builder.rebalance({ seed: 1 });
  return builder;
}

test('rings and builders come back from disk as they were', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 4, max: 12 }), fc.constantFrom(1, 2.5, 3), fc.integer({ min: 1, max: 9 }), async (devices, replicas, partPower) => {
      const builder = builderOf(devices, { replicas, partPower });
      builder.remove(1);
      builder.rebalance();
      const path = join(folder, 'round-trip');
      await saveRing(path, builder.toRing());
      const ring = await loadRing(path);
      assert.deepEqual({ ...ring }, { ...builder.toRing() });
      await saveBuilder(path, builder);
      const loaded = await loadBuilder(path, new ManualClock());
      assert.deepEqual({ nextPartPower: undefined, ...loaded.state }, { nextPartPower: undefined, ...builder.state });
    }),
    { numRuns: 15 },
  );
  assert.deepEqual(await readdir(folder), ['round-trip'], 'no temporary file is left');
});

test('a builder that was never rebalanced comes back too', async () => {
  const path = join(folder, 'new.builder');
  const builder = RingBuilder.create({ partPower: 4, replicas: 2, minPartHours: 1, clock: new ManualClock() });
  await saveBuilder(path, builder);
  assert.equal((await loadBuilder(path, new ManualClock())).everRebalanced, false);
});

test('a loaded builder goes on as the one that was saved', async () => {
  const path = join(folder, 'goes-on.builder');
  const builder = builderOf(9);
  await saveBuilder(path, builder);
  const loaded = await loadBuilder(path, new ManualClock());
  for (const each of [builder, loaded]) {
    each.remove(3);
    each.rebalance({ seed: 5 });
  }
  assert.deepEqual(loaded.state.assignments, builder.state.assignments);
});

test('damage anywhere is refused with the file and the fault', async () => {
  const good = join(folder, 'good.ring');
  const path = join(folder, 'damaged.ring');
  await saveRing(good, builderOf(5, { partPower: 5 }).toRing());
  const bytes = await readFile(good);
  const refusal = async (damaged: Buffer): Promise<StoreError> => {
    await writeFile(path, damaged);
    const error: unknown = await loadRing(path).then(() => assert.fail('it was taken'), (fault: unknown) => fault);
    assert.ok(isStoreError(error, 'corrupt'), String(error));
    assert.ok(error.message.startsWith(`${path}: `), error.message);
    return error;
  };
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
    await refusal(damaged);
    await refusal(bytes.subarray(0, at));
  }
  assert.match((await refusal(Buffer.concat([bytes, Buffer.from('x')]))).message, /1 bytes follow its end/);
  assert.match((await refusal(Buffer.alloc(0))).message, /truncated/);
  assert.match((await refusal(bytes.subarray(0, 100))).message, /truncated: 40 of/);
  const version = Buffer.from(bytes);
  version.writeUInt32BE(2, 8);
  assert.match((await refusal(version)).message, /format version 2 is unknown/);
  await saveBuilder(path, builderOf(5));
  await assert.rejects(loadRing(path), /not a ring file: it begins with "GORIBLDR"/);
});

test('a whole file with a senseless content is refused as well', async () => {
  const path = join(folder, 'senseless.ring');
  const kind = { magic: 'GORIRING', version: 1, noun: 'ring' };
  const device = { id: 0, region: 1, zone: 1, ip: 'h', port: 1, replicationIp: 'h', replicationPort: 1, device: 'd', weight: 1, meta: '' };
  const json = { partPower: 2, replicas: 1, version: 1, devices: [device], tables: 1 };
  const table = (...ids: number[]): Buffer => Buffer.from(Uint16Array.from(ids).buffer);
  const refused = async (content: { json: unknown; sections: Buffer[] }, fault: RegExp): Promise<void> => {
    await writeSealed(path, kind, content);
    await assert.rejects(loadRing(path), (error) => isStoreError(error, 'corrupt') && fault.test(error.message));
  };
  await refused({ json, sections: [table(0, 0, 0, 7)] }, /partition 3 is on a device that is not in the ring/);
  await refused({ json, sections: [table(0, 0, 0)] }, /do not hold 1 tables/);
  await refused({ json, sections: [table(0, 0, 0, 0, 0)] }, /2 bytes follow/);
  await refused({ json: { ...json, partPower: 40 }, sections: [] }, /partPower/);
  await refused({ json: { ...json, replicas: 2 }, sections: [table(0, 0, 0, 0)] }, /one table a replica/);
});

test('a file that is not there is unavailable, not corrupt', async () => {
  await assert.rejects(loadRing(join(folder, 'nowhere.ring')), (error) => isStoreError(error, 'unavailable') && /nowhere\.ring/.test(error.message));
});

test('a watcher takes a new ring, and keeps the old one while the file is damaged or gone', async () => {
  const path = join(folder, 'watched.ring');
  const builder = builderOf(6);
  await saveRing(path, builder.toRing());
  const faults: StoreError[] = [];
  const changes: number[] = [];
  const watcher = await RingWatcher.open(path, { onFault: (fault) => faults.push(fault), onChange: ({ ring }) => changes.push(ring.version) });
  const first = watcher.ring;
  assert.equal(await watcher.refresh(), false);
  await writeFile(path, 'half a ri');
  assert.equal(await watcher.refresh(), false);
  assert.equal(await watcher.refresh(), false);
  assert.equal(watcher.ring, first);
  assert.deepEqual(faults.map((fault) => fault.code), ['corrupt'], 'one report a file');
  await rm(path);
  await watcher.refresh();
  assert.equal(watcher.ring, first);
  assert.deepEqual(faults.map((fault) => fault.code), ['corrupt', 'unavailable']);
  builder.remove(0);
  builder.rebalance();
  await saveRing(path, builder.toRing());
  assert.equal(await watcher.refresh(), true);
  assert.deepEqual(changes, [builder.toRing().version]);
  assert.equal(watcher.ring.devices[0], undefined);
});

test('a watcher follows its file by the clock until its signal aborts', async () => {
  const path = join(folder, 'followed.ring');
  const builder = builderOf(6);
  await saveRing(path, builder.toRing());
  const clock = new ManualClock();
  const stop = new AbortController();
  const changed = Promise.withResolvers<void>();
  const watcher = await RingWatcher.open(path, { onChange: () => changed.resolve() });
  const watching = watcher.watch({ clock, intervalMs: 15_000, signal: stop.signal });
  builder.setWeight(0, 1);
  builder.rebalance();
  await saveRing(path, builder.toRing());
  clock.wind(15_000);
  await changed.promise;
  assert.equal(watcher.ring.version, builder.toRing().version);
  stop.abort(new Error('stopped'));
  await watching;
});

test('a cluster has rings for accounts, containers and each policy, and names all that are missing', async () => {
  const home = await mkdtemp(join(folder, 'set-'));
  const policies = new PolicySet([DEFAULT_POLICY, { ...DEFAULT_POLICY, index: 2, name: 'silver', default: false }]);
  const options = { folder: home, salt: { prefix: '', suffix: 'endcap' }, policies };
  await saveRing(join(home, ringFileName('account')), builderOf(4, { partPower: 4 }).toRing());
  await assert.rejects(RingSet.open(options), (error) => isStoreError(error, 'unavailable') && ['container.ring', 'object.ring', 'object-2.ring'].every((name) => error.message.includes(name)));
  await saveRing(join(home, ringFileName('container')), builderOf(4, { partPower: 5 }).toRing());
  await saveRing(join(home, ringFileName('object')), builderOf(4, { partPower: 6 }).toRing());
  await saveRing(join(home, ringFileName('object', 2)), builderOf(4, { partPower: 7 }).toRing());
  const rings = await RingSet.open(options);
  assert.deepEqual([rings.account, rings.container, rings.object(0), rings.object(2)].map((ring) => ring.partPower), [4, 5, 6, 7]);
  assert.throws(() => rings.object(1), (error) => isStoreError(error, 'policy-unknown'));
  assert.equal(rings.keyOf('a', 'c', 'o').toString('hex'), '06fbf0b514e5199dfc4e00f42eb5ea83');
  assert.equal(await rings.refresh(), false);
  await saveRing(join(home, ringFileName('object', 2)), builderOf(5, { partPower: 7 }).toRing());
  assert.equal(await rings.refresh(), true);
  assert.equal(rings.object(2).devices.length, 5);
});

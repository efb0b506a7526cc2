import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError, ManualClock, type Timestamp } from '#common';
import { openDevice, type Device } from '../device/device.ts';
import { SeededRandom } from '../files/random.ts';
import { SimulatedDisk } from '../files/simulated-disk.ts';
import { SimulatedIndex } from '../index-store/simulated-index.ts';

const key = Buffer.alloc(16, 7);
const name = '/a/c/o';
const at = (timestamp: number): { key: Buffer; name: string; timestamp: Timestamp } => ({ key, name, timestamp: timestamp as Timestamp });
const isCorrupt = (error: unknown): boolean => isStoreError(error, 'corrupt');

interface Bench {
  readonly device: Device;
  readonly disk: SimulatedDisk;
  readonly index: SimulatedIndex;
  readonly clock: ManualClock;
  /** Closes and opens it again; without its index where that is lost. */
  again(options?: { indexLost: boolean }): Promise<Device>;
}

/** A device whose one object, of timestamp 100 with metadata posted at 110, is damaged, and known to be. */
async function damaged(seed: number): Promise<Bench> {
  const disk = new SimulatedDisk(new SeededRandom(seed));
  let index = new SimulatedIndex();
  const clock = new ManualClock(0);
  const settings = { gatherUs: 0, volumeBytes: 8 << 10, reserveBytes: 0, minGarbage: 0, writeAmplification: 100 };
  const open = (): Promise<Device> => openDevice({ directory: '/device', clock, files: disk.files(), random: disk.random, openIndex: async () => index.open(disk), settings });
  let device = await open();
  await device.objects(0).put({ ...at(100), metadata: { ETag: 'x' }, data: Buffer.alloc(4000, 'x') });
  await device.objects(0).post({ ...at(110), base: 100 as Timestamp, metadata: { ETag: 'x', Colour: 'blue' } });
  while (!(await device.objects(0).open(key).then(() => false, isCorrupt))) assert.ok(disk.rot('/vol/'));
  return {
    get device() {
      return device;
    },
    get index() {
      return index;
    },
    disk,
    clock,
    again: async ({ indexLost } = { indexLost: false }) => {
      await device.close();
      if (indexLost) index = new SimulatedIndex();
      return (device = await open());
    },
  };
}

test('a device whose state of a key is damaged says so, whoever asks, until it has something as new', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { device } = await damaged(seed);
    const engine = device.objects(0);
    await assert.rejects(engine.stat(key), isCorrupt);
    await assert.rejects(engine.info(key), isCorrupt);
    await assert.rejects(engine.open(key), isCorrupt);
    await assert.rejects(engine.prepare(at(200)), isCorrupt, 'a promise would tell what there is');
    const older = await engine.put({ ...at(99), metadata: { ETag: 'old' }, data: Buffer.from('old') });
    assert.deepEqual([older.outcome, older.promised], ['superseded', 100]);
    assert.equal((await engine.delete(at(50))).outcome, 'superseded');
    assert.equal((await engine.put({ ...at(100), metadata: { ETag: 'x' }, data: Buffer.alloc(4000, 'x') })).outcome, 'committed');
    await assert.rejects(engine.stat(key), isCorrupt, 'metadata that was posted is missing yet');
    assert.equal((await engine.post({ ...at(110), base: 100 as Timestamp, metadata: { ETag: 'x', Colour: 'blue' } })).outcome, 'committed');
    assert.equal((await engine.info(key))?.metadata['Colour'], 'blue');
    await device.close();
  }
});

test('damage is remembered over a restart, a lost index and compaction, and over when something newer is written', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const bench = await damaged(seed);
    for (const options of [undefined, { indexLost: true }, undefined]) {
      const engine = (await bench.again(options)).objects(0);
      await assert.rejects(engine.stat(key), isCorrupt, `seed ${seed}`);
      for (let i = 0; i < 8; i++) await engine.put({ key: Buffer.alloc(16, 8), name: '/a/c/p', timestamp: (1000 + i) as Timestamp, metadata: {}, data: Buffer.alloc(3000) });
      while ((await engine.compact()).volume !== undefined);
      await assert.rejects(engine.stat(key), isCorrupt, `seed ${seed}`);
    }
    assert.equal((await bench.device.objects(0).delete(at(120))).outcome, 'committed');
    for (const options of [undefined, { indexLost: true }]) assert.equal((await (await bench.again(options)).objects(0).stat(key))?.deleted, true);
    await bench.device.close();
  }
});

test('damage is forgotten when it is older than the reclaim age, as tombstones are', async () => {
  const bench = await damaged(1);
  bench.clock.wind(8 * 86_400_000);
  await bench.device.objects(0).checkpoint();
  assert.equal(await bench.device.objects(0).stat(key), undefined);
  await bench.device.close();
});

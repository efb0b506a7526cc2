import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ManualClock, type Timestamp } from '#common';
import { openDevice, type Device } from '../device/device.ts';
import { SeededRandom } from '../files/random.ts';
import { SimulatedDisk } from '../files/simulated-disk.ts';
import { SimulatedIndex } from '../index-store/simulated-index.ts';

const clock = new ManualClock();
const at = (seconds: number): Timestamp => (Math.floor(clock.nowMs() * 100) + seconds * 100_000) as Timestamp;
const keyOf = (name: string): Buffer => createHash('md5').update(name).digest();
const KEY = keyOf('/a/c/o');

/** A device on a disk whose volumes are a few records long. */
function machine(): { index: SimulatedIndex; open(this: void): Promise<Device> } {
  const disk = new SimulatedDisk(new SeededRandom(1));
  const index = new SimulatedIndex();
  const processes = { self: { pid: 1, host: 'simulated', incarnation: '' }, isAlive: () => false };
  const settings = { volumeBytes: 12 << 10, gatherUs: 0, reserveBytes: 0, reclaimAgeMs: 3_600_000, writeAmplification: 10, minGarbage: 0.1 };
  return { index, open: () => openDevice({ directory: '/device', clock, files: disk.files(), random: new SeededRandom(2), settings, processes, openIndex: async () => index.open(disk) }) };
}

/** Writes one key over and over, so that there are volumes to empty, and empties them. */
async function compactAll(device: Device, seconds: number): Promise<void> {
  const engine = device.objects(0);
  for (let i = 0; i < 40; i++) await engine.put({ key: keyOf('/a/c/other'), name: '/a/c/other', timestamp: at(seconds + i / 100), metadata: { ETag: String(i) }, data: Buffer.alloc(2000, i) });
  while ((await engine.compact()).volume !== undefined);
}

test('a promise outlives the volume it was written to, and an index that is made anew', async () => {
  const { index, open } = machine();
  let device = await open();
  const prepare = (seconds: number): Promise<unknown> => device.objects(0).prepare({ key: KEY, name: '/a/c/o', timestamp: at(seconds) });
  const put = async (seconds: number): Promise<string> => (await device.objects(0).put({ key: KEY, name: '/a/c/o', timestamp: at(seconds), metadata: { ETag: 'e' }, data: Buffer.from('x') })).outcome;
  await prepare(5);
  await compactAll(device, 10);
  await device.close();
  index.drop();
  device = await open();
  assert.equal(await put(4), 'superseded');
  await compactAll(device, 20);
  await device.close();
  device = await open();
  assert.equal(await put(4), 'superseded');
  assert.equal(await put(5), 'committed');
  await device.close();
});

test('a promise nobody came for goes when it is older than the reclaim age', async () => {
  const { open } = machine();
  let device = await open();
  await device.objects(0).prepare({ key: KEY, name: '/a/c/o', timestamp: at(0) });
  const before = at(-1);
  const put = async (): Promise<string> => (await device.objects(0).put({ key: KEY, name: '/a/c/o', timestamp: before, metadata: { ETag: 'e' }, data: Buffer.from('x') })).outcome;
  clock.wind(3_000_000);
  await device.close();
  device = await open();
  assert.equal(await put(), 'superseded');
  clock.wind(700_000);
  await device.objects(0).checkpoint();
  assert.equal(await put(), 'committed');
  await device.close();
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { isStoreError, ManualClock, type Timestamp } from '#common';
import { openDevice } from '../device/device.ts';
import { SeededRandom } from '../files/random.ts';
import { NO_FAULTS, SimulatedDisk } from '../files/simulated-disk.ts';
import { SimulatedIndex } from '../index-store/simulated-index.ts';

test('a disk that fails anywhere in compaction is a fault of the device, and the next try goes on', async () => {
  const clock = new ManualClock();
  const disk = new SimulatedDisk(new SeededRandom(3));
  const index = new SimulatedIndex();
  const processes = { self: { pid: 1, host: 'simulated', incarnation: '' }, isAlive: () => false };
  const settings = { volumeBytes: 12 << 10, bigBytes: 4 << 10, gatherUs: 0, reserveBytes: 0, writeAmplification: 10, minGarbage: 0.1, faultLimit: 1000 };
  await using device = await openDevice({ directory: '/device', clock, files: disk.files(), random: new SeededRandom(2), settings, processes, openIndex: async () => index.open(disk) });
  const engine = device.objects(0);
  const key = createHash('md5').update('/a/c/o').digest();
  let faults = 0;
  let emptied = 0;
  for (let i = 0; i < 300; i++) {
    await engine.put({ key, name: '/a/c/o', timestamp: (170_000_000_000_000 + i) as Timestamp, metadata: { ETag: String(i) }, data: Buffer.alloc(3000, i) });
    disk.faults = { writeErrorOneIn: 4, syncErrorOneIn: 3, readErrorOneIn: 4 };
    try {
      if ((await engine.compact()).volume !== undefined) emptied++;
    } catch (error) {
      assert(isStoreError(error, 'device-unavailable', 'corrupt'), String(error));
      faults++;
    }
    disk.faults = NO_FAULTS;
  }
  assert(faults > 5 && emptied > 5, `${faults} faults, ${emptied} volumes emptied`);
});

test('copies that fail while the next records are read are a fault of this compaction, not of the process', async () => {
  const disk = new SimulatedDisk(new SeededRandom(3));
  disk.slowReads = true;
  const index = new SimulatedIndex();
  const processes = { self: { pid: 1, host: 'simulated', incarnation: '' }, isAlive: () => false };
  const settings = { volumeBytes: 1 << 20, bigBytes: 256 << 10, gatherUs: 0, reserveBytes: 0, writeAmplification: 10, minGarbage: 0.1, faultLimit: 1000 };
  await using device = await openDevice({ directory: '/device', clock: new ManualClock(), files: disk.files(), random: new SeededRandom(2), settings, processes, openIndex: async () => index.open(disk) });
  const engine = device.objects(0);
  // Every other record is overwritten, so that the first volume is worth it and half of it must be copied.
  const order = [...Array.from({ length: 40 }, (_, i) => i), ...Array.from({ length: 20 }, (_, i) => 2 * i)];
  for (const [i, n] of order.entries()) {
    const name = `/a/c/${n}`;
    await engine.put({ key: createHash('md5').update(name).digest(), name, timestamp: (170_000_000_000_000 + i) as Timestamp, metadata: { ETag: String(i) }, data: Buffer.alloc(30_000, i) });
  }
  disk.faults = { ...NO_FAULTS, writeErrorOneIn: 1 };
  await assert.rejects(engine.compact(), (error) => isStoreError(error, 'device-unavailable'));
  disk.faults = NO_FAULTS;
  assert.notEqual((await engine.compact()).volume, undefined);
});

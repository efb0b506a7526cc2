import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ManualClock, type Timestamp } from '#common';
import type { VolumeEngine } from './volume-engine.ts';
import { openDevice } from '../device/device.ts';
import { SeededRandom } from '../files/random.ts';
import type { IndexStore } from '../index-store/index-store.ts';
import { SimulatedDisk } from '../files/simulated-disk.ts';
import { SimulatedIndex } from '../index-store/simulated-index.ts';

const keyOf = (i: number): Buffer => createHash('md5').update(String(i)).digest();
const put = (engine: VolumeEngine, i: number, timestamp: number): Promise<unknown> =>
  engine.put({ key: keyOf(i), name: `/a/c/${i}`, timestamp: timestamp as Timestamp, metadata: { ETag: 'e' }, data: Buffer.alloc(100) });

/** A device on simulated parts, to be crashed. */
function machine(): { open: (settings?: object) => Promise<VolumeEngine>; crash: () => void; failBefore: (batches: number) => void; disk: SimulatedDisk } {
  const disk = new SimulatedDisk(new SeededRandom(1));
  const index = new SimulatedIndex();
  let pid = 1;
  const clock = new ManualClock();
  let batchesLeft = Infinity;
  const openIndex = (): IndexStore => {
    const store = index.open(disk);
    const counted = async (work: () => Promise<void>): Promise<void> => {
      if (batchesLeft-- <= 0) disk.crashNow();
      return work();
    };
    return { ...store, batch: (changes) => counted(() => store.batch(changes)), barrier: () => counted(() => store.barrier()) };
  };
  const open = async (settings = {}): Promise<VolumeEngine> => {
    const processes = { self: { pid: pid++, host: 'simulated', incarnation: '' }, isAlive: () => false };
    const device = await openDevice({ directory: '/device', clock, files: disk.files(), random: disk.random, openIndex: async () => openIndex(), processes, settings: { gatherUs: 0, reserveBytes: 0, ...settings } });
    return device.objects(0);
  };
  return {
    open,
    failBefore: (batches) => (batchesLeft = batches),
    crash: () => {
      batchesLeft = Infinity;
      disk.crashNow();
      disk.reboot();
      index.crash(disk.random);
    },
    disk,
  };
}

test('a digest is of what is held, not of how it came to be', async () => {
  const [here, there] = [await machine().open(), await machine().open()];
  for (let i = 0; i < 50; i++) await put(here, i, 5);
  for (let i = 49; i >= 0; i--) {
    await put(there, i, 3);
    await put(there, i, 5);
  }
  const prefixes = Array.from({ length: 64 }, (_, i) => i);
  const roots = (engine: VolumeEngine): Promise<Buffer> => engine.digests({ bits: 6, prefixes });
  assert((await roots(here)).equals(await roots(there)));
  await here.delete({ key: keyOf(7), name: '/a/c/7', timestamp: 9 as Timestamp });
  const partition = keyOf(7)[0]! >> 2;
  const [mine, theirs] = [await roots(here), await roots(there)];
  const differing = prefixes.filter((i) => !mine.subarray(i * 8, i * 8 + 8).equals(theirs.subarray(i * 8, i * 8 + 8)));
  assert.deepEqual(differing, [partition]);
});

test('after a crash between checkpoints the digests are those of the states that are held', async () => {
  const { open, crash } = machine();
  let engine = await open({ flushEntries: 4 });
  for (let i = 0; i < 30; i++) await put(engine, i, 5);
  await engine.checkpoint();
  for (let i = 20; i < 60; i++) await put(engine, i, 6);
  crash();
  engine = await open();
  assert.equal(await engine.wrongDigests(), 0);
  assert.deepEqual(await engine.stat(keyOf(25)), { timestamp: 6, deleted: false, metaTimestamp: 6, sizeBytes: 100 });
});

test('a crash at any moment of reclaiming tombstones leaves true digests', async () => {
  for (let batches = 1; batches < 24; batches++) {
    const { open, crash, failBefore, disk } = machine();
    let engine = await open({ volumeBytes: 4000, reclaimAgeMs: 0, minGarbage: 0, writeAmplification: 100, flushEntries: 2 });
    // The first volume is full of tombstones, which the first step of compaction reclaims.
    for (let i = 0; i < 40; i++) await engine.delete({ key: keyOf(i), name: `/a/c/${i}`, timestamp: 100 as Timestamp });
    await put(engine, 100, 5);
    failBefore(batches);
    for (let step = 0; step < 2 && !disk.crashed; step++) await engine.compact().catch(() => undefined);
    crash();
    engine = await open();
    assert.equal(await engine.wrongDigests(), 0, `the power failed before batch ${batches}`);
  }
});

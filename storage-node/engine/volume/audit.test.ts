import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError, ManualClock, timestampFromMs } from '#common';
import { DIGEST_BYTES } from '#storage-node/protocol';
import { openDevice, type Device } from '../device/device.ts';
import { SeededRandom } from '../files/random.ts';
import { SimulatedDisk } from '../files/simulated-disk.ts';
import { SimulatedIndex } from '../index-store/simulated-index.ts';
import { ENTRY_PREFIX } from './entry.ts';
import type { EngineEvent } from './settings.ts';
import type { VolumeEngine } from './volume-engine.ts';

const OBJECTS = 40;
const SETTINGS = { gatherUs: 0, volumeBytes: 64 << 10, bigBytes: 32 << 10, inlineReadBytes: 16 << 10, reserveBytes: 0 };

interface Bench {
  readonly engine: VolumeEngine;
  readonly device: Device;
  readonly disk: SimulatedDisk;
  readonly index: SimulatedIndex;
  readonly random: SeededRandom;
  readonly events: EngineEvent[];
}

const keyOf = (i: number): Buffer => Buffer.alloc(16, i + 1);
const bodyOf = (i: number): Buffer => Buffer.alloc(i % 10 === 0 ? 100_000 : 500 * (i + 1), `body ${i} `);

/** A device that holds objects of all sizes, small and in files of their own, overwritten and deleted ones among them. */
async function benchOf(seed: number): Promise<Bench> {
  const random = new SeededRandom(seed);
  const disk = new SimulatedDisk(random);
  const index = new SimulatedIndex();
  const clock = new ManualClock();
  const events: EngineEvent[] = [];
  const device = await openDevice({ directory: '/device', clock, files: disk.files(), random: disk.random, openIndex: async () => index.open(disk), settings: SETTINGS, report: (event) => void events.push(event) });
  const engine = device.objects(0);
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < OBJECTS; i++) {
      const write = { key: keyOf(i), name: `/a/c/${i}`, timestamp: timestampFromMs(1000 * (round + 1) + i) };
      if (i % 7 === 3 && round === 1) await engine.delete(write);
      else await engine.put({ ...write, metadata: { ETag: String(i) }, data: bodyOf(i) });
    }
  }
  await engine.checkpoint();
  return { engine, device, disk, index, random, events };
}

/** A whole pass, in small steps. */
async function pass(engine: VolumeEngine): Promise<{ records: number; entries: number; damaged: number; brokenGroups: number; unindexed: number; steps: number }> {
  const sum = { records: 0, entries: 0, damaged: 0, brokenGroups: 0, unindexed: 0, steps: 0 };
  for (;;) {
    const { done, ...step } = await engine.audit(20_000);
    sum.steps++;
    for (const field of ['records', 'entries', 'damaged', 'brokenGroups', 'unindexed'] as const) sum[field] += step[field];
    if (done) return sum;
  }
}

async function readAll(engine: VolumeEngine, i: number): Promise<Buffer | undefined> {
  await using reader = await engine.open(keyOf(i));
  if (reader === undefined) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of reader.read(0, reader.info.sizeBytes)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

test('a sound device passes: everything in force is read once, and nothing is found', async () => {
  const { engine, device } = await benchOf(1);
  const found = await pass(engine);
  assert.deepEqual({ ...found, steps: 0 }, { records: OBJECTS, entries: OBJECTS, damaged: 0, brokenGroups: 0, unindexed: 0, steps: 0 });
  assert.ok(found.steps > 10, 'it can rest in between');
  assert.equal((await pass(engine)).records, OBJECTS, 'and begins again');
  await device.close();
});

test('a bit that flips in a volume or a big file is found before anyone reads it, whichever it is', async () => {
  let quarantined = 0;
  for (let seed = 1; seed <= 120; seed++) {
    const { engine, device, disk, events } = await benchOf(seed);
    const rotted = disk.rot(seed % 3 === 0 ? '/big/' : '/vol/');
    assert.ok(rotted);
    const found = await pass(engine);
    quarantined += found.damaged;
    assert.equal(events.filter(({ event }) => event === 'quarantined').length, found.damaged, `seed ${seed}`);
    for (let i = 0; i < OBJECTS; i++) {
      // What was hit is known to be damaged; what is left is whole, or was overwritten long ago.
      const data = await readAll(engine, i).catch((error: unknown) => {
        assert.ok(isStoreError(error, 'corrupt') && found.damaged > 0, String(error));
        return undefined;
      });
      assert.ok(data === undefined || data.equals(bodyOf(i)), `seed ${seed}, object ${i}`);
    }
    assert.equal((await pass(engine)).damaged, 0, `seed ${seed}: all was found at once`);
    assert.equal(await engine.wrongDigests(), 0, `seed ${seed}`);
    await device.close();
  }
  assert.ok(quarantined > 60, `${quarantined} of 120 flips hit something in force`);
});

test('a bit that flips in an entry of the index is noticed at once, is no answer, and the record is found again', async () => {
  for (let seed = 1; seed <= 120; seed++) {
    const { engine, device, index, random, events } = await benchOf(seed);
    assert.ok(index.rot(random, ENTRY_PREFIX));
    let lost = 0;
    for (let i = 0; i < OBJECTS; i++) {
      const wanted = i % 7 === 3 ? undefined : bodyOf(i);
      const data = await readAll(engine, i).catch((error: unknown) => {
        assert.ok(isStoreError(error, 'corrupt'), `seed ${seed}, object ${i}: ${String(error)}`);
        lost++;
        return wanted;
      });
      assert.deepEqual(data, wanted, `seed ${seed}, object ${i}`);
    }
    assert.equal(lost, 1, `seed ${seed}`);
    assert.equal(events.filter(({ event }) => event === 'quarantined').length, 1);
    const { unindexed } = await pass(engine);
    const again = await Promise.allSettled(Array.from({ length: OBJECTS }, (_, i) => readAll(engine, i)));
    const stillLost = again.filter(({ status }) => status === 'rejected').length;
    // A tombstone is left to the other replicas.
    assert.equal(unindexed + stillLost, 1, `seed ${seed}`);
    assert.equal(await engine.wrongDigests(), 0, `seed ${seed}`);
    await device.close();
  }
});

test('an entry that is gone from the index is found in the volumes, and the digests count it', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const { engine, device, index, random } = await benchOf(seed);
    const before = await digest(engine);
    assert.ok(index.lose(random, ENTRY_PREFIX));
    const { unindexed } = await pass(engine);
    for (let i = 0; i < OBJECTS; i++) assert.deepEqual(await readAll(engine, i), i % 7 === 3 ? undefined : bodyOf(i), `seed ${seed}, object ${i}`);
    if (unindexed === 1) assert.deepEqual(await digest(engine), before, `seed ${seed}`);
    await device.close();
  }
});

function digest(engine: VolumeEngine): Promise<Buffer> {
  return engine.digests({ bits: 0, prefixes: [0] }).then((bytes) => bytes.subarray(0, DIGEST_BYTES));
}

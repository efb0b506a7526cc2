import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { isStoreError, ManualClock, type Timestamp } from '#common';
import type { WriteReceipt } from '#storage-node/protocol';
import { openDevice, type Device } from '../device/device.ts';
import { SeededRandom } from '../files/random.ts';
import { NO_FAULTS, SimulatedDisk } from '../files/simulated-disk.ts';
import { SimulatedIndex } from '../index-store/simulated-index.ts';
import type { EngineEvent } from './settings.ts';
import type { VolumeEngine } from './volume-engine.ts';

class Bench {
  readonly disk = new SimulatedDisk(new SeededRandom(7));
  readonly index = new SimulatedIndex();
  readonly clock = new ManualClock();
  readonly events: EngineEvent['event'][] = [];
  syncs = 0;

  async open(): Promise<{ device: Device; engine: VolumeEngine }> {
    const files = this.disk.files();
    const counted: typeof files = {
      ...files,
      open: (path, mode) => {
        const file = files.open(path, mode);
        const sync = file.sync.bind(file);
        return Object.assign(file, { sync: () => (this.syncs++, sync()) });
      },
    };
    const device = await openDevice({
      directory: '/d', clock: this.clock, files: counted, random: this.disk.random, openIndex: async () => this.index.open(this.disk),
      settings: { gatherUs: 0, reserveBytes: 0 }, report: ({ event }) => this.events.push(event), processes: { self: { pid: 1, host: 'h', incarnation: '' }, isAlive: () => false },
    });
    return { device, engine: device.objects(0) };
  }

  /** The power fails, and the machine comes up again. */
  async crash(): Promise<{ device: Device; engine: VolumeEngine }> {
    this.disk.crashNow();
    this.disk.reboot();
    this.index.crash(this.disk.random);
    return this.open();
  }
}

const keyOf = (name: string): Buffer => createHash('md5').update(name).digest();
const put = (engine: VolumeEngine, name: string, seconds = 1): Promise<WriteReceipt> =>
  engine.put({ key: keyOf(name), name, timestamp: (17e13 + seconds * 1e5) as Timestamp, metadata: { ETag: 'e' }, data: Buffer.alloc(1000, name) });

test('a hundred writes at once cost one sync, and say the same time and rising sequence numbers', async () => {
  const bench = new Bench();
  const { engine } = await bench.open();
  await put(engine, '/a/c/first');
  const before = bench.syncs;
  const receipts = await Promise.all(Array.from({ length: 100 }, (_, i) => put(engine, `/a/c/${i}`)));
  assert.equal(bench.syncs - before, 1);
  const sequences = receipts.map((receipt) => receipt.durability?.sequence ?? 0);
  assert.deepEqual(sequences, sequences.toSorted((a, b) => a - b));
  assert.equal(new Set(sequences).size, 100);
});

test('a write is answered after its sync and not before', async () => {
  const bench = new Bench();
  const { engine } = await bench.open();
  await put(engine, '/a/c/first');
  bench.disk.faults = { ...NO_FAULTS, syncErrorOneIn: 1 };
  await assert.rejects(put(engine, '/a/c/o'), (error) => isStoreError(error, 'device-unavailable'));
  assert.equal(await engine.stat(keyOf('/a/c/o')), undefined, 'it has not taken effect');
});

test('a failed sync poisons the volume: later writes go to another, and nothing acknowledged is lost', async () => {
  const bench = new Bench();
  const { engine } = await bench.open();
  const first = await put(engine, '/a/c/1');
  bench.disk.faults = { ...NO_FAULTS, syncErrorOneIn: 1 };
  await assert.rejects(put(engine, '/a/c/2'));
  bench.disk.faults = NO_FAULTS;
  assert(bench.events.includes('volume-poisoned'));
  const third = await put(engine, '/a/c/3');
  assert((third.durability?.volume ?? 0) > (first.durability?.volume ?? 0));
  const { engine: again } = await bench.crash();
  assert.notEqual(await again.stat(keyOf('/a/c/1')), undefined);
  assert.equal(await again.stat(keyOf('/a/c/2')), undefined, 'the header of the next volume says that it does not count');
  assert.notEqual(await again.stat(keyOf('/a/c/3')), undefined);
});

test('three faults within an hour fence the device, until it is opened again', async () => {
  const bench = new Bench();
  const { engine } = await bench.open();
  await put(engine, '/a/c/1');
  for (let fault = 0; fault < 3; fault++) {
    bench.disk.faults = { ...NO_FAULTS, writeErrorOneIn: 1 };
    await assert.rejects(put(engine, '/a/c/2'));
    bench.disk.faults = NO_FAULTS;
  }
  assert(bench.events.includes('device-fenced'));
  await assert.rejects(engine.stat(keyOf('/a/c/1')), (error) => isStoreError(error, 'device-unavailable') && error.message.includes('fenced'));
  const { engine: again } = await bench.crash();
  assert.notEqual(await again.stat(keyOf('/a/c/1')), undefined);
});

test('faults far apart do not fence the device', async () => {
  const bench = new Bench();
  const { engine } = await bench.open();
  for (let fault = 0; fault < 6; fault++) {
    bench.disk.faults = { ...NO_FAULTS, writeErrorOneIn: 1 };
    await assert.rejects(put(engine, '/a/c/2'));
    bench.disk.faults = NO_FAULTS;
    bench.clock.wind(3_600_001);
    await put(engine, '/a/c/1', fault);
  }
});

test('a full device says so, keeps what it has, serves it, and goes on when there is room', async () => {
  const bench = new Bench();
  const { engine } = await bench.open();
  await put(engine, '/a/c/1');
  bench.disk.capacityBytes = bench.disk.usedBytes() + 500;
  await assert.rejects(put(engine, '/a/c/2'), (error) => isStoreError(error, 'device-full'));
  await assert.rejects(put(engine, '/a/c/2'), (error) => isStoreError(error, 'device-full'));
  assert.notEqual(await engine.open(keyOf('/a/c/1')), undefined);
  const { engine: reopened } = await bench.crash();
  assert.notEqual(await reopened.open(keyOf('/a/c/1')), undefined, 'it opens though it is full');
  bench.disk.capacityBytes = Infinity;
  bench.clock.wind(2000);
  await put(reopened, '/a/c/2');
  const { engine: again } = await bench.crash();
  for (const name of ['/a/c/1', '/a/c/2']) assert.notEqual(await again.stat(keyOf(name)), undefined, name);
});

/** Bytes of the newest volume of a device. */
function newestVolume(bench: Bench): { path: string; bytes: Buffer } {
  const path = bench.disk.paths('/vol/').at(-1) ?? '';
  const file = bench.disk.files().open(path, 'read');
  const bytes = Buffer.alloc(file.sizeBytes());
  file.readSync(bytes, 0);
  return { path, bytes };
}

test('a volume that a client stored as an object is not taken for part of the volume it is in', async () => {
  const attacker = new Bench();
  await put((await attacker.open()).engine, '/a/c/forged');
  const bench = new Bench();
  const { engine } = await bench.open();
  bench.disk.random.below(1000); // so that the two do not draw the same nonces
  // Records begin at multiples of 8: one of eight shifts puts the forged ones there.
  const names = Array.from({ length: 8 }, (_, shift) => `/a/c/trojan-${shift}`);
  for (const [shift, name] of names.entries()) {
    const data = Buffer.concat([Buffer.alloc(shift), newestVolume(attacker).bytes]);
    await engine.put({ key: keyOf(name), name, timestamp: 17e13 as Timestamp, metadata: { ETag: 'x' }, data });
  }
  await put(engine, '/a/c/after');
  // The records around them are damaged, so that recovery looks for the next one inside their data.
  const { path, bytes } = newestVolume(bench);
  const file = bench.disk.files().open(path, 'write');
  for (const name of names) file.writeSync([Buffer.from('X')], bytes.indexOf(name));
  await file.sync();
  bench.index.drop();
  const { engine: rebuilt } = await bench.crash();
  assert.equal(await rebuilt.stat(keyOf('/a/c/forged')), undefined);
  for (const name of names) assert.equal(await rebuilt.stat(keyOf(name)), undefined, name);
  assert.notEqual(await rebuilt.stat(keyOf('/a/c/after')), undefined);
});

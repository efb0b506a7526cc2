import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isStoreError, ManualClock, type Timestamp } from '#common';
import type { EngineEvent, VolumeSettings } from '../volume/settings.ts';
import type { VolumeEngine } from '../volume/volume-engine.ts';
import { openDevice, type Device } from './device.ts';
import { systemProcesses, type Holder, type Processes } from './lock.ts';

const clock = new ManualClock();
const at = (seconds: number): Timestamp => (170_000_000_000_000 + seconds * 100_000) as Timestamp;
const keyOf = (name: string): Buffer => createHash('md5').update(name).digest();

function scratch(t: TestContext): string {
  const directory = fs.mkdtempSync(join(tmpdir(), 'gori-device-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function put(engine: VolumeEngine, name: string, data: Buffer, seconds = 1): Promise<void> {
  const receipt = await engine.put({ key: keyOf(name), name, timestamp: at(seconds), metadata: { ETag: 'e' }, data });
  assert.equal(receipt.outcome, 'committed');
}

async function content(engine: VolumeEngine, name: string): Promise<Buffer | undefined> {
  await using reader = await engine.open(keyOf(name));
  const chunks: Buffer[] = [];
  for await (const chunk of reader?.read(0, reader.info.sizeBytes) ?? []) chunks.push(chunk);
  return reader && Buffer.concat(chunks);
}

const open = (directory: string, more: { settings?: Partial<VolumeSettings>; report?: (event: EngineEvent) => void; processes?: Processes; policies?: number[] } = {}): Promise<Device> =>
  openDevice({ directory, clock, ...more, settings: { gatherUs: 0, reserveBytes: 0, ...more.settings } });

/** Flips a byte of the only file in `directory` that contains `needle`, within it. */
function damage(directory: string, needle: Buffer): void {
  for (const name of fs.readdirSync(directory)) {
    const path = join(directory, name);
    const bytes = fs.readFileSync(path);
    const found = bytes.indexOf(needle);
    if (found < 0) continue;
    bytes[found] = (bytes[found] ?? 0) ^ 1;
    fs.writeFileSync(path, bytes);
    return;
  }
  assert.fail('the bytes to damage were not found');
}

test('a device keeps its uuid and format from its first opening on', async (t) => {
  const directory = join(scratch(t), 'deep', 'device');
  const first = await open(directory);
  await first.close();
  const again = await open(directory);
  assert.match(first.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(again.uuid, first.uuid);
  await again.close();
});

test('a device of a later format is refused', async (t) => {
  const directory = scratch(t);
  fs.writeFileSync(join(directory, 'DEVICE.json'), JSON.stringify({ uuid: 'x', format: 99 }));
  await assert.rejects(open(directory), (error) => isStoreError(error, 'device-unavailable') && error.message.includes('format 99'));
  assert.deepEqual(fs.readdirSync(directory), ['DEVICE.json'], 'the lock is let go');
});

test('a device that a living process holds is refused, and the holder is named', async (t) => {
  const directory = scratch(t);
  const device = await open(directory);
  await assert.rejects(open(directory), (error) => isStoreError(error, 'device-locked') && error.message.includes(`process ${process.pid} `) && error.detail['pid'] === process.pid);
  await device.close();
  await (await open(directory)).close();
});

test('the lock of a dead process, or of one whose id was used again, is taken over', async (t) => {
  const directory = scratch(t);
  const { self } = systemProcesses;
  const dead: Holder[] = [{ ...self, incarnation: 'another boot/1' }, { ...self, pid: 4_194_305 }];
  for (const holder of dead) {
    fs.writeFileSync(join(directory, 'DEVICE.lock'), JSON.stringify({ ...holder, since: 'long ago' }));
    await (await open(directory)).close();
  }
  fs.writeFileSync(join(directory, 'DEVICE.lock'), '');
  await (await open(directory)).close();
});

test('without the lock file LevelDB\'s own lock stands, and the index of the living is left alone', async (t) => {
  const directory = scratch(t);
  const device = await open(directory);
  await put(device.objects(0), '/a/c/o', Buffer.from('one'));
  fs.unlinkSync(join(directory, 'DEVICE.lock'));
  await assert.rejects(open(directory), (error) => isStoreError(error, 'device-locked'));
  assert.equal((await content(device.objects(0), '/a/c/o'))?.toString(), 'one');
  await device.close();
});

test('policies are served side by side, and found again', async (t) => {
  const directory = scratch(t);
  const device = await open(directory, { policies: [0, 3] });
  await put(device.objects(3), '/a/c/o', Buffer.from('three'));
  assert.equal(await device.objects(0).stat(keyOf('/a/c/o')), undefined);
  assert.throws(() => device.objects(1), (error) => isStoreError(error, 'device-unavailable'));
  await device.close();
  const again = await open(directory);
  assert.deepEqual(again.policies, [0, 3]);
  assert.equal((await content(again.objects(3), '/a/c/o'))?.toString(), 'three');
  await again.close();
  await assert.rejects(again.objects(0).stat(keyOf('/a/c/o')), (error) => isStoreError(error, 'device-unavailable'));
});

test('a flipped bit is noted in quarantine, and the object corrupt until it is brought back, also after a rebuild', async (t) => {
  const directory = scratch(t);
  const device = await open(directory);
  const [small, large] = [Buffer.from('these bytes will rot'), randomBytes(300_000)];
  const engine = device.objects(0);
  await put(engine, '/a/c/small', Buffer.from('an older version, which must not come back'), 0.5);
  await put(engine, '/a/c/small', small);
  await put(engine, '/a/c/large', large);
  await put(engine, '/a/c/other', Buffer.from('untouched'));
  damage(join(directory, '0', 'vol'), small);
  damage(join(directory, '0', 'vol'), large.subarray(200_000, 200_100));
  await assert.rejects(content(engine, '/a/c/small'), (error) => isStoreError(error, 'corrupt'));
  await using reader = await engine.open(keyOf('/a/c/large'));
  for await (const chunk of reader?.read(0, 65_536) ?? []) assert(chunk.equals(large.subarray(0, 65_536)), 'blocks before the damage are served');
  await assert.rejects(content(engine, '/a/c/large'), (error) => isStoreError(error, 'corrupt'));
  assert.equal(fs.readdirSync(join(directory, 'quarantine')).length, 2);
  const check = async (device: Device): Promise<void> => {
    for (const name of ['/a/c/small', '/a/c/large']) await assert.rejects(device.objects(0).stat(keyOf(name)), (error) => isStoreError(error, 'corrupt'), name);
    assert.equal((await content(device.objects(0), '/a/c/other'))?.toString(), 'untouched');
  };
  await check(device);
  await device.close();
  fs.rmSync(join(directory, '0', 'index'), { recursive: true });
  const rebuilt = await open(directory);
  await check(rebuilt);
  await put(rebuilt.objects(0), '/a/c/small', small);
  assert.equal((await content(rebuilt.objects(0), '/a/c/small'))?.toString(), small.toString(), 'a replica repairs it');
  await rebuilt.close();
});

test('a big file that rots is quarantined with its bytes', async (t) => {
  const directory = scratch(t);
  const device = await open(directory);
  const data = randomBytes(2_000_000);
  await put(device.objects(0), '/a/c/big', data);
  damage(join(directory, '0', 'big'), data.subarray(1_500_000, 1_500_100));
  await assert.rejects(content(device.objects(0), '/a/c/big'), (error) => isStoreError(error, 'corrupt'));
  await assert.rejects(device.objects(0).stat(keyOf('/a/c/big')), (error) => isStoreError(error, 'corrupt'));
  assert.deepEqual(fs.readdirSync(join(directory, '0', 'big')), []);
  assert.equal(fs.readdirSync(join(directory, 'quarantine')).length, 2);
  await device.close();
});

test('an index that LevelDB cannot open is made anew from the volumes', async (t) => {
  const directory = scratch(t);
  const device = await open(directory);
  for (let i = 0; i < 50; i++) await put(device.objects(0), `/a/c/${i}`, Buffer.from(`content ${i}`));
  await device.close();
  const index = join(directory, '0', 'index');
  for (const name of fs.readdirSync(index)) if (name.startsWith('MANIFEST')) fs.writeFileSync(join(index, name), randomBytes(100));
  const events: string[] = [];
  const again = await open(directory, { report: ({ event }) => events.push(event) });
  assert(events.includes('index-rebuilt'));
  for (let i = 0; i < 50; i++) assert.equal((await content(again.objects(0), `/a/c/${i}`))?.toString(), `content ${i}`);
  await again.close();
});

test('compaction keeps copies within its bound, frees the space of what was overwritten, and leaves open readers alone', async (t) => {
  const directory = scratch(t);
  const device = await open(directory, { settings: { volumeBytes: 256 << 10, checkpointBytes: 128 << 10, inlineReadBytes: 4 << 10 } });
  const engine = device.objects(0);
  const version = (name: number, round: number): Buffer => Buffer.alloc(9000, `object ${name} round ${round}. `);
  await put(engine, '/a/c/old', Buffer.alloc(20_000, 'read while it is compacted. '), 1);
  await using reader = await engine.open(keyOf('/a/c/old'));
  await engine.delete({ key: keyOf('/a/c/old'), name: '/a/c/old', timestamp: at(2) });
  let copied = 0;
  for (let round = 1; round <= 10; round++) {
    // Two in three are overwritten in each round.
    for (let name = 0; name < 60; name++) if (round === 1 || (name + round) % 3 !== 0) await put(engine, `/a/c/${name}`, version(name, round), round);
    for (let step = await engine.compact(); step.volume !== undefined; step = await engine.compact()) copied += step.copiedBytes;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of reader?.read(0, 20_000) ?? []) chunks.push(chunk);
  assert(Buffer.concat(chunks).equals(Buffer.alloc(20_000, 'read while it is compacted. ')));
  const clientBytes = (60 + 9 * 40) * 9000;
  assert(copied > 0 && copied <= 0.3 * clientBytes * 1.05, `${copied} bytes copied for ${clientBytes} written`);
  const bytes = fs.readdirSync(join(directory, '0', 'vol')).reduce((sum, name) => sum + fs.statSync(join(directory, '0', 'vol', name)).size, 0);
  assert(bytes < 2.5 * 60 * 9000, `${bytes} bytes on disk for ${60 * 9000} in force`);
  for (let name = 0; name < 60; name++) {
    const round = (name + 10) % 3 !== 0 ? 10 : 9;
    assert((await content(engine, `/a/c/${name}`))?.equals(version(name, round)), `object ${name}`);
  }
  await device.close();
});

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isStoreError, systemClock, timestampFromMs } from '#common';
import { openListingEngine } from '../listing/level/level-listing-engine.ts';
import { checkDevice, repairDevice } from './check.ts';
import { openDevice } from './device.ts';

let directory: string;
before(async () => (directory = await mkdtemp(join(tmpdir(), 'gori-check-'))));
after(() => rm(directory, { recursive: true, force: true }));

const OBJECTS = 30;
const keyOf = (i: number): Buffer => Buffer.alloc(16, i + 1);
const bodyOf = (i: number): Buffer => Buffer.alloc(i % 10 === 0 ? 2_000_000 : 3000, `body ${i} `);

async function filled(name: string): Promise<string> {
  const folder = join(directory, name);
  await using device = await openDevice({ directory: folder, clock: systemClock, settings: { gatherUs: 0, reserveBytes: 0 } });
  for (let i = 0; i < OBJECTS; i++) await device.objects(0).put({ key: keyOf(i), name: `/a/c/${i}`, timestamp: timestampFromMs(Date.now() + i), metadata: { ETag: 'x' }, data: bodyOf(i) });
  const listings = await openListingEngine({ directory: join(folder, 'listings'), clock: systemClock });
  await listings.put({ database: { kind: 'container', key: keyOf(0), path: '/a/c' }, timestamp: timestampFromMs(Date.now()), metadata: {}, policy: 0 });
  await listings.close();
  return folder;
}

/** Flips a bit of the byte that `mark` begins at in one of the folder's files. */
async function rot(folder: string, mark: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name));
    const at = bytes.indexOf(mark);
    if (at < 0) continue;
    bytes[at]! ^= 4;
    return writeFile(join(folder, name), bytes);
  }
  assert.fail(`${mark} is nowhere in ${folder}`);
}

test('a sound device has no faults, and looking changes nothing of it', async () => {
  const folder = await filled('sound');
  const names = async (): Promise<string[]> => (await readdir(folder, { recursive: true })).sort();
  const had = await names();
  const { faults, notes, records, uuid } = await checkDevice(folder, systemClock);
  assert.deepEqual([faults, notes, records, typeof uuid], [[], [], OBJECTS, 'string']);
  assert.deepEqual(await names(), had);
});

test('damage in a volume and in a big file is named; a repair quarantines it, and the rest is whole', async () => {
  const folder = await filled('rotten');
  await rot(join(folder, '0', 'vol'), 'body 7 ');
  await rot(join(folder, '0', 'big'), 'body 20 ');
  const { faults } = await checkDevice(folder, systemClock);
  assert.deepEqual(faults.map((fault) => /\/a\/c\/\d+/.exec(fault)?.[0]).sort(), ['/a/c/20', '/a/c/7'], faults.join('\n'));
  assert.deepEqual(await repairDevice(folder, systemClock), { quarantined: 2, indexed: 0, databasesMended: 0, rebuilt: [] });
  await using device = await openDevice({ directory: folder, clock: systemClock });
  for (let i = 0; i < OBJECTS; i++) {
    const state = await device.objects(0).stat(keyOf(i)).catch((error: unknown) => (isStoreError(error, 'corrupt') ? 'damaged' : undefined));
    assert.equal(state === 'damaged', i === 7 || i === 20, String(i));
  }
});

test('what no device is, and one that a process has, are told from damage', async () => {
  await assert.rejects(checkDevice(join(directory, 'nothing'), systemClock), (error) => isStoreError(error, 'device-unavailable'));
  const folder = await filled('open');
  await using _device = await openDevice({ directory: folder, clock: systemClock });
  await assert.rejects(checkDevice(folder, systemClock), (error) => isStoreError(error, 'device-locked'));
});

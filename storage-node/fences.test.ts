import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isStoreError, ManualClock, silentLog, StoreError, systemClock } from '#common';
import { NodeClient } from '#storage-node/client';
import { bearerOf } from '#storage-node/protocol';
import { Fences } from './fences.ts';
import { startStorageNode } from './main.ts';

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'gori-fences-'))));
after(() => rm(folder, { recursive: true, force: true }));

const log = silentLog();
const diskError = (): StoreError => new StoreError('device-unavailable', 'the disk failed a read', { cause: Object.assign(new Error('read'), { code: 'EIO' }) });
const isFenced = (error: unknown): boolean => isStoreError(error, 'device-unavailable') && error.message.includes('fenced');

test('a device whose disk fails three times within an hour is fenced, over a restart too, until it is let back', async () => {
  const file = join(folder, 'fences.json');
  const clock = new ManualClock();
  const fences = await Fences.open({ file, clock, log });
  fences.note('d1', diskError());
  fences.note('d1', new StoreError('device-full', 'full', { cause: Object.assign(new Error('write'), { code: 'ENOSPC' }) }));
  fences.note('d1', diskError());
  clock.wind(3_700_000);
  fences.note('d1', diskError());
  fences.note('d1', diskError());
  fences.check('d1');
  fences.note('d1', diskError());
  assert.throws(() => fences.check('d1'), isFenced);
  fences.check('d2');
  await fences.raise('d1', 'again'); // written down
  const later = await Fences.open({ file, clock, log });
  assert.match(later.get('d1')!.reason, /errors of its disk within an hour, the last EIO/);
  await later.release('d1');
  assert.equal((await Fences.open({ file, clock, log })).get('d1'), undefined);
  await writeFile(file, '{');
  await assert.rejects(Fences.open({ file, clock, log }), (error) => isStoreError(error, 'corrupt'));
});

test('a fenced device is not served, is told of, is left out at the next start, and is served again when an operator lets it back', async () => {
  const file = join(folder, 'node.json');
  const options = { devices: ['d1', 'd2'].map((name) => ({ name, directory: join(folder, name) })), policies: [0], listen: { ip: '127.0.0.1', port: 0, secret: 'hush' }, clock: systemClock, log, fencesFile: file };
  const key = Buffer.alloc(16, 1);
  {
    await using node = await startStorageNode(options);
    const { port } = node.server!;
    using client = new NodeClient({ secret: 'hush' });
    const d1 = client.device({ ip: '127.0.0.1', port, device: 'd1' });
    const ask = async (method: string, path: string, body?: object): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { authorization: bearerOf('hush') }, ...(body && { body: JSON.stringify(body) }) });
    assert.equal(await d1.objects(0).stat(key), undefined);
    assert.equal((await ask('PUT', '/fences/d1', { fenced: true, reason: 'smells' })).status, 200);
    await assert.rejects(d1.objects(0).stat(key), isFenced);
    await assert.rejects(d1.listings.info({ kind: 'container', key, path: '/a/c' }), isFenced);
    assert.equal(await client.device({ ip: '127.0.0.1', port, device: 'd2' }).objects(0).stat(key), undefined);
    const { devices } = await node.recon();
    assert.deepEqual([devices['d1']?.state, devices['d1']?.reason, devices['d2']?.state], ['fenced', 'smells', 'serving']);
    assert.deepEqual(Object.keys((await (await ask('GET', '/fences')).json()) as object), ['d1']);
    assert.equal((await ask('PUT', '/fences/d9', { fenced: true })).status, 400);
  }
  await using node = await startStorageNode(options);
  assert.deepEqual([...node.devices.keys()], ['d2']);
  assert.equal((await node.recon()).devices['d1']?.state, 'fenced');
  await node.fences.release('d1');
  assert.equal((await node.recon()).devices['d1']?.state, 'unavailable', 'it is opened at the next start');
});

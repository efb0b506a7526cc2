import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isStoreError, silentLog, systemClock, type Timestamp } from '#common';
import { NodeClient } from '#storage-node/client';
import { bearerOf } from '#storage-node/protocol';
import { startStorageNode, type Recon, type StorageNodeOptions } from './main.ts';

const key = createHash('md5').update('/a/c/o').digest();
const database = { kind: 'container' as const, key, path: '/a/c' };

async function directories(): Promise<{ options: StorageNodeOptions; root: string } & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), 'gori-node-'));
  const devices = ['d1', 'd2'].map((name) => ({ name, directory: join(root, name) }));
  const listen = { ip: '127.0.0.1', port: 0, secret: 'hush' };
  return { root, options: { devices, policies: [0], listen, clock: systemClock, log: silentLog() }, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) };
}

test('a node keeps objects and listings over a restart, and serves them to other processes', async () => {
  await using temporary = await directories();
  const data = randomBytes(200_000);
  for (const round of [1, 2]) {
    await using node = await startStorageNode(temporary.options);
    using client = new NodeClient({ secret: 'hush' });
    const remote = client.device({ ip: '127.0.0.1', port: node.server!.port, device: 'd2' });
    if (round === 1) {
      const writer = await remote.objects(0).create({ key, name: '/a/c/o', timestamp: 5 as Timestamp, sizeHint: data.length, dated: true });
      await writer.write(data);
      assert.equal((await writer.commit({ ETag: 'x' })).outcome, 'committed');
      await remote.listings.put({ database, timestamp: 5 as Timestamp, metadata: {}, policy: 0, dated: true });
    }
    await using reader = await remote.objects(0).open(key);
    const chunks: Buffer[] = [];
    for await (const chunk of reader!.read(0, data.length)) chunks.push(chunk);
    assert.ok(Buffer.concat(chunks).equals(data));
    assert.equal((await remote.listings.info(database))?.putTimestamp, 5);
    assert.equal(await node.devices.get('d1')!.listings.info(database), undefined);
  }
});

test('a device that cannot be opened is left out, and one that another node holds ends the start', async () => {
  await using temporary = await directories();
  await writeFile(join(temporary.root, 'd1'), 'a file where the device should be');
  await using node = await startStorageNode(temporary.options);
  assert.deepEqual([...node.devices.keys()], ['d2']);
  await assert.rejects(startStorageNode(temporary.options), (error) => isStoreError(error, 'device-locked'));
});

test('a taken port ends the start, and leaves no device locked', async () => {
  await using temporary = await directories();
  await using other = await directories();
  await using node = await startStorageNode(temporary.options);
  const listen = { ip: '127.0.0.1', port: node.server!.port, secret: 'hush' };
  await assert.rejects(startStorageNode({ ...other.options, listen }), (error) => isStoreError(error, 'unavailable'));
  await using _again = await startStorageNode(other.options);
});

test('a node says how its drives and daemons are to whoever shows the secret, a drive that could not be opened too', async () => {
  await using temporary = await directories();
  await writeFile(join(temporary.root, 'd1'), 'a file where the device should be');
  await using node = await startStorageNode({ ...temporary.options, listen: { ip: '127.0.0.1', port: 0, secret: 'hush' } });
  node.daemons.push({ name: 'sweeper', passes: 3, lastPassAtMs: 5, lastPassTookMs: 1, lastDone: { swept: 2 }, totals: { swept: 9 }, lastFault: undefined, report: () => ({ left: 4 }) });
  await node.devices.get('d2')!.objects(0)!.put({ key, name: '/a/c/o', timestamp: 5 as Timestamp, metadata: {}, data: Buffer.from('x'), dated: true });
  const ask = (path: string, secret = 'hush') => fetch(`http://127.0.0.1:${node.server!.port}${path}`, { headers: { authorization: bearerOf(secret) } });
  const { devices, daemons } = (await (await ask('/recon')).json()) as Recon;
  assert.deepEqual([devices['d1']?.state, devices['d2']?.state, devices['d2']?.asyncPending, devices['d2']?.quarantined], ['unavailable', 'serving', 1, 0]);
  assert(devices['d2']!.freeBytes > 0 && devices['d2']!.sizeBytes > devices['d2']!.freeBytes);
  assert.deepEqual([daemons['sweeper']?.totals, daemons['sweeper']?.report], [{ swept: 9 }, { left: 4 }]);
  assert.deepEqual(Object.keys((await (await ask('/recon/daemons')).json()) as object), ['sweeper']);
  assert.equal((await ask('/recon/nothing')).status, 400);
  assert.equal((await ask('/recon', 'guess')).status, 401);
});

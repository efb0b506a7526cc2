import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { eventually, SwiftSession, TestCluster, type TestNode } from '../support/index.ts';
import { flipBit, type Shelf } from './damage.ts';

interface Story {
  readonly shelf: Shelf;
  readonly bytes: number;
  readonly stopped: boolean;
}

const STORIES: readonly Story[] = [
  { shelf: 'vol', bytes: 5000, stopped: false },
  { shelf: 'vol', bytes: 5000, stopped: true },
  { shelf: 'vol', bytes: 400_000, stopped: false },
  { shelf: 'vol', bytes: 400_000, stopped: true },
  { shelf: 'big', bytes: 3_000_000, stopped: false },
  { shelf: 'big', bytes: 3_000_000, stopped: true },
];

for (const { shelf, bytes, stopped } of STORIES) {
  test(`a bit that flips in the ${shelf === 'vol' ? 'volume' : 'big file'} of a ${stopped ? 'stopped' : 'running'} node (${bytes} bytes) is never served, is quarantined and healed`, async () => {
    await using cluster = await TestCluster.start();
    const swift = new SwiftSession(await cluster.login());
    await swift.put('/c');
    const body = randomBytes(bytes);
    assert.equal(await swift.put('/c/o', body), 201);
    assert.equal(await swift.put('/c/neighbour', 'untouched'), 201);
    // The first primary is the one that reads ask for the bytes.
    const [rotten] = cluster.primariesOf({ account: 'AUTH_test', container: 'c', object: 'o' }) as [TestNode];
    if (stopped) await rotten.stop();
    flipBit(rotten.directoryOf(), shelf, body.subarray(Math.floor(bytes / 2), Math.floor(bytes / 2) + 64));
    if (stopped) await rotten.start();
    const { key } = await cluster.proxies[0]!.store.where({ account: 'AUTH_test', container: 'c', object: 'o' });
    await eventually('the damage is noticed', async () => {
      assert(body.equals((await swift.get('/c/o'))!), 'what is served is whole');
      return rotten.events.some(({ event }) => event === 'quarantined');
    });
    assert(readdirSync(path.join(rotten.directoryOf(), 'quarantine')).length > 0);
    await eventually('reads give the device a good copy', async () => {
      assert(body.equals((await swift.get('/c/o'))!));
      return (await rotten.device().device.objects(0).stat(Buffer.from(key, 'hex')).catch(() => undefined)) !== undefined;
    });
    const chunks: Buffer[] = [];
    await using reader = await rotten.device().device.objects(0).open(Buffer.from(key, 'hex'));
    for await (const chunk of reader!.read(0, bytes)) chunks.push(chunk);
    assert(Buffer.concat(chunks).equals(body));
    assert.equal((await swift.get('/c/neighbour'))?.toString(), 'untouched');
  });
}

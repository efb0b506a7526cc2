import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreError } from '#common';
import type { DeviceClient } from '#storage-node/client';
import { SwiftSession, TestCluster } from '../support/index.ts';

/** Devices that commit objects, and whose container databases cannot be reached while `cut.off`: a proxy that dies between the two. */
function cutBetween(cut: { off: boolean }): (client: DeviceClient) => DeviceClient {
  return (client) => ({
    objects: (policy) => client.objects(policy),
    listings: new Proxy(client.listings, {
      get(target, name: keyof DeviceClient['listings']) {
        if (name === 'merge' && cut.off) return () => Promise.reject(new StoreError('device-unavailable', 'the proxy is dead'));
        return (target[name] as (...values: unknown[]) => unknown).bind(target);
      },
    }),
  });
}

test('an object whose proxy died before it was listed is listed by the updater', async () => {
  const cut = { off: false };
  await using cluster = await TestCluster.start({ wrap: cutBetween(cut) });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  assert.equal(await swift.put('/c/deleted', 'x'), 201);
  assert.equal(await swift.put('/c/overwritten', 'short'), 201);
  cut.off = true;
  assert.equal(await swift.put('/c/written', 'content'), 503, 'what is not listed is not acknowledged');
  assert.equal(await swift.put('/c/overwritten', 'much longer'), 503);
  assert.equal((await swift.ask('DELETE', '/c/deleted')).status, 503);
  cut.off = false;
  assert.deepEqual(await swift.list('/c'), ['deleted', 'overwritten'], 'not yet');
  for (const node of cluster.nodes) {
    await node.stop();
    await node.start();
  }
  await cluster.update();
  assert.deepEqual(await swift.list('/c'), ['overwritten', 'written']);
  assert.equal((await swift.get('/c/written'))?.toString(), 'content');
  const { body } = await swift.ask('GET', '/c?format=json');
  assert.deepEqual((JSON.parse(body.toString()) as { bytes: number }[]).map(({ bytes }) => bytes), [11, 7]);
});

test('an object that reached one device only is not listed by the updater before a majority has it', async () => {
  const failing = { devices: 0 };
  const wrap = (client: DeviceClient): DeviceClient => ({
    listings: client.listings,
    objects: (policy) => {
      const engine = client.objects(policy);
      const refuse = (): Promise<never> => Promise.reject(new StoreError('device-unavailable', 'away'));
      if (failing.devices <= 0) return engine;
      return new Proxy(engine, { get: (target, name: keyof typeof engine) => (name === 'put' && failing.devices-- > 0 ? refuse : (target[name] as (...values: unknown[]) => unknown).bind(target)) });
    },
  });
  await using cluster = await TestCluster.start({ nodes: 3, wrap });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  failing.devices = 2;
  assert.equal(await swift.put('/c/o', 'on one device'), 503);
  await cluster.update();
  const listed = await swift.list('/c');
  const held = await swift.get('/c/o');
  assert.deepEqual(listed, held === undefined ? [] : ['o'], 'the listing says what a read says');
});

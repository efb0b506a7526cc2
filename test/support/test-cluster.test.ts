import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestCluster } from './test-cluster.ts';

test('a test cluster stores, survives the stop of any one node, and finds everything when it is back', async () => {
  await using cluster = await TestCluster.start();
  const { url, token } = await cluster.login();
  const headers = { 'X-Auth-Token': token };
  const put = async (name: string): Promise<number> => (await fetch(`${url}/c/${name}`, { method: 'PUT', headers, body: `content of ${name}` })).status;
  assert.equal((await fetch(`${url}/c`, { method: 'PUT', headers })).status, 201);
  assert.equal(await put('before'), 201);
  for (const node of cluster.nodes) {
    await node.stop();
    assert.equal(await put(`without ${node.name}`), 201);
    assert.equal(await (await fetch(`${url}/c/before`, { headers })).text(), 'content of before');
    await node.start();
  }
  await cluster.update();
  const listing = await (await fetch(`${url}/c`, { headers })).text();
  assert.deepEqual(listing.trim().split('\n'), ['before', ...cluster.nodes.map(({ name }) => `without ${name}`)].sort());
});

test('nodes say where an object lives, and stand where the ring puts them', async () => {
  await using cluster = await TestCluster.start({ nodes: 5 });
  const { url, token } = await cluster.login();
  const headers = { 'X-Auth-Token': token };
  await fetch(`${url}/c`, { method: 'PUT', headers });
  await fetch(`${url}/c/o`, { method: 'PUT', headers, body: 'x' });
  const name = { account: 'AUTH_test', container: 'c', object: 'o' };
  const primaries = cluster.primariesOf(name);
  assert.equal(primaries.length, 3);
  const { key } = await cluster.proxies[0]!.store.where(name);
  for (const node of cluster.nodes) {
    const state = await node.device().device.objects(0).stat(Buffer.from(key, 'hex'));
    assert.equal(state !== undefined, primaries.includes(node), node.name);
  }
});

import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { PolicySet } from '#ring';
import { ringsOver, SwiftSession, TestCluster, type TestNode } from '../support/index.ts';

/** What each node holds of accounts and containers: paths and versions. */
async function held(node: TestNode): Promise<string[]> {
  const versions = [];
  for (const kind of ['account', 'container'] as const) versions.push(...(await node.device().listings.databaseVersions({ kind, bits: 0, prefixes: [0], limit: 1000 })));
  return versions.map(({ database, version }) => `${database.path} ${version}`).sort();
}

async function settle(cluster: TestCluster): Promise<void> {
  await cluster.update();
  await cluster.replicate();
}

test('an emptied device and one that slept have the same databases as the others again, deletions among them', async () => {
  await using cluster = await TestCluster.start({ nodes: 3 });
  const swift = new SwiftSession(await cluster.login());
  for (const container of ['/kept', '/gone', '/emptied']) await swift.put(container);
  for (let i = 0; i < 30; i++) await swift.put(`/kept/${i}`, 'x');
  await swift.put('/emptied/o', 'x');
  const [emptied, slept] = cluster.nodes as [TestNode, TestNode, TestNode];
  await slept.stop();
  await swift.ask('DELETE', '/emptied/o');
  for (const container of ['/gone', '/emptied']) assert.equal((await swift.ask('DELETE', container)).status, 204);
  for (let i = 0; i < 10; i++) await swift.ask('DELETE', `/kept/${i}`);
  await swift.ask('POST', '/kept', { headers: { 'X-Container-Meta-Colour': 'blue' } });
  await slept.start();
  await settle(cluster);
  const before = await held(emptied);
  assert.deepEqual(await held(slept), before);
  await emptied.stop();
  await rm(emptied.directoryOf(), { recursive: true });
  await emptied.start();
  assert.deepEqual(await held(emptied), []);
  await cluster.replicate();
  assert.deepEqual(await held(emptied), before);
  assert.equal((await swift.list('/kept')).length, 20);
});

test('databases of a node that leaves the ring go to those that take its place, and none stays', async () => {
  await using cluster = await TestCluster.start({ nodes: 4 });
  const swift = new SwiftSession(await cluster.login());
  for (let i = 0; i < 6; i++) {
    await swift.put(`/c${i}`);
    await swift.put(`/c${i}/o`, 'x');
  }
  await cluster.update();
  const places = cluster.nodes.slice(1).map(({ port }, i) => ({ zone: i + 2, ip: '127.0.0.1', port, device: 'd1' }));
  const rings = ringsOver(places, { replicas: 3, policies: new PolicySet() });
  for (const node of cluster.nodes) node.useRings(rings);
  await cluster.replicate();
  const [left, ...others] = await Promise.all(cluster.nodes.map(held));
  assert.deepEqual(left, []);
  assert.equal(others[0]!.length, 7);
  for (const other of others) assert.deepEqual(other, others[0]);
});

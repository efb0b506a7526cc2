import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { ManualClock } from '#common';
import { PolicySet, type Ring } from '#ring';
import { ringsOver, SwiftSession, TestCluster, type TestNode } from '../support/index.ts';

/** What each node holds: keys and states as text. */
async function held(node: TestNode): Promise<Map<string, string>> {
  const states = new Map<string, string>();
  for await (const { key, state } of node.device().device.objects(0).everything()) states.set(key.toString('hex'), JSON.stringify(state));
  return states;
}

/** Every key is on exactly its primaries, in one state. */
async function assertHome(cluster: TestCluster, ring: Ring = cluster.rings.object(0)): Promise<number> {
  const all = await Promise.all(cluster.nodes.map(held));
  const keys = new Set(all.flatMap((states) => [...states.keys()]));
  for (const hex of keys) {
    const primaries = ring.primaries(ring.partition(Buffer.from(hex, 'hex'))).map((device) => cluster.nodeOf(device));
    const states = new Set(primaries.map((node) => all[cluster.nodes.indexOf(node)]!.get(hex)));
    assert.equal(states.size, 1, `${hex}: ${[...states].join(' and ')}`);
    cluster.nodes.forEach((node, i) => assert.equal(all[i]!.has(hex), primaries.includes(node), `${hex} on ${node.name}`));
  }
  for (const node of cluster.nodes) assert.equal(await node.device().device.objects(0).wrongDigests(), 0);
  return keys.size;
}

test('what a node missed while it was away is sent to it, and what others held for it goes home', async () => {
  await using cluster = await TestCluster.start({ nodes: 5 });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  for (let i = 0; i < 30; i++) assert.equal(await swift.put(`/c/${i}`, `first ${i}`), 201);
  const [away] = cluster.nodes as [TestNode, ...TestNode[]];
  await away.stop();
  const big = randomBytes(3 << 20);
  for (let i = 0; i < 6; i++) assert.equal(await swift.put(`/c/${i}`, `second ${i}`), 201);
  for (let i = 6; i < 12; i++) assert.equal((await swift.ask('DELETE', `/c/${i}`)).status, 204);
  for (let i = 12; i < 18; i++) assert.equal((await swift.ask('POST', `/c/${i}`, { headers: { 'X-Object-Meta-Colour': 'blue' } })).status, 202);
  for (let i = 30; i < 40; i++) assert.equal(await swift.put(`/c/${i}`, i === 30 ? big : `new ${i}`), 201);
  await away.start();
  await cluster.update();
  await cluster.replicate();
  assert.equal(await assertHome(cluster), 40);
  assert(big.equals((await swift.get('/c/30'))!));
  for (let i = 0; i < 6; i++) assert.equal((await swift.get(`/c/${i}`))?.toString(), `second ${i}`);
  for (let i = 6; i < 12; i++) assert.equal(await swift.get(`/c/${i}`), undefined);
  for (let i = 12; i < 18; i++) assert.equal((await swift.ask('HEAD', `/c/${i}`)).headers.get('x-object-meta-colour'), 'blue');
});

test('an emptied device is filled again by all of its peers, each with a part', async () => {
  await using cluster = await TestCluster.start({ nodes: 3 });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  for (let i = 0; i < 60; i++) await swift.put(`/c/${i}`, randomBytes(i % 10 === 0 ? 1_200_000 : 500 * i));
  for (let i = 0; i < 5; i++) await swift.ask('DELETE', `/c/${i}`);
  await cluster.update();
  await cluster.replicate();
  const [emptied, ...others] = cluster.nodes as [TestNode, ...TestNode[]];
  const before = await held(emptied);
  await emptied.stop();
  await rm(emptied.directoryOf(), { recursive: true });
  await emptied.start();
  assert.equal((await held(emptied)).size, 0);
  const sent = [];
  for (const other of others) sent.push(await other.replicate(['shipped']));
  assert.equal(sent.reduce((a, b) => a + b), 60, 'nothing was sent twice');
  assert(sent.every((count) => count > 10), `sent by each: ${sent.join(', ')}`);
  assert.deepEqual(await held(emptied), before);
  await cluster.replicate();
  await assertHome(cluster);
});

test('what was deleted stays deleted, though a node slept through it with the object on it', async () => {
  await using cluster = await TestCluster.start({ nodes: 4 });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  for (let i = 0; i < 20; i++) await swift.put(`/c/${i}`, 'x');
  for (const away of cluster.nodes) {
    await away.stop();
    for (let i = 0; i < 5; i++) await swift.ask('DELETE', `/c/${cluster.nodes.indexOf(away) * 5 + i}`);
    await away.start();
  }
  await cluster.update();
  await cluster.replicate();
  await assertHome(cluster);
  for (let i = 0; i < 20; i++) assert.equal(await swift.get(`/c/${i}`), undefined);
  assert.deepEqual(await swift.list('/c'), []);
});

test('a node that leaves the ring gives all that it holds to those that take its place, and keeps nothing', async () => {
  await using cluster = await TestCluster.start({ nodes: 4 });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  for (let i = 0; i < 40; i++) await swift.put(`/c/${i}`, `content of ${i}`);
  for (let i = 0; i < 10; i++) await swift.ask('DELETE', `/c/${i}`);
  await cluster.update();
  const places = cluster.nodes.slice(1).map(({ port }, i) => ({ zone: i + 2, ip: '127.0.0.1', port, device: 'd1' }));
  const rings = ringsOver(places, { replicas: 3, policies: new PolicySet() });
  for (const node of cluster.nodes) node.useRings(rings);
  // One of those that take over is away: until it is back nothing is given up.
  const late = cluster.nodes[3]!;
  await late.stop();
  const before = await held(cluster.nodes[0]!);
  for (let i = 0; i < 3; i++) for (const node of cluster.nodes) await node.replicate();
  assert.deepEqual(await held(cluster.nodes[0]!), before);
  await late.start();
  await cluster.replicate();
  assert.equal((await held(cluster.nodes[0]!)).size, 0);
  assert.equal(await assertHome(cluster, rings.object(0)), 40);
});

test('a tombstone outlives its age until all primaries have it, and then goes everywhere', async () => {
  const clock = new ManualClock(Date.now());
  const settings = { reclaimAgeMs: 3_600_000, reclaimAgreed: true, volumeBytes: 8192, minGarbage: 0, writeAmplification: 100 };
  await using cluster = await TestCluster.start({ nodes: 3, clock, settings, reclaimAgeMs: 3_600_000 });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  await swift.put('/c/gone', 'x');
  const [away, ...others] = cluster.nodes as [TestNode, ...TestNode[]];
  await away.stop();
  await swift.ask('DELETE', '/c/gone');
  clock.wind(2 * 3_600_000);
  await swift.put('/c/filler', randomBytes(9000));
  const compact = async (): Promise<void> => {
    for (const node of cluster.nodes) for (let i = 0; i < 5 && node.running; i++) await node.device().device.objects(0).compact();
  };
  const tombstones = async (nodes: readonly TestNode[]): Promise<number> => (await Promise.all(nodes.map(held))).flatMap((states) => [...states.values()]).filter((state) => state.includes('"deleted":true')).length;
  await cluster.update();
  for (const node of others) await node.replicate();
  await compact();
  assert.equal(await tombstones(others), 2, 'old enough, but the node that is away has the object still');
  await away.start();
  const { token, url } = await cluster.login();
  const put = await fetch(`${url}/c/filler2`, { method: 'PUT', headers: { 'X-Auth-Token': token }, body: randomBytes(9000) });
  assert.equal(put.status, 201);
  await cluster.replicate();
  assert.equal(await tombstones(cluster.nodes), 3);
  await compact();
  await cluster.replicate();
  await compact();
  assert.equal(await tombstones(cluster.nodes), 0);
  assert.equal(await swift.get('/c/gone'), undefined);
});

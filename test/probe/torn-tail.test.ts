import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, truncateSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { eventually, SwiftSession, TestCluster, type TestNode } from '../support/index.ts';
import { tear } from './damage.ts';

/** Puts the device back to how a crash at this moment would have left its files: no last checkpoint, a lock of a process that is dead. */
async function crash(node: TestNode, spoil: (directory: string) => void): Promise<void> {
  const directory = node.directoryOf();
  const copy = `${directory}.crashed`;
  await cp(directory, copy, { recursive: true });
  await node.stop();
  await rm(directory, { recursive: true });
  await cp(copy, directory, { recursive: true });
  await rm(path.join(directory, 'DEVICE.lock'));
  spoil(directory);
  await node.start();
}

test('a volume whose tail is torn in the middle of a record recovers what is before it, and reads bring back the rest', async () => {
  await using cluster = await TestCluster.start({ nodes: 3 });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  const bodies = Array.from({ length: 20 }, () => randomBytes(3000));
  for (const [i, body] of bodies.entries()) assert.equal(await swift.put(`/c/${i}`, body), 201);
  const [torn] = cluster.nodes as [TestNode];
  await crash(torn, (directory) => tear(directory, bodies[15]!));
  assert(torn.events.some(({ event }) => event === 'recovered'), JSON.stringify(torn.events));
  const lost: number[] = [];
  const stat = async (i: number): Promise<boolean> => {
    const { key } = await cluster.proxies[0]!.store.where({ account: 'AUTH_test', container: 'c', object: String(i) });
    return (await torn.device().device.objects(0).stat(Buffer.from(key, 'hex'))) !== undefined;
  };
  for (let i = 0; i < 20; i++) if (!(await stat(i))) lost.push(i);
  assert.deepEqual(lost, [15, 16, 17, 18, 19]);
  // Reads ask the first two primaries, and mend what they notice there; the third is the replicator's.
  const noticed = lost.filter((i) => cluster.primariesOf({ account: 'AUTH_test', container: 'c', object: String(i) }).indexOf(torn) < 2);
  await eventually('reads heal it', async () => {
    for (const [i, body] of bodies.entries()) assert(body.equals((await swift.get(`/c/${i}`))!), `object ${i}`);
    return (await Promise.all(noticed.map(stat))).every(Boolean);
  });
});

test('rubbish behind the last record is no record', async () => {
  await using cluster = await TestCluster.start({ nodes: 3 });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  const body = randomBytes(3000);
  assert.equal(await swift.put('/c/o', body), 201);
  for (const node of cluster.nodes) {
    await crash(node, (directory) => appendFileSync(path.join(directory, '0', 'vol', '00000001.v'), randomBytes(10_000)));
    assert(body.equals((await swift.get('/c/o'))!));
  }
  assert.equal(await swift.put('/c/more', body), 201);
  assert.deepEqual(await swift.list('/c'), ['more', 'o']);
});

test('a node that was stopped in order and whose volume is shorter than it left it serves what is there', async () => {
  await using cluster = await TestCluster.start({ nodes: 3 });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  const bodies = Array.from({ length: 5 }, () => randomBytes(3000));
  for (const [i, body] of bodies.entries()) assert.equal(await swift.put(`/c/${i}`, body), 201);
  const [short] = cluster.nodes as [TestNode];
  await short.stop();
  tear(short.directoryOf(), bodies[2]!);
  await short.start();
  for (const [i, body] of bodies.entries()) assert(body.equals((await swift.get(`/c/${i}`))!), `object ${i}`);
});

test('a node whose newest volume is empty after a crash comes up and serves what its replicas have', async () => {
  await using cluster = await TestCluster.start({ nodes: 3 });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  const body = randomBytes(3000);
  assert.equal(await swift.put('/c/o', body), 201);
  const [empty] = cluster.nodes as [TestNode];
  await crash(empty, (directory) => truncateSync(path.join(directory, '0', 'vol', '00000001.v'), 0));
  assert(body.equals((await swift.get('/c/o'))!));
  assert.equal(await swift.put('/c/o', body), 201);
});

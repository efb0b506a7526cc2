/** `explain` tells what became of an object, device by device, and why a read answers as it does. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { report } from '../../tools/object/explain.ts';
import { SwiftSession, TestCluster, type TestNode } from '../support/index.ts';
import { flipBit } from './damage.ts';

const NAME = { account: 'AUTH_test', container: 'c', object: 'o' };

test('an object that was overwritten, posted, rotted, healed and deleted has all of that told of it', async () => {
  await using cluster = await TestCluster.start();
  const { store } = cluster.proxies[0]!;
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  assert.match((await store.explain(NAME)).verdict[0]!, /^404: no primary has ever heard of it/);
  const body = randomBytes(5000);
  await swift.put('/c/o', 'first');
  await swift.put('/c/o', body);
  assert.equal((await swift.ask('POST', '/c/o', { headers: { 'X-Object-Meta-Colour': 'red' } })).status, 202);
  const [first] = cluster.primariesOf(NAME) as [TestNode];
  flipBit(first.directoryOf(), 'vol', body.subarray(1000, 1064));
  assert.ok(body.equals((await swift.get('/c/o'))!));
  await cluster.replicate();

  const held = await store.explain(NAME);
  assert.match(held.verdict[0]!, /^200: 5000 bytes/);
  assert.match(held.verdict[1]!, /3 of 3 primaries hold the newest state; 2 make a majority/);
  const told = Object.entries(held.histories).find(([device]) => device.includes(`:${first.port}/`))![1].map(({ event }) => event);
  for (const event of ['written', 'posted', 'quarantined', 'forgotten'] as const) assert.ok(told.includes(event), `${event} in ${told.join()}`);
  assert.match(report(held), /quarantined .*block checksum/);
  assert.equal(Object.values(held.histories).flat().filter(({ inForce, event }) => inForce && event === 'written').length, 3);

  await first.stop();
  const without = await store.explain(NAME);
  assert.match(without.verdict.join('\n'), /200: 5000 bytes[^]*2 of 3 primaries hold/);
  await swift.ask('DELETE', '/c/o');
  assert.match((await store.explain(NAME)).verdict[0]!, /^404: the newest state is a deletion/);
  await first.start();
  assert.match((await store.explain(NAME)).verdict.join('\n'), /has an older state/);
});

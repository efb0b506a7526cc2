/** Names of buckets belong to one account in the whole cluster, whoever else wants them at the same moment. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { memoryCluster, type MemoryCluster } from './memory-cluster.fixture.ts';

const made: { cluster: MemoryCluster; winding: NodeJS.Timeout }[] = [];
afterEach(() => {
  for (const { winding } of made.splice(0)) clearInterval(winding);
});

/** A cluster whose clock goes on by itself: whoever loses a ballot sleeps a little. */
function going(): MemoryCluster {
  const cluster = memoryCluster();
  made.push({ cluster, winding: setInterval(() => cluster.clock.wind(3), 1) });
  return cluster;
}

test('of many accounts that claim a name at once one has it, and all agree on which', async () => {
  const cluster = going();
  const stores = [cluster.store, cluster.anotherProxy(), cluster.anotherProxy(500)];
  await cluster.store.buckets.claim('other', 'AUTH_x');
  const claims = await Promise.all(Array.from({ length: 9 }, (_, i) => stores[i % 3]!.buckets.claim('photos', `AUTH_${i}`).catch(() => undefined)));
  const winners = new Set(claims.flatMap((claim) => (claim === undefined ? [] : [claim.account])));
  assert.equal(winners.size, 1);
  assert.equal(claims.filter((claim) => claim?.fresh === true).length, 1);
  for (const store of stores) assert.equal((await store.buckets.find('photos'))?.account, [...winners][0]);
});

test('a claim without a container is anyones once its maker cannot be making it still', async () => {
  const { store, clock } = going();
  assert.equal((await store.buckets.claim('b', 'AUTH_dead')).fresh, true);
  assert.equal((await store.buckets.claim('b', 'AUTH_a')).account, 'AUTH_dead');
  clock.wind(61_000);
  assert.deepEqual(((claim) => [claim.account, claim.fresh])(await store.buckets.claim('b', 'AUTH_a')), ['AUTH_a', true]);
  await store.containers.put({ account: 'AUTH_a', container: 'b' }, { metadata: {}, policy: undefined });
  clock.wind(61_000);
  assert.equal((await store.buckets.claim('b', 'AUTH_late')).account, 'AUTH_a', 'with its container it stays');
});

test('a name is given up by whose it is only, and all names can be gone through', async () => {
  const { store } = going();
  for (const name of ['a', 'b', 'c']) await store.buckets.claim(name, 'AUTH_a');
  await store.buckets.release('a', 'AUTH_other');
  await store.buckets.release('b', 'AUTH_a');
  const names: string[] = [];
  for await (const { container } of store.buckets.all()) names.push(container);
  assert.deepEqual(names, ['a', 'c']);
  assert.equal(await store.buckets.find('b'), undefined);
});

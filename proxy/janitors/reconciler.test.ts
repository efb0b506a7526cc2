import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { hashPath } from '#ring';
import { isSubdirectory, type ListingRow } from '#storage-node/protocol';
import type { ObjectName, Store } from '#proxy/core';
import { memoryCluster, type MemoryCluster } from '../core/memory-cluster.fixture.ts';
import { reconciler } from './index.ts';

const CONTAINER = { account: 'AUTH_test', container: 'photos' };
const target = (object: string): ObjectName => ({ ...CONTAINER, object });
const signal = new AbortController().signal;

async function put(store: Store, object: string, text: string): Promise<number> {
  return (await store.objects.put({ target: target(object), body: bodyOfBuffer(Buffer.from(text)), metadata: { 'Content-Type': 'text/plain' } })).timestamp;
}

async function read(store: Store, object: string): Promise<string> {
  await using open = await store.objects.get(target(object));
  const parts: Buffer[] = [];
  for await (const chunk of open.read(0, open.info.sizeBytes)) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

async function rows(store: Store): Promise<ListingRow[]> {
  const page = await store.containers.list(CONTAINER, { limit: 100, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false });
  return page.entries.flatMap((entry) => (isSubdirectory(entry) ? [] : [entry]));
}

/** A proxy that has heard of the container while its policy was gold; since then another has made it anew, as silver. */
async function storyOf(): Promise<{ cluster: MemoryCluster; stale: Store; fresh: Store }> {
  const cluster = memoryCluster();
  const stale = cluster.store;
  const fresh = cluster.anotherProxy();
  await stale.containers.put(CONTAINER, { metadata: {}, policy: stale.cluster.policies.byIndex(0) });
  await put(stale, 'warm', 'x');
  await fresh.objects.delete(target('warm'));
  await fresh.containers.delete(CONTAINER);
  await fresh.containers.put(CONTAINER, { metadata: {}, policy: fresh.cluster.policies.byIndex(1) });
  return { cluster, stale, fresh };
}

async function holders(cluster: MemoryCluster, object: string, policy: number): Promise<number> {
  const key = hashPath(cluster.store.cluster.salt, CONTAINER.account, CONTAINER.container, object);
  const states = await Promise.all(cluster.devices.map((device) => cluster.engines(device).objects(policy).stat(key)));
  return states.filter((state) => state !== undefined && !state.deleted).length;
}

test('an object written to what the container was is where the container is by the time it is acknowledged, at its own timestamp', async () => {
  const { cluster, stale, fresh } = await storyOf();
  const timestamp = await put(stale, 'cat', 'meow');
  assert.equal(await read(fresh, 'cat'), 'meow');
  assert.equal(await read(stale, 'cat'), 'meow');
  assert.equal((await fresh.objects.head(target('cat'))).timestamp, timestamp);
  assert.deepEqual((await rows(fresh)).map(({ name, policy, timestamp: at, bytes }) => ({ name, policy, at, bytes })), [{ name: 'cat', policy: 1, at: timestamp, bytes: 4 }]);
  assert.deepEqual([await holders(cluster, 'cat', 0), await holders(cluster, 'cat', 1)], [0, 3]);
  await put(stale, 'cat', 'purr');
  assert.equal(await read(fresh, 'cat'), 'purr', 'and the proxy knows now');
});

test('a proxy that is behind reads and deletes what is there under the new policy', async () => {
  const { stale, fresh } = await storyOf();
  await put(fresh, 'dog', 'wow');
  assert.equal(await read(stale, 'dog'), 'wow');
  const again = await storyOf();
  await put(again.fresh, 'dog', 'wow');
  await again.stale.objects.delete(target('dog'));
  assert.deepEqual(await rows(again.fresh), []);
  await assert.rejects(read(again.fresh, 'dog'));
  assert.equal(await read(fresh, 'dog'), 'wow');
});

test('what a proxy left behind that died is moved by the reconciler, once somebody looks at the container; what is newer stays', async () => {
  const { cluster, stale, fresh } = await storyOf();
  const { timestamps, salt } = stale.cluster;
  for (const object of ['lost', 'older']) {
    const key = hashPath(salt, CONTAINER.account, CONTAINER.container, object);
    const name = `/AUTH_test/photos/${object}`;
    const timestamp = timestamps.now();
    const ring = stale.cluster.rings().object(0);
    for (const { device } of ring.primaries(ring.partition(key))) await cluster.engines(device).objects(0).put({ key, name, timestamp, metadata: { ETag: 'x', 'Content-Type': 'a/b' }, data: Buffer.from('left') });
    const row = { name: object, timestamp, deleted: false, metaTimestamp: timestamp, bytes: 4, count: 1, policy: 0, etag: 'x', contentType: 'a/b' };
    const database = { kind: 'container' as const, key: hashPath(salt, CONTAINER.account, CONTAINER.container), path: '/AUTH_test/photos' };
    const containers = stale.cluster.rings().container;
    for (const { device } of containers.primaries(containers.partition(database.key))) await cluster.engines(device).listings.merge({ database, rows: [row] });
  }
  cluster.clock.wind(10);
  await put(fresh, 'older', 'newer');
  await fresh.containers.forget(CONTAINER);
  await assert.rejects(read(fresh, 'lost'), 'not yet');
  await new Promise((resolve) => void setTimeout(resolve, 20));
  const daemon = reconciler({ store: fresh, log: silentLog(), intervalMs: 1 });
  assert.deepEqual((await daemon.pass(signal)).done, { containers: 1, moved: 1, failed: 0 });
  assert.deepEqual([await read(fresh, 'lost'), await read(fresh, 'older')], ['left', 'newer']);
  assert.deepEqual((await rows(fresh)).map(({ name, policy }) => [name, policy]), [['lost', 1], ['older', 1]]);
  assert.equal(await holders(cluster, 'lost', 0), 0);
  assert.deepEqual((await daemon.pass(signal)).done, { containers: 0, moved: 0, failed: 0 }, 'it is off the agenda');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError, type StoreErrorCode } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { hashPath } from '#ring';
import type { MemoryObjectEngine } from '#storage-node/engine';
import { ifAbsent, type ObjectName, type Store } from './index.ts';
import { memoryCluster, readText, type MemoryCluster } from './memory-cluster.fixture.ts';

const CONTAINER = { account: 'AUTH_test', container: 'photos' };
const NAME: ObjectName = { ...CONTAINER, object: 'cat.jpg' };

/** 'v2' is on the first two of the three primaries, which is a majority; the third has 'v1'. Then the second one's is damaged. */
async function story(): Promise<{ cluster: MemoryCluster; primaries: string[]; key: Buffer; engine: (at: number) => MemoryObjectEngine }> {
  const cluster = memoryCluster();
  const { store } = cluster;
  await store.containers.put(CONTAINER, { metadata: {}, policy: undefined });
  const key = hashPath(store.cluster.salt, NAME.account, NAME.container, NAME.object);
  const ring = store.cluster.rings().object(0);
  const primaries = ring.primaries(ring.partition(key)).map(({ device }) => device);
  const engine = (at: number): MemoryObjectEngine => cluster.engines(primaries[at]!).objects(0) as MemoryObjectEngine;
  await put(store, 'v1');
  cluster.down(primaries[2]!);
  cluster.clock.wind(10);
  await put(store, 'v2');
  cluster.up(primaries[2]!);
  engine(1).damage(key);
  return { cluster, primaries, key, engine };
}

function put(store: Store, text: string, extra: object = {}): Promise<unknown> {
  return store.objects.put({ target: NAME, body: bodyOfBuffer(Buffer.from(text)), metadata: { 'Content-Type': 'text/plain' }, ...extra });
}

const read = (store: Store, target = NAME): Promise<string> => readText(store, target);

const fails = (code: StoreErrorCode) => (error: unknown) => isStoreError(error, code);

test('of a majority one of whose devices lost its state to damage, and one is behind, nobody concludes what there is', async () => {
  const { cluster, primaries, key, engine } = await story();
  cluster.down(primaries[0]!);
  await assert.rejects(read(cluster.store), fails('unavailable'));
  await assert.rejects(put(cluster.store, 'v3', { condition: ifAbsent }), fails('unavailable'));
  await assert.rejects(cluster.store.objects.delete(NAME), fails('unavailable'));
  assert.equal((await engine(2).stat(key))!.sizeBytes, 2);
  cluster.up(primaries[0]!);
  for (let i = 0; i < 3; i++) cluster.clock.wind(3000);
  assert.equal(await read(cluster.store), 'v2');
});

test('a read gives the damaged device, and the one behind, what they lack', async () => {
  const { cluster, key, engine } = await story();
  assert.equal(await read(cluster.store), 'v2');
  for (let i = 0; i < 20; i++) await new Promise((resolve) => void setImmediate(resolve));
  const states = await Promise.all([0, 1, 2].map((at) => engine(at).stat(key)));
  assert.equal(new Set(states.map((state) => state?.timestamp)).size, 1);
});

test('a damaged device takes what is newer, and is whole again', async () => {
  const { cluster, key, engine, primaries } = await story();
  await put(cluster.store, 'v3');
  cluster.down(primaries[0]!);
  assert.equal(await read(cluster.store), 'v3');
  assert.equal((await engine(1).stat(key))?.deleted, false);
});

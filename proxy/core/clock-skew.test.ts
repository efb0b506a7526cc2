import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError, ManualClock, MAX_SKEW_MS, timestampFromMs, timestampToMs, type StoreErrorCode } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { hashPath } from '#ring';
import { ifAbsent, type ObjectName, type Store } from './index.ts';
import { memoryCluster, namesIn, readText, type MemoryCluster } from './memory-cluster.fixture.ts';

const HOUR_MS = 3_600_000;
const CONTAINER = { account: 'AUTH_test', container: 'photos' };
const NAME: ObjectName = { ...CONTAINER, object: 'cat.jpg' };

/** A cluster, and a proxy whose clock is right until somebody winds it. */
async function withWall(): Promise<{ cluster: MemoryCluster; wall: ManualClock; jumping: Store; right: Store }> {
  const cluster = memoryCluster();
  const wall = new ManualClock(cluster.clock.nowMs());
  const jumping = cluster.proxyWith(wall);
  await cluster.store.containers.put(CONTAINER, { metadata: {}, policy: undefined });
  return { cluster, wall, jumping, right: cluster.store };
}

async function put(store: Store, data: string | Buffer, target = NAME, extra: object = {}): Promise<number> {
  return timestampToMs((await store.objects.put({ target, body: bodyOfBuffer(Buffer.from(data)), metadata: { 'Content-Type': 'text/plain' }, ...extra })).timestamp);
}

const read = (store: Store, target = NAME): Promise<string> => readText(store, target);

const names = (store: Store): Promise<string[]> => namesIn(store, CONTAINER);

const fails = (code: StoreErrorCode) => (error: unknown) => isStoreError(error, code);

for (const [direction, jumpMs] of [['forward', HOUR_MS], ['back', -HOUR_MS]] as const) {
  test(`a proxy whose clock jumps an hour ${direction} writes in its right place, before others and after them`, async () => {
    const { cluster, wall, jumping, right } = await withWall();
    await put(jumping, 'before the jump');
    wall.wind(jumpMs);
    cluster.clock.wind(MAX_SKEW_MS + 1000);
    const large = Buffer.alloc(200_000, 'x');
    for (const data of ['small', large]) {
      const writtenAtMs = await put(jumping, data);
      assert(Math.abs(writtenAtMs - cluster.clock.nowMs()) <= MAX_SKEW_MS, 'written about now by the devices\' clocks');
      assert.equal(await read(right), data.toString());
      cluster.clock.wind(10);
      await put(right, 'later');
      assert.equal(await read(jumping), 'later');
      await jumping.objects.post(NAME, () => ({ 'X-Object-Meta-Colour': 'blue' }));
      assert.equal((await right.objects.head(NAME)).metadata['X-Object-Meta-Colour'], 'blue');
    }
    await jumping.objects.delete(NAME);
    assert.deepEqual(await names(right), []);
    await put(right, 'again');
    assert.equal(await read(jumping), 'again');
    assert.deepEqual(await names(jumping), ['cat.jpg']);
  });

  test(`a proxy that comes up an hour ${direction === 'back' ? 'behind' : 'ahead'} writes what was never there, under conditions too, and containers`, async () => {
    const { cluster, wall, jumping, right } = await withWall();
    wall.wind(jumpMs);
    const fresh = { ...CONTAINER, object: 'fresh' };
    const writtenAtMs = await put(jumping, 'first', fresh, { condition: ifAbsent });
    assert(Math.abs(writtenAtMs - cluster.clock.nowMs()) <= MAX_SKEW_MS);
    await assert.rejects(put(right, 'second', fresh, { condition: ifAbsent }), fails('precondition-failed'));
    const other = { account: 'AUTH_test', container: 'made' };
    await jumping.containers.put(other, { metadata: { Colour: 'red' }, policy: undefined });
    cluster.clock.wind(10);
    await right.containers.post(other, { Colour: 'green' });
    assert.equal((await jumping.containers.info(other)).metadata['Colour']![0], 'green');
    await right.containers.delete(other);
    await assert.rejects(jumping.containers.info(other), fails('container-not-found'));
  });
}

test('what an hour ago was written by clocks that all were an hour ahead is overwritten, posted to and deleted, and drags nothing else along', async () => {
  const { cluster, right } = await withWall();
  const { salt } = cluster.store.cluster;
  const key = hashPath(salt, NAME.account, NAME.container, NAME.object);
  const timestamp = timestampFromMs(cluster.clock.nowMs() + HOUR_MS);
  const ring = right.cluster.rings().object(0);
  for (const { device } of ring.primaries(ring.partition(key))) {
    await cluster.engines(device).objects(0).put({ key, name: '/AUTH_test/photos/cat.jpg', timestamp, metadata: { ETag: 'x', 'Content-Type': 'a/b' }, data: Buffer.from('of the future') });
  }
  assert.equal(await read(right), 'of the future');
  await right.objects.post(NAME, () => ({ 'X-Object-Meta-Colour': 'blue' }));
  assert.equal((await right.objects.head(NAME)).metadata['X-Object-Meta-Colour'], 'blue');
  await put(right, 'newer');
  await put(right, 'newest', NAME, { condition: (held: unknown) => assert(held) });
  await put(right, Buffer.alloc(100_000, 'z'));
  assert.equal((await read(cluster.anotherProxy())).length, 100_000);
  const elsewhereMs = await put(right, 'other', { ...CONTAINER, object: 'other' });
  assert(elsewhereMs - cluster.clock.nowMs() < 1000, 'other objects are written now');
  await right.objects.delete(NAME);
  assert.deepEqual(await names(right), ['other']);
});

test('one device whose clock is wrong is in nobody\'s way; of two, what they took may have happened, and the client hears so', async () => {
  const { cluster, right } = await withWall();
  const ring = right.cluster.rings().object(0);
  const primaries = ring.primaries(ring.partition(hashPath(right.cluster.salt, NAME.account, NAME.container, NAME.object))).map(({ device }) => device);
  cluster.skewDevice(primaries[0]!, -HOUR_MS);
  await put(right, 'one');
  await put(right, Buffer.alloc(100_000, 'y'));
  await right.objects.delete(NAME);
  cluster.skewDevice(primaries[1]!, -HOUR_MS);
  await assert.rejects(put(right, 'two'), fails('unavailable'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError, StoreError, type StoreErrorCode } from '#common';
import { bodyOfBuffer, bodyOfChunks } from '#common/stream';
import { hashPath } from '#ring';
import type { ObjectInfo } from '#storage-node/protocol';
import { ifAbsent, type ObjectName, type Store } from './index.ts';
import { memoryCluster, namesIn, readText, type MemoryCluster } from './memory-cluster.fixture.ts';

const CONTAINER = { account: 'AUTH_test', container: 'photos' };
const NAME: ObjectName = { ...CONTAINER, object: 'cat.jpg' };
const LARGE = Buffer.alloc(300_000, 'large');

async function withContainer(options: Parameters<typeof memoryCluster>[0] = {}): Promise<MemoryCluster> {
  const cluster = memoryCluster(options);
  await cluster.store.containers.put(CONTAINER, { metadata: {}, policy: undefined });
  return cluster;
}

async function put(store: Store, text: string, target = NAME): Promise<string> {
  return (await store.objects.put({ target, body: bodyOfBuffer(Buffer.from(text)), metadata: { 'Content-Type': 'text/plain' } })).etag;
}

const read = (store: Store, target = NAME): Promise<string> => readText(store, target);

const names = (store: Store): Promise<string[]> => namesIn(store, CONTAINER);

const fails = (code: StoreErrorCode) => (error: unknown) => isStoreError(error, code);

/** The devices that hold the object as primaries, and one that does not. */
function primariesOf(cluster: MemoryCluster, target = NAME): { primaries: string[]; spare: string } {
  const ring = cluster.store.cluster.rings().object(0);
  const primaries = ring.primaries(ring.partition(hashPath(cluster.store.cluster.salt, target.account, target.container, target.object))).map((device) => device.device);
  return { primaries, spare: cluster.devices.find((device) => !primaries.includes(device))! };
}

test('what is put is read and listed at once, and what is deleted is gone from both', async () => {
  const { store } = await withContainer();
  assert.equal(await put(store, 'meow'), '4a4be40c96ac6314e91d93f38043a634');
  assert.equal(await read(store), 'meow');
  assert.deepEqual(await names(store), ['cat.jpg']);
  await store.objects.delete(NAME);
  await assert.rejects(read(store), fails('object-not-found'));
  assert.deepEqual(await names(store), []);
  await assert.rejects(store.objects.delete(NAME), fails('object-not-found'));
});

test('a streamed body is whole on every primary, with the MD5 of its bytes', async () => {
  const cluster = await withContainer();
  const chunks = async function* () {
    for (let at = 0; at < LARGE.length; at += 65_536) yield LARGE.subarray(at, at + 65_536);
  };
  const { etag } = await cluster.store.objects.put({ target: NAME, body: bodyOfChunks(chunks(), undefined), metadata: { 'Content-Type': 'a/b' } });
  assert.equal(await read(cluster.store), LARGE.toString());
  const { key } = new (await import('./placement.ts')).Placements(cluster.store.cluster).object(NAME.account, NAME.container, NAME.object, 0);
  for (const device of primariesOf(cluster).primaries) {
    const info = await cluster.engines(device).objects(0).info(key);
    assert.equal(info?.metadata['ETag'], etag);
    assert.equal(info?.sizeBytes, LARGE.length);
  }
});

test('a body that is not what its MD5 says leaves nothing behind', async () => {
  const { store } = await withContainer();
  for (const data of [Buffer.from('meow'), LARGE]) {
    const request = { target: NAME, body: bodyOfBuffer(data), metadata: {}, expectedEtag: 'd41d8cd98f00b204e9800998ecf8427e' };
    await assert.rejects(store.objects.put(request), fails('checksum-mismatch'));
    await assert.rejects(read(store), fails('object-not-found'));
    assert.deepEqual(await names(store), []);
  }
});

test('a body that breaks off leaves nothing behind', async () => {
  const { store } = await withContainer();
  const broken = async function* () {
    yield LARGE;
    throw new Error('gone');
  };
  await assert.rejects(store.objects.put({ target: NAME, body: bodyOfChunks(broken(), undefined), metadata: {} }), /gone/);
  await assert.rejects(read(store), fails('object-not-found'));
});

test('any one device may be away: writes, reads, deletes and listings go on, and nothing is lost when it is back', async () => {
  for (const away of ['d1', 'd2', 'd3', 'd4']) {
    const cluster = await withContainer();
    await put(cluster.store, 'before');
    cluster.down(away);
    assert.equal(await read(cluster.store), 'before', away);
    await put(cluster.store, 'during');
    await put(cluster.store, 'other', { ...NAME, object: 'other' });
    await cluster.store.objects.delete({ ...NAME, object: 'other' });
    assert.equal(await read(cluster.store), 'during', away);
    assert.deepEqual(await names(cluster.store), ['cat.jpg'], away);
    cluster.up(away);
    cluster.clock.wind(60_000);
    assert.equal(await read(cluster.store), 'during', away);
    assert.deepEqual(await names(cluster.store), ['cat.jpg'], away);
    await assert.rejects(read(cluster.store, { ...NAME, object: 'other' }), fails('object-not-found'));
  }
});

test('without a majority of primaries nothing is acknowledged and nothing stale is read', async () => {
  const cluster = await withContainer();
  await put(cluster.store, 'before');
  const { primaries } = primariesOf(cluster);
  cluster.down(...primaries.slice(0, 2));
  await assert.rejects(put(cluster.store, 'during'), fails('unavailable'));
  await assert.rejects(read(cluster.store), fails('unavailable'));
});

test('the copy of a primary that is away goes to a device that stands in', async () => {
  const cluster = await withContainer();
  const { primaries, spare } = primariesOf(cluster);
  cluster.down(primaries[1]!);
  await put(cluster.store, 'during');
  const { holdings } = await cluster.store.where({ ...NAME });
  const held = holdings.find(({ device }) => device.endsWith(`/${spare}`));
  assert.equal(held?.state, 'data');
  assert.equal(held?.role, 'handoff');
});

test('a version that only one device has is brought to a majority before anyone reads it', async () => {
  const cluster = await withContainer();
  await put(cluster.store, 'old');
  const { primaries } = primariesOf(cluster);
  const key = hashPath(cluster.store.cluster.salt, NAME.account, NAME.container, NAME.object);
  const lone = cluster.engines(primaries[0]!).objects(0);
  await lone.put({ key, name: '/AUTH_test/photos/cat.jpg', timestamp: cluster.store.cluster.timestamps.now(), metadata: { ETag: 'x', 'Content-Type': 'a/b' }, data: Buffer.from('new') });
  assert.equal(await read(cluster.store), 'new');
  cluster.down(primaries[0]!);
  assert.equal(await read(cluster.store), 'new', 'whoever read the new version has made it the majority\'s');
});

test('a proxy with a slow clock loses no write', async () => {
  const cluster = await withContainer();
  await put(cluster.store, 'first');
  const slow = cluster.anotherProxy(-3_600_000);
  await put(slow, 'second');
  assert.equal(await read(cluster.store), 'second');
  await put(slow, LARGE.toString());
  assert.equal(await read(cluster.store), LARGE.toString());
  await slow.objects.delete(NAME);
  await assert.rejects(read(cluster.store), fails('object-not-found'));
});

test('posting replaces metadata, keeps the data and shows in the listing', async () => {
  const { store } = await withContainer();
  const etag = await put(store, 'meow');
  await store.objects.post(NAME, () => ({ 'Content-Type': 'image/jpeg', 'user:colour': 'grey' }));
  const info = await store.objects.head(NAME);
  assert.deepEqual(info.metadata, { ETag: etag, 'Content-Type': 'image/jpeg', 'user:colour': 'grey' });
  assert.ok(info.metaTimestamp > info.timestamp);
  const page = await store.containers.list(CONTAINER, { limit: 1, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false });
  assert.equal((page.entries[0] as { contentType: string }).contentType, 'image/jpeg');
  await assert.rejects(store.objects.post({ ...NAME, object: 'none' }, () => ({})), fails('object-not-found'));
});

test('an expired object is not there, and may be put anew', async () => {
  const { store, clock } = await withContainer();
  const expiresAt = String(Math.floor(clock.nowMs() / 1000) + 60);
  await store.objects.put({ target: NAME, body: bodyOfBuffer(Buffer.from('x')), metadata: { 'X-Delete-At': expiresAt } });
  await store.objects.head(NAME);
  clock.wind(61_000);
  await assert.rejects(store.objects.head(NAME), fails('object-not-found'));
  await assert.rejects(read(store), fails('object-not-found'));
  await put(store, 'again');
  assert.equal(await read(store), 'again');
});

test('a write happens under its condition only', async () => {
  const { store } = await withContainer();
  const request = { target: NAME, body: bodyOfBuffer(Buffer.from('x')), metadata: {}, condition: ifAbsent };
  const { etag } = await store.objects.put(request);
  await assert.rejects(store.objects.put(request), fails('precondition-failed'));
  const ifMatches = (tag: string) => (current: ObjectInfo | undefined) => {
    if (current?.metadata['ETag'] !== tag) throw new StoreError('precondition-failed', 'another one is there');
  };
  await assert.rejects(store.objects.put({ ...request, condition: ifMatches('of another') }), fails('precondition-failed'));
  await store.objects.put({ ...request, condition: ifMatches(etag) });
  await assert.rejects(store.objects.delete(NAME, { condition: ifMatches('of another') }), fails('precondition-failed'));
  await store.objects.head(NAME);
  await store.objects.delete(NAME, { condition: ifMatches(etag) });
  await assert.rejects(store.objects.delete(NAME, { condition: ifMatches(etag) }), fails('precondition-failed'));
  await store.objects.put(request);
});

test('what has expired meets the condition that nothing is there', async () => {
  const { store, clock } = await withContainer();
  const expiresAt = String(Math.floor(clock.nowMs() / 1000) + 60);
  const request = { target: NAME, body: bodyOfBuffer(Buffer.from('x')), metadata: { 'X-Delete-At': expiresAt }, condition: ifAbsent };
  await store.objects.put(request);
  await assert.rejects(store.objects.put(request), fails('precondition-failed'));
  clock.wind(61_000);
  await store.objects.put({ ...request, metadata: {} });
});

test('an object put into a container that was deleted meanwhile is refused and leaves nothing', async () => {
  const cluster = await withContainer();
  await cluster.store.containers.summary(CONTAINER);
  await cluster.anotherProxy().containers.delete(CONTAINER);
  await assert.rejects(put(cluster.store, 'late'), fails('container-not-found'));
  const { holdings } = await (async () => {
    await cluster.store.containers.put(CONTAINER, { metadata: {}, policy: undefined });
    return cluster.store.where({ ...NAME });
  })();
  assert.deepEqual([...new Set(holdings.filter(({ role }) => role === 'primary').map(({ state }) => state))], ['tombstone']);
});

test('under the available policy handoffs count: two primaries may be away', async () => {
  const cluster = await withContainer({ devices: 9, consistency: 'available' });
  const containers = (await cluster.store.where(CONTAINER)).holdings.filter(({ role }) => role === 'primary').map(({ device }) => device.split('/').at(-1)!);
  const target = Array.from({ length: 1000 }, (_, i) => ({ ...NAME, object: `o${i}` })).find((name) => !primariesOf(cluster, name).primaries.some((device) => containers.includes(device)));
  assert.ok(target, 'nine devices have room for an object none of whose primaries holds the container');
  cluster.down(...primariesOf(cluster, target).primaries.slice(0, 2));
  await put(cluster.store, 'during', target);
  assert.equal(await read(cluster.store, target), 'during');
});

test('an object that comes to a device between two questions of one read is not missed', async () => {
  const cluster = await withContainer();
  await put(cluster.store, 'here all along');
  for (const device of cluster.devices) {
    const engine = cluster.engines(device).objects(0);
    const open = engine.open.bind(engine);
    let came = false;
    engine.open = (key) => {
      if (came) return open(key);
      came = true;
      return Promise.resolve(undefined);
    };
  }
  assert.equal(await read(cluster.store), 'here all along');
});

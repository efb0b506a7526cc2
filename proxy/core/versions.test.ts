import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError, StoreError, type Timestamp } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { DELETE_MARKER_TYPE, listVersions, versionOf, versionTarget, type ObjectName, type Store, type VersionEntry, type VersionsQuery } from './index.ts';
import { memoryCluster } from './memory-cluster.fixture.ts';

const CONTAINER = { account: 'AUTH_test', container: 'photos' };
const NAME: ObjectName = { ...CONTAINER, object: 'cat.jpg' };
const ALL: VersionsQuery = { limit: 100, marker: '', prefix: '', delimiter: '', reverse: false, versionMarker: undefined };

async function keeping(): Promise<{ store: Store; put(this: void, text: string, target?: ObjectName): Promise<Timestamp> }> {
  const { store } = memoryCluster();
  await store.containers.put(CONTAINER, { metadata: {}, policy: undefined });
  const summary = await store.containers.summary(CONTAINER);
  const put = async (text: string, target = NAME): Promise<Timestamp> =>
    (await store.versions.put({ target, body: bodyOfBuffer(Buffer.from(text)), metadata: { 'Content-Type': 'text/plain' } }, summary)).versionId;
  return { store, put };
}

async function textOf(store: Store, target: ObjectName): Promise<string> {
  await using open = await store.objects.get(target);
  return open.data!.toString();
}

const shown = (entries: readonly VersionEntry[]): unknown[] => entries.map((entry) => ('subdir' in entry ? entry.subdir : [entry.row.name, entry.versionId, entry.latest]));
const missing = (error: unknown): boolean => isStoreError(error, 'object-not-found');

test('what is overwritten stays, and the object leads to the newest', async () => {
  const { store, put } = await keeping();
  const [first, second] = [await put('one'), await put('two')];
  assert.equal(versionOf(await store.objects.head(NAME)), second);
  assert.equal(await textOf(store, versionTarget(NAME, first)), 'one');
  assert.equal(await textOf(store, versionTarget(NAME, second)), 'two');
  const { entries } = await listVersions(store.containers, CONTAINER, ALL);
  assert.deepEqual(shown(entries), [['cat.jpg', second, true], ['cat.jpg', first, false]]);
});

test('an object from before becomes a version when it is overwritten', async () => {
  const { store, put } = await keeping();
  const { timestamp } = await store.objects.put({ target: NAME, body: bodyOfBuffer(Buffer.from('old')), metadata: { 'Content-Type': 'text/plain' } });
  assert.deepEqual(shown((await listVersions(store.containers, CONTAINER, ALL)).entries), [['cat.jpg', 'null', true]]);
  const next = await put('new');
  assert.equal(await textOf(store, versionTarget(NAME, timestamp)), 'old');
  assert.deepEqual(shown((await listVersions(store.containers, CONTAINER, ALL)).entries), [['cat.jpg', next, true], ['cat.jpg', timestamp, false]]);
});

test('a delete leaves a marker, also where nothing was, and ends nothing else', async () => {
  const { store, put } = await keeping();
  const summary = await store.containers.summary(CONTAINER);
  const first = await put('one');
  const marker = await store.versions.delete(NAME, summary);
  assert.equal(marker.existed, true);
  await assert.rejects(store.objects.head(NAME), missing);
  assert.equal((await store.versions.delete({ ...NAME, object: 'never' }, summary)).existed, false);
  const { entries } = await listVersions(store.containers, CONTAINER, { ...ALL, prefix: 'cat' });
  assert.deepEqual(shown(entries), [['cat.jpg', marker.versionId, true], ['cat.jpg', first, false]]);
  assert.equal('row' in entries[0]! && entries[0].row.contentType, DELETE_MARKER_TYPE);
  await assert.rejects(store.versions.restore(NAME, marker.versionId), missing);
  await store.versions.restore(NAME, first);
  assert.equal(versionOf(await store.objects.head(NAME)), first);
});

test('a version is deleted by itself, and the object with it where it is in force', async () => {
  const { store, put } = await keeping();
  const [first, second] = [await put('one'), await put('two')];
  assert.deepEqual(await store.versions.deleteVersion(NAME, first), { current: second });
  assert.deepEqual(await store.versions.deleteVersion(NAME, second), { current: undefined });
  await assert.rejects(store.objects.head(NAME), missing);
  await assert.rejects(store.versions.deleteVersion(NAME, second), missing);
  assert.deepEqual((await listVersions(store.containers, CONTAINER, ALL)).entries, []);
});

test('versions are listed page by page, either way, with names rolled up', async () => {
  const { store, put } = await keeping();
  const of = async (object: string): Promise<Timestamp[]> => [await put('1', { ...NAME, object }), await put('2', { ...NAME, object })];
  const [a, b] = [await of('a'), await of('dir-b')];
  const page = (query: Partial<VersionsQuery>): Promise<unknown[]> => listVersions(store.containers, CONTAINER, { ...ALL, ...query }).then(({ entries }) => shown(entries));
  const whole = [['a', a[1], true], ['a', a[0], false], ['dir-b', b[1], true], ['dir-b', b[0], false]];
  assert.deepEqual(await page({}), whole);
  assert.deepEqual(await page({ reverse: true }), whole.toReversed());
  assert.deepEqual(await page({ limit: 1 }), whole.slice(0, 1));
  assert.deepEqual(await page({ marker: 'a', versionMarker: a[1] }), whole.slice(1));
  assert.deepEqual(await page({ marker: 'a' }), whole.slice(2));
  assert.deepEqual(await page({ marker: 'dir-b', reverse: true }), whole.slice(0, 2).toReversed());
  assert.deepEqual(await page({ delimiter: '-' }), [...whole.slice(0, 2), 'dir-']);
});

test('the containers of versions are nobody else’s to see', async () => {
  const { store, put } = await keeping();
  await put('one');
  const query = { limit: 10, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false };
  for (const reverse of [false, true]) {
    const page = await store.accounts.list(CONTAINER.account, { ...query, reverse });
    assert.deepEqual(page?.entries.map((entry) => ('name' in entry ? entry.name : entry.subdir)), ['photos']);
  }
});

test('a version whose condition fails when it comes into force is none', async () => {
  const { store } = await keeping();
  const summary = await store.containers.summary(CONTAINER);
  let asked = 0;
  const condition = (): void => {
    if (++asked > 1) throw new StoreError('precondition-failed', 'it was overwritten meanwhile');
  };
  await assert.rejects(store.versions.put({ target: NAME, body: bodyOfBuffer(Buffer.from('x')), metadata: {}, condition }, summary), (error) => isStoreError(error, 'precondition-failed'));
  assert.deepEqual((await listVersions(store.containers, CONTAINER, ALL)).entries, []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isStoreError, type StoreErrorCode, type Timestamp } from '#common';
import { MemoryListingEngine } from '#storage-node/engine';
import { entryName, type DatabaseInfo, type DatabaseName, type ListingQuery, type ListingRow } from '#storage-node/protocol';
import { mergeInfos } from './databases.ts';
import { memoryCluster } from './memory-cluster.fixture.ts';
import { mergedPage } from './merged-page.ts';

const NAME = { account: 'AUTH_test', container: 'photos' };
const fails = (code: StoreErrorCode) => (error: unknown) => isStoreError(error, code);
const ALL: ListingQuery = { limit: 100, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false };

test('a container makes its account, is listed in it, and goes from it when it is deleted', async () => {
  const { store } = memoryCluster();
  assert.equal(await store.accounts.info('AUTH_test'), undefined);
  assert.deepEqual(await store.containers.put(NAME, { metadata: { 'user:a': '1' }, policy: undefined }), { created: true });
  assert.deepEqual(await store.containers.put(NAME, { metadata: { 'user:b': '2' }, policy: undefined }), { created: false });
  assert.deepEqual((await store.accounts.list('AUTH_test', ALL))?.entries.map(entryName), ['photos']);
  assert.deepEqual({ ...(await store.containers.summary(NAME)).metadata }, { 'user:a': '1', 'user:b': '2' });
  await store.containers.post(NAME, { 'user:a': '' });
  assert.deepEqual({ ...(await store.containers.summary(NAME)).metadata }, { 'user:b': '2' });
  await store.containers.delete(NAME);
  assert.deepEqual((await store.accounts.list('AUTH_test', ALL))?.entries, []);
  await assert.rejects(store.containers.info(NAME), fails('container-not-found'));
  await assert.rejects(store.containers.delete(NAME), fails('container-not-found'));
  await assert.rejects(store.containers.post(NAME, {}), fails('container-not-found'));
});

test('metadata of a container that missed a change is the newest of a majority', async () => {
  const cluster = memoryCluster();
  await cluster.store.containers.put(NAME, { metadata: { 'user:a': 'old' }, policy: undefined });
  for (const device of cluster.devices) {
    cluster.down(device);
    await cluster.store.containers.post(NAME, { 'user:a': `without ${device}` });
    cluster.up(device);
    cluster.clock.wind(10_000);
    assert.equal((await cluster.store.containers.info(NAME)).metadata['user:a']?.[0], `without ${device}`);
  }
});

test('a deleted account is refused with its own fault, and takes no containers', async () => {
  const { store } = memoryCluster();
  await store.accounts.put('AUTH_gone', {});
  await store.accounts.delete('AUTH_gone');
  await assert.rejects(store.accounts.info('AUTH_gone'), fails('account-deleted'));
  await assert.rejects(store.containers.put({ account: 'AUTH_gone', container: 'c' }, { metadata: {}, policy: undefined }), fails('account-deleted'));
});

test('infos merge to the newest of everything, whatever their order', () => {
  const info = (parts: Partial<DatabaseInfo>): DatabaseInfo => ({
    path: '/a/c',
    createdAt: 1 as Timestamp,
    putTimestamp: 1 as Timestamp,
    deleteTimestamp: 0 as Timestamp,
    statusTimestamp: 1 as Timestamp,
    metadata: {},
    policy: 0,
    totals: { rows: 0, objects: 0, bytes: 0 },
    totalsByPolicy: {},
    digest: '0',
    ...parts,
  });
  const t = (n: number): Timestamp => n as Timestamp;
  const a = info({ statusTimestamp: t(5), metadata: { x: ['new', t(5)], y: ['1', t(2)] } });
  const b = info({ statusTimestamp: t(4), deleteTimestamp: t(3), putTimestamp: t(4), policy: 1, metadata: { x: ['old', t(4)], z: ['', t(4)] } });
  for (const merged of [mergeInfos([a, b])!, mergeInfos([b, a])!]) {
    assert.deepEqual(merged.metadata, { x: ['new', 5], z: ['', 4] });
    assert.deepEqual([merged.putTimestamp, merged.deleteTimestamp, merged.statusTimestamp, merged.policy], [4, 3, 5, 1]);
  }
  assert.equal(mergeInfos([]), undefined);
});

const DATABASE: DatabaseName = { kind: 'container', key: Buffer.alloc(16, 1), path: '/a/c' };
const arbitraryName = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-', '\u{10000}', '\uffee'), minLength: 1, maxLength: 5 });
const arbitraryRow = fc.record({ name: arbitraryName, timestamp: fc.integer({ min: 1, max: 9 }), deleted: fc.boolean() }).map(
  ({ name, timestamp, deleted }): ListingRow => ({
    name,
    timestamp: timestamp as Timestamp,
    deleted,
    metaTimestamp: timestamp as Timestamp,
    bytes: deleted ? 0 : timestamp,
    count: 1,
    policy: 0,
    etag: deleted ? '' : 'e',
    contentType: '',
  }),
);
const arbitraryQuery = fc.record({
  limit: fc.integer({ min: 0, max: 8 }),
  marker: fc.oneof(fc.constant(''), arbitraryName),
  endMarker: fc.oneof(fc.constant(''), arbitraryName),
  prefix: fc.constantFrom('', 'a', 'b/', 'a/b'),
  delimiter: fc.constantFrom('', '/', '-', '/-'),
  reverse: fc.boolean(),
});

test('a page merged from replicas that disagree is the page of a database that heard everything', async () => {
  const arbitrary = fc.tuple(fc.array(arbitraryRow, { maxLength: 30 }), fc.array(arbitraryRow, { maxLength: 30 }), arbitraryQuery);
  await fc.assert(
    fc.asyncProperty(arbitrary, async ([left, right, query]) => {
      const open = async (...rows: ListingRow[]): Promise<MemoryListingEngine> => {
        const engine = new MemoryListingEngine();
        await engine.put({ database: DATABASE, timestamp: 1 as Timestamp, metadata: {}, policy: 0 });
        await engine.merge({ database: DATABASE, rows });
        return engine;
      };
      const replicas = [await open(...left), await open(...right)];
      const expected = (await (await open(...left, ...right)).list(DATABASE, query))!;
      const fetch = async (part: ListingQuery) => Promise.all(replicas.map(async (replica) => (await replica.list(DATABASE, { ...part, limit: 3 }))!));
      const page = await mergedPage(expected.info, query, fetch);
      assert.deepEqual(page.entries, expected.entries);
      if (query.limit > 0) assert.equal(page.truncated, expected.truncated);
    }),
    { numRuns: 500 },
  );
});

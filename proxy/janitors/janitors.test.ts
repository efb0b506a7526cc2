/** Stories of the janitors on a cluster in memory, its clock wound by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError, silentLog, type Daemon, type PassResult } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { CONTENT_TYPE, DELETE_AT, type ObjectName, type Store } from '#proxy/core';
import { memoryCluster, type MemoryCluster } from '../core/memory-cluster.fixture.ts';
import { accountReaper } from './account-reaper.ts';
import { deleter } from './deleter.ts';
import { expirer } from './expirer.ts';

const ACCOUNT = 'AUTH_a';
const never = new AbortController().signal;
const name = (object: string, container = 'c', account = ACCOUNT): ObjectName => ({ account, container, object });
const nowSeconds = ({ clock }: MemoryCluster): number => Math.floor(clock.nowMs() / 1000);
const fails = (code: Parameters<typeof isStoreError>[1]) => (error: unknown) => isStoreError(error, code);

function put(store: Store, target: ObjectName, metadata: Record<string, string> = {}, size = 1): Promise<unknown> {
  return store.objects.put({ target, body: bodyOfBuffer(Buffer.alloc(size)), metadata: { [CONTENT_TYPE]: 'text/plain', ...metadata } });
}

async function objectsListed(store: Store): Promise<number> {
  return (await store.containers.info({ account: ACCOUNT, container: 'c' })).totals.rows;
}

function begin(): MemoryCluster & { expire: () => Promise<PassResult['done']>; reap: (delaySeconds?: number) => Promise<PassResult['done']> } {
  const cluster = memoryCluster();
  const { store, clock } = cluster;
  const options = { store, clock, log: silentLog(), intervalMs: 1000, concurrency: 4 };
  const run = async (daemon: Daemon): Promise<PassResult['done']> => (await daemon.pass(never)).done;
  const daemon = expirer(options);
  return { ...cluster, expire: () => run(daemon), reap: (delaySeconds = 0) => run(accountReaper({ ...options, delaySeconds })) };
}

test('an object whose time has come is taken off the disks, and off the listing, once', async () => {
  const cluster = begin();
  const { store, clock, expire } = cluster;
  await store.containers.put({ account: ACCOUNT, container: 'c' }, { metadata: {}, policy: undefined });
  for (const [object, after] of [['soon', 10], ['later', 100_000]] as const) await put(store, name(object), { [DELETE_AT]: String(nowSeconds(cluster) + after) });
  await put(store, name('streamed'), { [DELETE_AT]: String(nowSeconds(cluster) + 10) }, 200_000);
  await put(store, name('ever'));
  assert.deepEqual(await expire(), { expired: 0, otherwise: 0, failed: 0 });
  clock.wind(13_000);
  assert.deepEqual(await expire(), { expired: 2, otherwise: 0, failed: 0 });
  assert.equal(await objectsListed(store), 2);
  for (const device of cluster.devices) assert.equal((await cluster.engines(device).objects(0).pending({ olderThanMs: 0, limit: 100 })).some(({ info }) => !info.deleted && /soon|streamed/.test(info.name)), false);
  assert.deepEqual(await expire(), { expired: 0, otherwise: 0, failed: 0 });
  clock.wind(100_000_000);
  assert.deepEqual(await expire(), { expired: 1, otherwise: 0, failed: 0 });
  clock.wind(3 * 86_400_000);
  await expire();
  const agenda = await store.accounts.list('\0agenda', { limit: 100, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false });
  assert.deepEqual(agenda?.entries, [], 'days that are past leave nothing behind');
});

test('an object that was given another time, none, or other data is left alone', async () => {
  const cluster = begin();
  const { store, clock, expire } = cluster;
  await store.containers.put({ account: ACCOUNT, container: 'c' }, { metadata: {}, policy: undefined });
  const soon = { [DELETE_AT]: String(nowSeconds(cluster) + 10) };
  for (const object of ['posted', 'freed', 'overwritten', 'deleted']) await put(store, name(object), soon);
  await store.objects.post(name('posted'), () => ({ [DELETE_AT]: String(nowSeconds(cluster) + 50) }));
  await store.objects.post(name('freed'), () => ({}));
  await put(store, name('overwritten'));
  await store.objects.delete(name('deleted'));
  clock.wind(13_000);
  assert.deepEqual(await expire(), { expired: 0, otherwise: 4, failed: 0 });
  for (const object of ['posted', 'freed', 'overwritten']) await store.objects.head(name(object));
  clock.wind(50_000);
  assert.deepEqual(await expire(), { expired: 1, otherwise: 0, failed: 0 }, 'the time given later counts');
});

test('a client that deletes what has expired finds nothing, and ends its row', async () => {
  const cluster = begin();
  const { store, clock } = cluster;
  await store.containers.put({ account: ACCOUNT, container: 'c' }, { metadata: {}, policy: undefined });
  await put(store, name('o'), { [DELETE_AT]: String(nowSeconds(cluster) + 10) });
  clock.wind(10_000);
  await assert.rejects(store.objects.delete(name('o')), fails('object-not-found'));
  assert.equal(await objectsListed(store), 0);
});

test('what is written to an expired name while it is deleted stays', async () => {
  const cluster = begin();
  const { store, clock } = cluster;
  await store.containers.put({ account: ACCOUNT, container: 'c' }, { metadata: {}, policy: undefined });
  const at = nowSeconds(cluster) + 10;
  await put(store, name('o'), { [DELETE_AT]: String(at) });
  clock.wind(13_000);
  // Another proxy, its clock behind, takes the new object first.
  await Promise.all([put(cluster.anotherProxy(-1000), name('o')), store.objects.expire(name('o'), at)]);
  assert.equal((await store.objects.head(name('o'))).deleted, false);
});

test('a device that is away leaves the deletion to the devices that are there, and too many away to a later pass', async () => {
  const cluster = begin();
  const { store, clock, expire } = cluster;
  await store.containers.put({ account: ACCOUNT, container: 'c' }, { metadata: {}, policy: undefined });
  for (let i = 0; i < 20; i++) await put(store, name(`o${i}`), { [DELETE_AT]: String(nowSeconds(cluster) + 10) });
  clock.wind(13_000);
  cluster.down('d1', 'd2', 'd3');
  await assert.rejects(expire(), fails('unavailable'));
  cluster.up('d1', 'd2', 'd3');
  clock.wind(60_000);
  cluster.down('d1');
  assert.equal((await expire())['expired'], 20);
  cluster.up('d1');
  assert.equal(await objectsListed(store), 0);
});

test('a deleted account lets nobody in at once, and is taken down after the delay', async () => {
  const cluster = begin();
  const { store, clock, reap } = cluster;
  for (const container of ['c', 'd']) await store.containers.put({ account: ACCOUNT, container }, { metadata: {}, policy: undefined });
  for (let i = 0; i < 30; i++) await put(store, name(`o${i}`, i % 2 ? 'c' : 'd'));
  await store.versions.prepare({ account: ACCOUNT, container: 'c' }, undefined);
  await store.closing.close(ACCOUNT);
  clock.wind(1);
  await assert.rejects(store.accounts.info(ACCOUNT), fails('account-deleted'));
  await assert.rejects(store.accounts.put(ACCOUNT, {}), fails('account-deleted'));
  await assert.rejects(store.accounts.post(ACCOUNT, {}), fails('account-deleted'));
  await assert.rejects(store.closing.close(ACCOUNT), fails('account-deleted'));
  await assert.rejects(store.accounts.list(ACCOUNT, { limit: 1, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false }), fails('account-deleted'));
  await assert.rejects(store.containers.put({ account: ACCOUNT, container: 'e' }, { metadata: {}, policy: undefined }), fails('account-deleted'));
  assert.deepEqual(await reap(3600), { accounts: 0, containers: 0, objects: 0, failed: 0 });
  clock.wind(3_601_000);
  assert.deepEqual(await reap(3600), { accounts: 1, containers: 3, objects: 30, failed: 0 });
  await assert.rejects(store.accounts.info(ACCOUNT), fails('account-deleted'));
  await assert.rejects(store.objects.head(name('o1')), fails('container-not-found'));
  assert.deepEqual(await reap(3600), { accounts: 0, containers: 0, objects: 0, failed: 0 });
});

test('an account is taken down though the work is cut off and done again', async () => {
  const cluster = begin();
  const { store, clock, reap } = cluster;
  await store.containers.put({ account: ACCOUNT, container: 'c' }, { metadata: {}, policy: undefined });
  for (let i = 0; i < 30; i++) await put(store, name(`o${i}`));
  await store.closing.close(ACCOUNT);
  clock.wind(1000);
  const cut = new AbortController();
  const objects = Object.assign(Object.create(store.objects) as typeof store.objects, {
    delete: (target: ObjectName) => {
      if (target.object === 'o15') cut.abort();
      return store.objects.delete(target);
    },
  });
  await accountReaper({ store: { ...store, objects }, clock, log: silentLog(), intervalMs: 1000, concurrency: 1, delaySeconds: 0 }).pass(cut.signal);
  const left = await objectsListed(store);
  assert.ok(left > 0 && left < 30, `${left} left`);
  assert.deepEqual(await reap(), { accounts: 1, containers: 1, objects: left, failed: 0 });
});

test('an empty account is deleted at once', async () => {
  const { store, reap } = begin();
  await store.accounts.put(ACCOUNT, {});
  await store.closing.close(ACCOUNT);
  await assert.rejects(store.accounts.info(ACCOUNT), fails('account-deleted'));
  assert.deepEqual(await reap(), { accounts: 0, containers: 0, objects: 0, failed: 0 });
});

test('what was asked to be deleted later is, as it was then; what was written since stays', async () => {
  const cluster = begin();
  const { store, clock } = cluster;
  await store.containers.put({ account: ACCOUNT, container: 'c' }, { metadata: {}, policy: undefined });
  for (const object of ['a', 'b', 'newer']) await put(store, name(object));
  clock.wind(10);
  await store.deleting.note(store.cluster.timestamps.now(), ['a', 'b', 'newer', 'never'].map((object) => name(object)));
  clock.wind(10);
  await put(store, name('newer'));
  const daemon = deleter({ store, clock, log: silentLog(), intervalMs: 1000, concurrency: 4 });
  assert.deepEqual((await daemon.pass(never)).done, { deleted: 2, otherwise: 2, failed: 0 });
  assert.deepEqual((await daemon.pass(never)).done, { deleted: 0, otherwise: 0, failed: 0 });
  await assert.rejects(store.objects.head(name('a')), fails('object-not-found'));
  await store.objects.head(name('newer'));
});

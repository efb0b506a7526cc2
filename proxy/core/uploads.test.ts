/** Uploads in parts: completed once, whatever is repeated, and of parts that nothing changes afterwards. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { isStoreError, StoreError } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { CONTENT_TYPE, partsContainer, UPLOAD_ID, type ObjectName, type Store } from './index.ts';
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

const TARGET: ObjectName = { account: 'AUTH_a', container: 'c', object: 'o' };
const LISTING = { limit: 100, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false };

async function begin(): Promise<{ store: Store; id: string }> {
  const { store } = going();
  await store.containers.put(TARGET, { metadata: {}, policy: undefined });
  return { store, id: await store.uploads.create(TARGET, { 'user:colour': 'blue' }, { policy: 0, label: 'me' }) };
}

const put = (store: Store, id: string, number: number, text: string): ReturnType<Store['uploads']['putPart']> =>
  store.uploads.putPart(TARGET, id, { number, body: bodyOfBuffer(Buffer.from(text)), lateMetadata: () => ({ [CONTENT_TYPE]: `part ${text}` }) });

test('of a part that was sent twice the newer counts, and the older is there no more once the others are completed', async () => {
  const { store, id } = await begin();
  await put(store, id, 2, 'two');
  await put(store, id, 1, 'one');
  await put(store, id, 2, 'TWO!');
  const { parts, attempts } = await store.uploads.parts(TARGET, id);
  assert.deepEqual([attempts, parts.map(({ number, bytes, contentType }) => [number, bytes, contentType])], [3, [[1, 3, 'part one'], [2, 4, 'part TWO!']]]);
  await store.uploads.endUnused(TARGET, id, new Set(parts.map(({ name }) => name)));
  assert.equal((await store.containers.list(partsContainer(TARGET), LISTING)).entries.length, 2);
});

test('many who complete an upload at once write one object, and all who hear of it hear the same', async () => {
  const { store, id } = await begin();
  let writes = 0;
  const complete = (token = 'list'): Promise<Readonly<Record<string, string>>> => store.uploads.complete(TARGET, id, { token, written: async () => undefined, write: async ({ metadata }) => ({ etag: `e${++writes}`, colour: metadata['user:colour'] ?? '' }) });
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => complete()));
  const heard = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [JSON.stringify(outcome.value)] : []));
  assert.equal(writes, 1);
  assert.deepEqual(new Set(heard), new Set([JSON.stringify({ etag: 'e1', colour: 'blue', token: 'list' })]));
  for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(isStoreError(outcome.reason, 'conflict'), String(outcome.reason));
  assert.deepEqual(await complete(), { etag: 'e1', colour: 'blue', token: 'list' }, 'again, later');
  await assert.rejects(complete('another list'), (error) => isStoreError(error, 'object-not-found'));
  await assert.rejects(store.uploads.abort(TARGET, id), (error) => isStoreError(error, 'object-not-found'));
});

test('a completion that fails leaves the upload open, and can be tried again', async () => {
  const { store, id } = await begin();
  const failing = store.uploads.complete(TARGET, id, { token: 't', written: async () => undefined, write: () => Promise.reject(new StoreError('precondition-failed', 'no')) });
  await assert.rejects(failing, (error) => isStoreError(error, 'precondition-failed'));
  assert.equal((await store.uploads.complete(TARGET, id, { token: 't', written: async () => undefined, write: async () => ({ etag: 'e' }) }))['etag'], 'e');
});

test('an abort ends the parts, and so does the end of the object or of its container', async () => {
  const { store, id } = await begin();
  const held = async (): Promise<number> => (await store.containers.list(partsContainer(TARGET), LISTING)).entries.length;
  await put(store, id, 1, 'x');
  await store.uploads.abort(TARGET, id);
  assert.equal(await held(), 0);
  await assert.rejects(store.uploads.get(TARGET, id), (error) => isStoreError(error, 'object-not-found'));
  const second = await store.uploads.create(TARGET, {}, { policy: 0, label: '' });
  await put(store, second, 1, 'x');
  await store.uploads.release(TARGET, { [UPLOAD_ID]: second });
  assert.equal(await held(), 0);
  await put(store, await store.uploads.create(TARGET, {}, { policy: 0, label: '' }), 1, 'x');
  await store.uploads.endContainer(TARGET);
  await assert.rejects(held(), (error) => isStoreError(error, 'container-not-found'));
});

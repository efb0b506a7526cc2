/** Null versions as S3 has them, beside the versions that both dialects share. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { Timestamp } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { CONTENT_TYPE, listVersions, parseListed, versionOf, VERSIONS, versionTarget, type ContainerSummary, type ObjectName, type Store } from './index.ts';
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

async function begin(): Promise<{ store: Store; summary: ContainerSummary }> {
  const { store } = going();
  await store.containers.put(TARGET, { metadata: { [VERSIONS]: 'enabled' }, policy: undefined });
  return { store, summary: await store.containers.summary(TARGET) };
}

const request = (text: string) => ({ target: TARGET, body: bodyOfBuffer(Buffer.from(text)), metadata: { [CONTENT_TYPE]: 'text/plain' } });

/** What is listed, newest first: the text that tells each, `*` for what is in force, `null` for the null version. */
async function shown(store: Store): Promise<string[]> {
  const { entries } = await listVersions(store.containers, TARGET, { limit: 100, marker: '', versionMarker: undefined, prefix: '', delimiter: '', reverse: false });
  return entries.map((entry) => ('subdir' in entry ? '' : `${entry.row.contentType.startsWith('application/x-deleted') ? 'marker' : entry.row.bytes}${entry.versionId === 'null' || parseListed(entry.row.etag).isNull ? ' null' : ''}${entry.latest ? ' *' : ''}`));
}

test('what was there before versions is the null version still when versions came after it', async () => {
  const { store, summary } = await begin();
  await store.objects.put(request('1'));
  assert.deepEqual(await shown(store), ['1 null *']);
  await store.versions.put(request('22'), summary);
  assert.deepEqual(await shown(store), ['2 *', '1 null']);
  const kept = (await store.nullVersions.find(TARGET))!;
  await using open = await store.objects.get(versionTarget(TARGET, kept));
  assert.equal(open.data?.toString(), '1');
});

test('there is one null version: what is written without versions takes its place, and so does a marker', async () => {
  const { store, summary } = await begin();
  await store.objects.put(request('1'));
  await store.versions.put(request('22'), summary);
  await store.nullVersions.put(request('333'), summary);
  assert.deepEqual(await shown(store), ['3 null *', '2']);
  await store.versions.put(request('4444'), summary);
  await store.nullVersions.delete(TARGET, summary);
  assert.deepEqual(await shown(store), ['marker null *', '4', '2']);
});

test('when the version in force ends the one before comes back, unless that marks a deletion', async () => {
  const { store, summary } = await begin();
  const first = await store.versions.put(request('1'), summary);
  const second = await store.versions.put(request('22'), summary);
  await store.nullVersions.end(TARGET, second.versionId);
  assert.deepEqual(await shown(store), ['1 *']);
  const marker = await store.versions.delete(TARGET, summary);
  const third = await store.versions.put(request('333'), summary);
  await store.nullVersions.end(TARGET, third.versionId);
  assert.deepEqual(await shown(store), ['marker *', '1']);
  await store.nullVersions.end(TARGET, marker.versionId);
  assert.deepEqual(await shown(store), ['1 *']);
  assert.equal(versionOf(await store.objects.head(TARGET)), first.versionId);
});

test('versions that many end at once leave nothing in force that is not there', async () => {
  const { store, summary } = await begin();
  const ids: Timestamp[] = [];
  for (let i = 0; i < 6; i++) ids.push((await store.versions.put(request('x'.repeat(i + 1)), summary)).versionId);
  await Promise.all([...ids, ...ids].map((id) => store.nullVersions.end(TARGET, id)));
  assert.deepEqual(await shown(store), []);
  await assert.rejects(store.objects.head(TARGET));
});

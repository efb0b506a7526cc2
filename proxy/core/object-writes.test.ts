import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import type { Timestamp } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { memoryCluster } from './memory-cluster.fixture.ts';

const target = { account: 'AUTH_test', container: 'c', object: 'o' };

test('a write that a majority took is not written again because one device holds something newer: it would come back from the past', async () => {
  const cluster = memoryCluster({ devices: 3 });
  const { store, clock, devices } = cluster;
  await store.containers.put(target, { metadata: {}, policy: undefined });
  const key = Buffer.from((await store.where(target)).key, 'hex');
  const later = ((clock.nowMs() + 60_000) * 100) as Timestamp;
  const data = Buffer.from('newer, and on its way to the others');
  await cluster.engines(devices[2]!).objects(0).put({ key, name: '/AUTH_test/c/o', timestamp: later, metadata: { ETag: hash('md5', data, 'hex') }, data });
  const { timestamp } = await store.objects.put({ target, body: bodyOfBuffer(Buffer.from('older')), metadata: { 'Content-Type': 'text/plain' } });
  assert(timestamp < later);
  for (const device of devices.slice(0, 2)) assert.equal((await cluster.engines(device).objects(0).stat(key))?.timestamp, timestamp);
});

test('a write that is older than what a majority holds is written again, newer', async () => {
  const cluster = memoryCluster({ devices: 3 });
  const { store, devices } = cluster;
  const ahead = cluster.anotherProxy(3_600_000);
  await store.containers.put(target, { metadata: {}, policy: undefined });
  const first = await ahead.objects.put({ target, body: bodyOfBuffer(Buffer.from('first')), metadata: { 'Content-Type': 'text/plain' } });
  const second = await store.objects.put({ target, body: bodyOfBuffer(Buffer.from('second')), metadata: { 'Content-Type': 'text/plain' } });
  assert(second.timestamp > first.timestamp);
  const key = Buffer.from((await store.where(target)).key, 'hex');
  for (const device of devices) assert.equal((await cluster.engines(device).objects(0).stat(key))?.timestamp, second.timestamp);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, ManualClock, StoreError, timestampFromMs, type Timestamp } from '#common';
import { MemoryListingEngine } from '#storage-node/engine';
import type { DatabaseName } from '#storage-node/protocol';
import { reclaimer, type Reclaimable } from './reclaimer.ts';

const log = createLog({ level: 'silent' });
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const database: DatabaseName = { kind: 'container', key: Buffer.alloc(16, 1), path: '/a/c' };
const everything = { limit: 100, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false, includeDeleted: true };

/** The memory model with a reclaim in one step. */
function reclaimable(engine: MemoryListingEngine): Reclaimable {
  return { reclaim: (olderThan) => engine.reclaim(olderThan).then(() => ({ reclaimed: 0, done: true })) };
}

async function tombstones(engine: MemoryListingEngine): Promise<string[]> {
  const page = await engine.list(database, everything);
  return (page?.entries ?? []).flatMap((entry) => ('name' in entry && entry.deleted ? [entry.name] : []));
}

test('a tombstone stays for the reclaim age, whatever the hour, and goes after it; live rows stay', async () => {
  const clock = new ManualClock(1_700_000_000_000);
  const engine = new MemoryListingEngine();
  const row = (name: string, deleted: boolean) => {
    const timestamp = timestampFromMs(clock.nowMs());
    return { name, timestamp, deleted, metaTimestamp: timestamp, bytes: 0, count: 1, policy: 0, etag: '', contentType: '' };
  };
  await engine.put({ database, timestamp: timestampFromMs(clock.nowMs()), metadata: {}, policy: 0 });
  await engine.merge({ database, rows: [row('dead', true), row('alive', false)] });
  const daemon = reclaimer({ listings: () => [{ device: 'd1', engine: reclaimable(engine) }], reclaimAgeMs: 7 * DAY_MS, clock, log });
  const { signal } = new AbortController();
  clock.wind(7 * DAY_MS - 1);
  await daemon.pass(signal);
  assert.deepEqual(await tombstones(engine), ['dead']);
  clock.wind(HOUR_MS + 1);
  await daemon.pass(signal);
  assert.deepEqual(await tombstones(engine), []);
  assert.equal((await engine.info(database))?.totals.rows, 1);
});

test('nodes that look at different moments of an hour reclaim up to the same one, so that digests of replicas agree', async () => {
  const clock = new ManualClock(1_700_000_000_000);
  const asked: Timestamp[] = [];
  const engine: Reclaimable = { reclaim: (olderThan) => (asked.push(olderThan), Promise.resolve({ reclaimed: 0, done: true })) };
  const daemon = reclaimer({ listings: () => [{ device: 'd1', engine: engine }], reclaimAgeMs: DAY_MS, clock, log });
  const { signal } = new AbortController();
  clock.wind(HOUR_MS - (clock.nowMs() % HOUR_MS));
  await daemon.pass(signal);
  clock.wind(HOUR_MS - 1);
  await daemon.pass(signal);
  clock.wind(1);
  await daemon.pass(signal);
  assert.equal(asked[0], asked[1]);
  assert.equal(asked[2], (asked[0] ?? 0) + HOUR_MS * 100);
});

test('a sweep pauses between its steps, keeps to one moment, and a device that fails does not end the pass', async () => {
  const clock = new ManualClock();
  const asked: Timestamp[] = [];
  const long: Reclaimable = { reclaim: (olderThan) => (asked.push(olderThan), Promise.resolve({ reclaimed: 2, done: asked.length === 3 })) };
  const bad: Reclaimable = { reclaim: () => Promise.reject(new StoreError('device-unavailable', 'closed')) };
  const passing = reclaimer({ listings: () => [{ device: 'd1', engine: bad }, { device: 'd2', engine: long }], reclaimAgeMs: DAY_MS, clock, log }).pass(new AbortController().signal);
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  assert.equal(asked.length, 1);
  for (let i = 0; i < 20; i++) {
    clock.wind(20);
    await new Promise(setImmediate);
  }
  assert.deepEqual((await passing).done, { reclaimed: 6, failed: 1 });
  assert.equal(new Set(asked).size, 1);
});

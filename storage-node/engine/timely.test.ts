import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError, ManualClock, MAX_SKEW_MS, timestampFromMs } from '#common';
import { MemoryListingEngine, MemoryObjectEngine, timelyListings, timelyObjects } from './index.ts';

const key = Buffer.alloc(16, 1);
const name = '/a/c/o';

test('a device refuses what is of another time than its own, says what time it is, and takes what is meant to be', async () => {
  const clock = new ManualClock();
  const engine = new MemoryObjectEngine({ clock });
  const door = timelyObjects(engine, { clock });
  const put = (aheadMs: number, dated?: true) => door.put({ key, name, timestamp: timestampFromMs(clock.nowMs() + aheadMs), metadata: {}, data: Buffer.from('x'), dated });
  const isSkew = (error: unknown): boolean => isStoreError(error, 'clock-skew') && error.detail['nowMs'] === clock.nowMs();
  for (const aheadMs of [MAX_SKEW_MS + 1, -MAX_SKEW_MS - 1, 3_600_000]) {
    const timestamp = timestampFromMs(clock.nowMs() + aheadMs);
    await assert.rejects(put(aheadMs), isSkew);
    await assert.rejects(door.create({ key, name, timestamp, sizeHint: undefined }), isSkew);
    await assert.rejects(door.delete({ key, name, timestamp }), isSkew);
    await assert.rejects(door.prepare({ key, name, timestamp }), isSkew);
    await assert.rejects(door.post({ key, name, timestamp, base: timestamp, metadata: {} }), isSkew);
  }
  assert.equal(await engine.stat(key), undefined, 'nothing was written');
  assert.equal((await put(-MAX_SKEW_MS)).outcome, 'committed');
  assert.equal((await put(MAX_SKEW_MS)).outcome, 'committed');
  assert.equal((await put(3_600_000, true)).outcome, 'committed');
});

test('so do its databases; rows come with the times of their objects', async () => {
  const clock = new ManualClock();
  const door = timelyListings(new MemoryListingEngine(), { clock });
  const database = { kind: 'container' as const, key, path: '/a/c' };
  const timestamp = timestampFromMs(clock.nowMs() + 3_600_000);
  await assert.rejects(door.put({ database, timestamp, metadata: {}, policy: 0 }), (error) => isStoreError(error, 'clock-skew'));
  await door.put({ database, timestamp: timestampFromMs(clock.nowMs()), metadata: {}, policy: 0 });
  await assert.rejects(door.delete({ database, timestamp }), (error) => isStoreError(error, 'clock-skew'));
  await assert.rejects(door.post({ database, timestamp, metadata: {} }), (error) => isStoreError(error, 'clock-skew'));
  const row = { name: 'o', timestamp, deleted: false, metaTimestamp: timestamp, bytes: 1, count: 1, policy: 0, etag: '', contentType: '' };
  assert.equal((await door.merge({ database, rows: [row] }))?.totals.objects, 1);
});

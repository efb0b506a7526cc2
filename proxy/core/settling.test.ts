import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog, StoreError, type Timestamp } from '#common';
import type { ListingRow } from '#storage-node/protocol';
import type { Placement, Replica } from './placement.ts';
import { Settling } from './settling.ts';

const ROW: ListingRow = { name: 'o', timestamp: 5 as Timestamp, metaTimestamp: 7 as Timestamp, deleted: false, bytes: 1, count: 1, policy: 0, etag: '', contentType: '' };

/** Listings of three devices whose lives a test may end, and an object whose settled timestamps are noted. */
function scene() {
  const lives = ['x', 'y', 'z'];
  let syncs = 0;
  const listedBy = lives.map((_, i) => {
    const sync = (): Promise<string> => {
      syncs++;
      return lives[i] === '' ? Promise.reject(new StoreError('device-unavailable', 'away')) : Promise.resolve(lives[i]!);
    };
    return { device: { device: `d${i}` }, client: { listings: { sync } } } as unknown as Replica;
  });
  const settled: Timestamp[] = [];
  const holder = { client: { objects: () => ({ settle: (_: Buffer, timestamp: Timestamp) => settled.push(timestamp) }) } } as unknown as Replica;
  const object = { key: Buffer.alloc(16), policy: 0, replicas: [holder] } as unknown as Placement;
  return { lives, listedBy, settled, object, settling: new Settling(silentLog()), syncs: () => syncs };
}

test('a write is settled, with its newest timestamp, when a majority has synced its row', async () => {
  const { lives, listedBy, settled, object, settling } = scene();
  await settling.meet(listedBy);
  settling.add(object, ROW, { listedBy, need: 2 });
  assert.deepEqual(settled, []);
  lives[2] = '';
  await settling.flush();
  assert.deepEqual(settled, [7]);
});

test('a row that a majority may have lost with a restart leaves the write pending', async () => {
  const { lives, listedBy, settled, object, settling } = scene();
  await settling.meet(listedBy);
  settling.add(object, ROW, { listedBy, need: 2 });
  lives[0] = 'x again';
  lives[1] = '';
  await settling.flush();
  assert.deepEqual(settled, []);
  // What is written to the new life is settled by it.
  settling.add(object, ROW, { listedBy: [listedBy[0]!, listedBy[2]!], need: 2 });
  await settling.flush();
  assert.deepEqual(settled, [7]);
});

test('listings of an unknown life are trusted with nothing, and learned by the first sync', async () => {
  const { listedBy, settled, object, settling } = scene();
  settling.add(object, ROW, { listedBy, need: 2 });
  await settling.flush();
  assert.deepEqual(settled, []);
  settling.add(object, ROW, { listedBy, need: 2 });
  await settling.flush();
  assert.deepEqual(settled, [7]);
});

test('one sync a device serves all writes that were listed meanwhile', async () => {
  const { listedBy, settled, object, settling, syncs } = scene();
  await settling.meet(listedBy);
  assert.equal(settling.meet(listedBy), undefined);
  for (let i = 0; i < 100; i++) settling.add(object, ROW, { listedBy, need: 2 });
  await settling.flush();
  assert.equal(settled.length, 100);
  assert.equal(syncs(), 6);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeSlab } from '#common/stream';
import type { ObjectWriter } from '#storage-node/protocol';
import { SlabsInUse } from './slabs-in-use.ts';

function receiver(written: (() => Promise<boolean>) | undefined, failed?: Error) {
  const writer = { ...(written && { written }), write: () => Promise.resolve() } as unknown as ObjectWriter;
  return { writer, failed };
}

/** True if the slab's memory is the next that is taken. */
async function isFreeSoon(slab: Buffer): Promise<boolean> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  return takeSlab().buffer === slab.buffer;
}

test('a slab is used again when it is hashed and all copies have written it', async () => {
  const hashed = Promise.withResolvers<void>();
  const written = Promise.withResolvers<boolean>();
  const slab = takeSlab();
  await new SlabsInUse().add(slab, hashed.promise, Promise.resolve(), [receiver(() => Promise.resolve(true)), receiver(() => written.promise)]);
  assert(!(await isFreeSoon(slab)));
  hashed.resolve();
  assert(!(await isFreeSoon(slab)));
  written.resolve(true);
  assert(await isFreeSoon(slab));
});

test('a slab that a copy may hold on to, has failed to write, or cannot speak for is never used again', async () => {
  const good = receiver(() => Promise.resolve(true));
  for (const other of [receiver(undefined), receiver(() => Promise.resolve(false)), receiver(() => Promise.resolve(true), new Error('gone'))]) {
    const slab = takeSlab();
    await new SlabsInUse().add(slab, undefined, Promise.resolve(), [good, other]);
    assert(!(await isFreeSoon(slab)));
  }
});

test('with four slabs out, the next may come when the first is over', async () => {
  const slabs = new SlabsInUse();
  const first = Promise.withResolvers<boolean>();
  const written = [first.promise, ...Array.from({ length: 4 }, () => Promise.resolve(true))];
  const copy = receiver(() => written.shift()!);
  for (let i = 0; i < 3; i++) await slabs.add(takeSlab(), undefined, Promise.resolve(), [copy]);
  let goesOn = false;
  const fourth = slabs.add(takeSlab(), undefined, Promise.resolve(), [copy]).then(() => (goesOn = true));
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  assert(!goesOn);
  first.resolve(true);
  await fourth;
});

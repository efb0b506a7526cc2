import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHasher } from '../checksum/index.ts';
import { closeChecksumWorkers } from '../checksum/worker-hasher.ts';
import { createHash, randomBytes } from 'node:crypto';
import { beginsOnPage, giveSlab, inSlabs, isShared, SLAB_BYTES, takeSlab } from './slabs.ts';

async function* pieces(data: Buffer, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < data.length; at += sizeBytes) yield data.subarray(at, at + sizeBytes);
}

test('a stream comes out of slabs as it went in: full ones, and a last one with the rest', async () => {
  for (const length of [0, 1, SLAB_BYTES - 1, SLAB_BYTES, 2 * SLAB_BYTES + 77]) {
    const data = randomBytes(length);
    const slabs: Buffer[] = [];
    for await (const slab of inSlabs(pieces(data, 60_001))) slabs.push(slab);
    assert(Buffer.concat(slabs).equals(data));
    assert.deepEqual(slabs.slice(0, -1).map((slab) => slab.length), slabs.slice(0, -1).map(() => SLAB_BYTES));
    assert(slabs.every((slab) => beginsOnPage(slab) && isShared(slab)));
  }
});

test('a slab that was given back is used again, also where only a part of it was; other memory is not taken', () => {
  const slab = takeSlab();
  giveSlab(Buffer.alloc(SLAB_BYTES));
  giveSlab(slab.subarray(0, 10));
  const again = takeSlab();
  assert.equal(again.buffer, slab.buffer);
  assert.equal(again.length, SLAB_BYTES);
  assert.notEqual(takeSlab().buffer, slab.buffer);
});

test('ordinary memory, and the middle of a slab, are not said to begin on a page', () => {
  assert(!beginsOnPage(Buffer.allocUnsafeSlow(SLAB_BYTES)));
  assert(!beginsOnPage(takeSlab().subarray(512)));
});

test('a checksum of slabs reads them where they are, and says when each may be used again', async () => {
  const data = randomBytes(3 * SLAB_BYTES + 5);
  const hasher = createHasher({ algorithms: ['md5'], sizeHint: data.length });
  for await (const slab of inSlabs(pieces(data, 100_000))) {
    await hasher.update(slab);
    slab.fill(0);
  }
  assert.equal((await hasher.digest()).md5.toString('hex'), createHash('md5').update(data).digest('hex'));
  await closeChecksumWorkers();
});

test('whoever waits for a slab to be hashed hears of it when the checksum is given up', async () => {
  const hasher = createHasher({ algorithms: ['md5'], sizeHint: SLAB_BYTES });
  const waiting = assert.rejects(Promise.resolve(hasher.update(takeSlab())), { code: 'internal' });
  hasher.abort();
  await waiting;
  await closeChecksumWorkers();
});

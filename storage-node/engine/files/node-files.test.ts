import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { takeSlab } from '#common/stream';
import { nodeFiles } from './node-files.ts';

/** Memory for one piece: on a page, where a direct write is possible, or not. */
function piece(data: Buffer, onPage: boolean): Buffer {
  if (!onPage) return Buffer.from(data);
  const slab = takeSlab().subarray(0, data.length);
  data.copy(slab);
  return slab;
}

test('a bulk file holds what was written, past the page cache or through it, whatever lengths and memory the pieces have', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bulk-'));
  try {
    const lives = [
      [[8192, true], [4096, true], [5000, true]],
      [[5000, true], [3192, true], [8192, true], [1, true]],
      [[4096, false], [4096, true], [100, false], [8192, true]],
      [[1 << 20, true], [(1 << 20) - 1, true]],
    ] as const;
    for (const [number, life] of lives.entries()) {
      const path = join(directory, String(number));
      const file = nodeFiles.open(path, 'create-bulk');
      const data = randomBytes(life.reduce((sum, [length]) => sum + length, 0));
      let at = 0;
      for (const [length, onPage] of life) {
        await file.write([piece(data.subarray(at, at + length), onPage)], at);
        at += length;
      }
      await file.sync();
      const back = Buffer.alloc(data.length);
      assert.equal(await file.read(back, 0), data.length);
      assert(back.equals(data), `life ${number}, read by the writer`);
      file.close();
      assert((await readFile(path)).equals(data), `life ${number}`);
    }
    assert.throws(() => nodeFiles.open(join(directory, '0'), 'create-bulk'), { code: 'EEXIST' });
  } finally {
    await rm(directory, { recursive: true });
  }
});

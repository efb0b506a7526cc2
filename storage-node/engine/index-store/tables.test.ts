import assert from 'node:assert/strict';
import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Level } from 'level';
import { SeededRandom } from '../files/random.ts';
import { liveTables } from './manifest.ts';
import { damagedTables, markClosed, wasClosed } from './tables.ts';

/** A database of several tables, compressed or not, some of them made by compaction. */
async function databaseIn(directory: string, compression: boolean): Promise<void> {
  const level = new Level(directory, { compression, writeBufferSize: 64 << 10 });
  for (let i = 0; i < 40; i++) await level.batch(Array.from({ length: 100 }, (_, j) => ({ type: 'put', key: `container-${i % 7}-object-${j * i}`, value: `some text of row ${i} `.repeat(5) })));
  await level.close();
}

for (const compression of [false, true]) {
  test(`every flipped bit of a table's blocks is noticed (${compression ? 'compressed' : 'not compressed'})`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'gori-tables-'));
    try {
      await databaseIn(directory, compression);
      assert.deepEqual(await damagedTables(directory), []);
      const random = new SeededRandom(3);
      const live = (await liveTables(directory))!;
      const tables = (await readdir(directory)).filter((name) => name.endsWith('.ldb') && live.has(name.replace('.ldb', '')));
      assert.ok(tables.length > 0);
      let noticed = 0;
      for (let flip = 0; flip < 200; flip++) {
        const name = random.pick(tables as [string, ...string[]]);
        await using file = await open(join(directory, name), 'r+');
        const { size } = await file.stat();
        const at = random.below(size - 48);
        const byte = Buffer.alloc(1);
        await file.read(byte, 0, 1, at);
        const bit = 1 << random.below(8);
        await file.write(Buffer.of(byte[0]! ^ bit), 0, 1, at);
        noticed += Number((await damagedTables(directory)).includes(name));
        await file.write(byte, 0, 1, at);
      }
      assert.equal(noticed, 200);
      assert.deepEqual(await damagedTables(directory), []);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}

test('what a killed process left half-written is none of the database', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gori-tables-'));
  try {
    await databaseIn(directory, false);
    await writeFile(join(directory, '999999.ldb'), 'half a table');
    assert.deepEqual(await damagedTables(directory), []);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a database counts as closed until it is opened again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gori-tables-'));
  try {
    assert.equal(await wasClosed(directory), true, 'nothing there yet');
    await databaseIn(directory, false);
    assert.equal(await wasClosed(directory), false);
    await markClosed(directory);
    assert.equal(await wasClosed(directory), true);
    assert.equal(await wasClosed(directory), false);
  } finally {
    await rm(directory, { recursive: true });
  }
});

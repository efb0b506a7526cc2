import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Level } from 'level';
import type { Timestamp } from '#common';
import type { ListingQuery } from '#storage-node/protocol';
import { databaseName, row } from '../arbitraries.ts';
import { MemoryListingEngine } from '../memory.ts';
import { openListingEngine } from './level-listing-engine.ts';

const container = databaseName('/acc/con');
const createWith = { timestamp: 1 as Timestamp, policy: 0 };
const ALL: ListingQuery = { limit: 10_000, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false, includeDeleted: true };
const ROWS = [...Array.from({ length: 2500 }, (_, i) => row(`o${i}`, 5, { bytes: i })), ...Array.from({ length: 30 }, (_, i) => row(`gone${i}`, 5, { deleted: true }))];

async function temporaryDirectory(): Promise<{ directory: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'gori-recount-'));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

/** Does to a closed database what a loss of power may do: changes of one batch are gone, those of a later one are there. */
async function damage(directory: string, change: (level: Level) => Promise<void>, logs: number): Promise<void> {
  const level = new Level(directory);
  await level.open();
  await change(level);
  await level.close();
  // A log before the one in use is what the moment leaves behind in which a batch may be missing.
  if (logs > 1) await writeFile(join(directory, '000001.log'), '');
}

test('after a loss of power between two logs, figures are those of the rows that are there', async () => {
  await using temporary = await temporaryDirectory();
  {
    await using engine = await openListingEngine(temporary);
    await engine.merge({ database: container, rows: ROWS, createWith });
  }
  await damage(
    temporary.directory,
    async (level) => {
      await level.del('l0000000o7');
      await level.put('t0000000o8', '4 0 0 0 0 0 ');
      await level.put('t0000000o9', '9 0 0 0 0 0 ');
    },
    2,
  );
  const model = new MemoryListingEngine();
  await model.merge({ database: container, rows: ROWS.filter(({ name }) => name !== 'o7'), createWith });
  await model.merge({ database: container, rows: [row('o9', 9, { deleted: true })] });
  await using engine = await openListingEngine(temporary);
  assert.deepEqual(await engine.list(container, ALL), await model.list(container, ALL));
  assert.deepEqual(await engine.info(container), await model.info(container));
});

test('a database that was left with one log is taken as it is', async () => {
  await using temporary = await temporaryDirectory();
  {
    await using engine = await openListingEngine(temporary);
    await engine.merge({ database: container, rows: ROWS, createWith });
  }
  await damage(temporary.directory, (level) => level.del('l0000000o7'), 1);
  await using engine = await openListingEngine(temporary);
  assert.equal((await engine.info(container))?.totals.rows, 2500, 'counted though nothing asked for it');
});

test('rows whose sync was deferred are listed at once, and safe after a sync of the same life', async () => {
  await using temporary = await temporaryDirectory();
  const engine = await openListingEngine(temporary);
  await engine.merge({ database: container, rows: [], createWith });
  const life = await engine.sync();
  await engine.merge({ database: container, rows: [row('o', 5)], deferSync: true });
  assert.equal((await engine.info(container))?.totals.rows, 1);
  assert.deepEqual(await Promise.all([engine.sync(), engine.sync(), engine.sync()]), [life, life, life]);
  await engine.close();
  await using again = await openListingEngine(temporary);
  assert.equal((await again.info(container))?.totals.rows, 1);
  assert.notEqual(await again.sync(), life, 'a restart is another life');
});

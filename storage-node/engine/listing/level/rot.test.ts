import assert from 'node:assert/strict';
import { cp, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isStoreError, type Timestamp } from '#common';
import { isSubdirectory, type ListingQuery } from '#storage-node/protocol';
import { SeededRandom } from '../../files/random.ts';
import { databaseName, row } from '../arbitraries.ts';
import { openListingEngine } from './level-listing-engine.ts';

const FLIPS = 60;
const DATABASES = Array.from({ length: 4 }, (_, i) => databaseName(`/acc/con${i}`));
const ROWS = Array.from({ length: 500 }, (_, i) => row(`object-${i}`, 5, { bytes: i, deleted: i % 9 === 0 }));
const ALL: ListingQuery = { limit: 10_000, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false, includeDeleted: true };

test('a bit that flips in a table of the databases is never a row, and what it hit is missing afterwards, by the digest too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gori-rot-'));
  try {
    const sound = join(folder, 'sound');
    {
      await using engine = await openListingEngine({ directory: sound, writeBufferBytes: 64 << 10 });
      for (const database of DATABASES) await engine.merge({ database, rows: ROWS, createWith: { timestamp: 1 as Timestamp, policy: 0 } });
    }
    // Opened once more, what is in the log becomes a table.
    await (await openListingEngine({ directory: sound })).close();
    const random = new SeededRandom(7);
    let hit = 0;
    for (let flip = 0; flip < FLIPS; flip++) {
      const directory = join(folder, `rotten-${flip}`);
      await cp(sound, directory, { recursive: true });
      await flipBit(directory, random);
      hit += Number(await outlives(directory, `flip ${flip}`));
      await rm(directory, { recursive: true });
    }
    assert.ok(hit > FLIPS / 2, `${hit} of ${FLIPS} flips hit something that is looked at`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Reads everything of a rotten device; whether anything was damaged. */
async function outlives(directory: string, label: string): Promise<boolean> {
  const wanted = new Map(ROWS.map((one) => [one.name, one]));
  const opened = await openListingEngine({ directory }).catch((error: unknown) => {
    assert.ok(isStoreError(error), `${label}: ${String(error)}`);
    return undefined;
  });
  // A device whose listings cannot be opened is left out, and filled anew when it is emptied.
  if (opened === undefined) return true;
  await using engine = opened;
  let wrong = false;
  for (let done = false; !done; ) {
    const step = await engine.audit();
    wrong ||= step.wrong;
    done = step.done;
    await engine.mended();
  }
  for (const database of DATABASES) {
    const page = await engine.list(database, ALL).catch((error: unknown) => {
      assert.ok(isStoreError(error, 'corrupt', 'device-unavailable'), `${label}: ${String(error)}`);
      wrong = true;
      return undefined;
    });
    for (const entry of page?.entries ?? []) assert.deepEqual(entry, isSubdirectory(entry) ? undefined : wanted.get(entry.name), label);
    const count = page?.info.totals.rows ?? 0;
    const live = (page?.entries ?? []).filter((entry) => !isSubdirectory(entry) && !entry.deleted).length;
    if (page !== undefined && !wrong) assert.equal(page.entries.length, ROWS.length, label);
    if (page !== undefined) assert.equal(count, live, `${label}: the figures are those of the rows`);
  }
  return wrong;
}

async function flipBit(directory: string, random: SeededRandom): Promise<void> {
  const tables = (await readdir(directory)).filter((name) => name.endsWith('.ldb')).sort();
  await using file = await open(join(directory, tables[random.below(tables.length)]!), 'r+');
  const { size } = await file.stat();
  const at = random.below(size);
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte[0] = byte[0]! ^ (1 << random.below(8));
  await file.write(byte, 0, 1, at);
}

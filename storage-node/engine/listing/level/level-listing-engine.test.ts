import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isStoreError, type Timestamp } from '#common';
import type { ListingQuery } from '#storage-node/protocol';
import { listingEngineContract } from '../../listing-engine.contract.ts';
import { listingReplicaContract } from '../../listing-replica.contract.ts';
import { applyOperation } from '../apply-operation.ts';
import { databaseName, operation, row } from '../arbitraries.ts';
import { MemoryListingEngine } from '../memory.ts';
import { openListingEngine } from './level-listing-engine.ts';

const container = databaseName('/acc/con');
const everything: ListingQuery = { limit: 10_000, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false };
const createWith = { timestamp: 1 as Timestamp, policy: 0 };

async function temporaryDirectory(): Promise<{ directory: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'gori-listing-'));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

listingEngineContract('the level engine', async () => {
  const { directory, [Symbol.asyncDispose]: remove } = await temporaryDirectory();
  let engine = await openListingEngine({ directory });
  return {
    engine,
    reopen: async () => {
      await engine.close();
      engine = await openListingEngine({ directory });
      return engine;
    },
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await remove();
    },
  };
});

listingReplicaContract('the level engine', async () => {
  const { directory, [Symbol.asyncDispose]: remove } = await temporaryDirectory();
  const engine = await openListingEngine({ directory });
  return {
    engine,
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await remove();
    },
  };
});

test('what was acknowledged before a kill -9 is there after it', async () => {
  await using temporary = await temporaryDirectory();
  const acknowledged = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const writer = fork(join(import.meta.dirname, 'writer.fixture.ts'), [temporary.directory, String(round)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    let heard = 0;
    writer.on('message', (name) => {
      acknowledged.add(name as string);
      if (++heard === 300) writer.kill('SIGKILL');
    });
    const [, signal] = (await once(writer, 'exit')) as [number | null, string | null];
    assert.equal(signal, 'SIGKILL');
    await using engine = await openListingEngine(temporary);
    const page = await engine.list(container, everything);
    const held = new Set(page!.entries.map((entry) => ('name' in entry ? entry.name : '')));
    assert.deepEqual([...acknowledged].filter((name) => !held.has(name)), []);
    assert.equal(page!.info.totals.rows, held.size);
  }
});

test('a second process, or engine, is told that the device is locked', async () => {
  await using temporary = await temporaryDirectory();
  await using _engine = await openListingEngine(temporary);
  await assert.rejects(openListingEngine(temporary), (error) => isStoreError(error, 'device-locked'));
});

test('a closed engine takes no writes', async () => {
  await using temporary = await temporaryDirectory();
  const engine = await openListingEngine(temporary);
  await engine.close();
  await assert.rejects(engine.merge({ database: container, rows: [row('o', 5)], createWith }), (error) => isStoreError(error, 'device-unavailable'));
});

test('a page and its info are of one moment, however many writers there are', async () => {
  await using temporary = await temporaryDirectory();
  await using engine = await openListingEngine(temporary);
  await engine.merge({ database: container, rows: [], createWith });
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let i = 0; i < 40; i++) await engine.merge({ database: container, rows: [row(`${writer}/${i}`, 5), row(`${writer}-${i}`, 5, { deleted: i % 2 === 0 })] });
  });
  let writing = true;
  const ended = Promise.all(writers).then(() => (writing = false));
  do {
    const page = await engine.list(container, everything);
    assert.equal(page!.entries.length, page!.info.totals.rows);
  } while (writing);
  await ended;
});

test('a page of subdirectories looks at few of the rows in them', async () => {
  await using temporary = await temporaryDirectory();
  await using engine = await openListingEngine(temporary);
  for (let directory = 0; directory < 20; directory++)
    await engine.merge({ database: container, rows: Array.from({ length: 1000 }, (_, i) => row(`d${directory}/${i}`, 5)), createWith });
  for (const reverse of [false, true]) {
    const costs: number[] = [];
    for (let i = 0; i < 7; i++) {
      const started = process.cpuUsage();
      const page = await engine.list(container, { ...everything, delimiter: '/', reverse });
      const { user, system } = process.cpuUsage(started);
      costs.push(user + system);
      assert.equal(page!.entries.length, 20);
    }
    // The cheapest of several: level may be compacting meanwhile, which is not the listing's doing.
    assert.ok(Math.min(...costs) < 15_000, `${Math.min(...costs)} us for 20 seeks: as much as walking over 20,000 rows`);
  }
});

test('reclaiming takes old tombstones, removed metadata and dead databases, as the model does, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 30 }), fc.integer({ min: 1, max: 35 }), fc.integer({ min: 1, max: 5 }), async (operations, olderThan, maxKeys) => {
      await using temporary = await temporaryDirectory();
      await using engine = await openListingEngine(temporary);
      const model = new MemoryListingEngine();
      for (const step of operations) {
        await applyOperation(engine, step);
        await applyOperation(model, step);
      }
      while (!(await engine.reclaim(olderThan as Timestamp, maxKeys)).done);
      await model.reclaim(olderThan as Timestamp);
      for (const path of ['/acc', '/acc/con', '/acc/other']) {
        assert.deepEqual(await engine.info(databaseName(path)), await model.info(databaseName(path)));
        const all = { ...everything, includeDeleted: true };
        assert.deepEqual(await engine.list(databaseName(path), all), await model.list(databaseName(path), all));
      }
      assert.deepEqual(await applyOperation(engine, { op: 'report' }), await applyOperation(model, { op: 'report' }));
    }),
    { numRuns: 40 },
  );
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isStoreError, ManualClock, type StoreErrorCode, type Timestamp } from '#common';
import { databaseName, row } from '../arbitraries.ts';
import { putState } from '../database-state.ts';
import { GroupCommitter } from './group-committer.ts';
import { databaseKey } from './keys.ts';
import { ListingStore } from './listing-store.ts';
import type { Transaction } from './transaction.ts';

const container = databaseName('/acc/con');

async function committer() {
  const directory = await mkdtemp(join(tmpdir(), 'gori-committer-'));
  const store = new ListingStore({ directory });
  await store.open();
  const clock = new ManualClock();
  const groups = new GroupCommitter({ store, clock });
  const dispose = async (): Promise<void> => {
    await groups.close();
    await store.close();
    await rm(directory, { recursive: true });
  };
  return { store, clock, groups, [Symbol.asyncDispose]: dispose };
}

function addRow(transaction: Transaction, name: string): void {
  const held = transaction.find(container) ?? transaction.create(container, putState(undefined, container.path, { timestamp: 1 as Timestamp, metadata: {}, policy: 0 }));
  transaction.mergeRow(held, row(name, 5));
}

/** Lets the next write of a batch fail as level would. */
function failNextWrite(store: ListingStore, message: string): void {
  const { level } = store;
  const original = level.batch.bind(level);
  level.batch = (() => {
    level.batch = original;
    const batch = original();
    batch.write = async () => {
      await batch.close();
      throw Object.assign(new Error(message), { code: 'LEVEL_IO_ERROR' });
    };
    return batch;
  }) as typeof level.batch;
}

const code = (expected: StoreErrorCode) => (error: unknown) => isStoreError(error, expected);

test('changes that come while a group is written share the next one', async () => {
  await using opened = await committer();
  let batches = 0;
  const original = opened.store.level.batch.bind(opened.store.level);
  opened.store.level.batch = (() => {
    batches++;
    return original();
  }) as typeof original;
  const first = opened.groups.commit((transaction) => addRow(transaction, 'first'));
  await Promise.all([first.then(() => undefined), ...Array.from({ length: 50 }, (_, i) => opened.groups.commit((transaction) => addRow(transaction, `o${i}`)))]);
  assert.ok(batches <= 2, `${batches} batches`);
  assert.equal(opened.store.record(databaseKey(container))?.figures.totals.rows, 51);
});

test('a failed write fails its whole group, shows nothing of it, and the database is opened anew before the next', async () => {
  await using opened = await committer();
  const { store, groups, clock } = opened;
  await groups.commit((transaction) => addRow(transaction, 'kept'));
  failNextWrite(store, 'IO error: Input/output error');
  const group = [groups.commit((transaction) => addRow(transaction, 'a')), groups.commit((transaction) => addRow(transaction, 'b'))];
  for (const lost of group) await assert.rejects(lost, code('device-unavailable'));
  assert.equal(store.record(databaseKey(container))?.figures.totals.rows, 1);
  await assert.rejects(groups.commit((transaction) => addRow(transaction, 'too soon')), code('device-unavailable'));
  clock.wind(1500);
  await groups.commit((transaction) => addRow(transaction, 'again'));
  assert.equal(store.record(databaseKey(container))?.figures.totals.rows, 2);
});

test('a disk without room is device-full', async () => {
  await using opened = await committer();
  failNextWrite(opened.store, 'IO error: No space left on device');
  await assert.rejects(opened.groups.commit((transaction) => addRow(transaction, 'a')), code('device-full'));
});

test('a change that throws fails its group only, and nothing of it is written', async () => {
  await using opened = await committer();
  const bug = new Error('a bug');
  const half = opened.groups.commit((transaction) => {
    addRow(transaction, 'half');
    throw bug;
  });
  await assert.rejects(half, bug);
  assert.equal(opened.store.record(databaseKey(container)), undefined);
  await opened.groups.commit((transaction) => addRow(transaction, 'next'));
  assert.equal(opened.store.record(databaseKey(container))?.figures.totals.rows, 1);
});

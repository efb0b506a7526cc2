/** The contract of the part of the ListingEngine port that replicas use among each other, as tests: run by every engine and transport. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Timestamp } from '#common';
import type { DatabaseName, DatabaseVersion, ListingEngine, ListingRow, LocalListingReplica } from '#storage-node/protocol';
import { applyOperation } from './listing/apply-operation.ts';
import { databaseName, operation, row } from './listing/arbitraries.ts';
import { MemoryListingEngine } from './listing/memory.ts';

export interface ListingReplicaFixture extends AsyncDisposable {
  readonly engine: ListingEngine & Partial<Pick<LocalListingReplica, 'release'>>;
}

const container = databaseName('/acc/con');
const createWith = { timestamp: 1 as Timestamp, policy: 0 };
const all = (kind: DatabaseName['kind']) => ({ kind, bits: 0, prefixes: [0] });

/** Gives all that `from` holds to `to`. */
async function copyAll(from: ListingEngine, to: ListingEngine): Promise<void> {
  for (const kind of ['account', 'container'] as const) {
    for (const { database } of await from.databaseVersions({ ...all(kind), limit: 100 })) {
      const state = await from.databaseState(database);
      await to.adopt([{ database, state: state!, rows: await from.databaseRows(database, { after: '', limit: 1000 }) }]);
    }
  }
}

async function summary(engine: ListingEngine): Promise<unknown> {
  const kinds = ['account', 'container'] as const;
  const versions = await Promise.all(kinds.map((kind) => engine.databaseVersions({ ...all(kind), limit: 100 })));
  const digests = await Promise.all(kinds.map(async (kind) => (await engine.databaseDigests(all(kind))).toString('hex')));
  return { versions: versions.flat().map(({ database, version }) => `${database.path} ${version}`), digests };
}

export function listingReplicaContract(name: string, open: () => Promise<ListingReplicaFixture>): void {
  test(`${name}: replicas that give each other all that they hold end with equal versions and digests`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 20 }), fc.array(operation, { maxLength: 20 }), async (here, there) => {
        await using fixture = await open();
        const { engine } = fixture;
        const other = new MemoryListingEngine();
        // Asked for first, so that the digest is kept through the changes and not only counted after them.
        await engine.databaseDigests(all('container'));
        for (const step of here) await applyOperation(engine, step);
        for (const step of there) await applyOperation(other, step);
        // Twice: a run of puts of one policy is known by its ends, so one that the other's put parts may have a new end only the other knows (policy-history.ts).
        for (let round = 0; round < 2; round++) {
          await copyAll(other, engine);
          await copyAll(engine, other);
        }
        assert.deepEqual(await summary(engine), await summary(other));
        for (const path of ['/acc', '/acc/con', '/acc/other']) {
          const [mine, theirs] = [await engine.info(databaseName(path)), await other.info(databaseName(path))];
          assert.deepEqual(mine && { ...mine }, theirs && { ...theirs });
        }
      }),
      { numRuns: 40 },
    );
  });

  test(`${name}: digests of ranges are of the databases in them`, async () => {
    await using fixture = await open();
    const { engine } = fixture;
    const paths = Array.from({ length: 20 }, (_, i) => `/acc/c${i}`);
    for (const path of paths) await engine.merge({ database: databaseName(path), rows: [row('o', 5)], createWith });
    const halves = { kind: 'container' as const, bits: 1, prefixes: [0, 1] };
    const before = await engine.databaseDigests(halves);
    await engine.merge({ database: databaseName(paths[3]!), rows: [row('p', 5)] });
    const after = await engine.databaseDigests(halves);
    const half = databaseName(paths[3]!).key[0]! >> 7;
    assert(!before.subarray(half * 8, half * 8 + 8).equals(after.subarray(half * 8, half * 8 + 8)));
    assert(before.subarray(8 - half * 8, 16 - half * 8).equals(after.subarray(8 - half * 8, 16 - half * 8)));
    const deep = { kind: 'container' as const, bits: 20, prefixes: paths.map((path) => databaseName(path).key.readUInt32BE(0) >>> 12).sort((a, b) => a - b) };
    const sums = await engine.databaseDigests(deep);
    assert.equal(deep.prefixes.findIndex((_, i) => sums.readBigUInt64LE(i * 8) === 0n), -1);
    const keys: string[] = [];
    for (let last: Buffer | undefined; ; ) {
      const page = await engine.databaseVersions({ ...halves, after: last, limit: 6 });
      keys.push(...page.map(({ database }) => database.key.toString('hex')));
      last = page.at(-1)?.database.key;
      if (page.length < 6) break;
    }
    assert.deepEqual(keys, paths.map((path) => databaseName(path).key.toString('hex')).sort());
    assert.deepEqual(await engine.databaseDigests({ ...halves, kind: 'account' }), Buffer.alloc(16));
  });

  test(`${name}: rows are compared by ranges of names, tombstones too, and of a deleted database as well`, async () => {
    await using fixture = await open();
    const { engine } = fixture;
    const other = new MemoryListingEngine();
    const rows = Array.from({ length: 50 }, (_, i) => row(`o${String(i).padStart(2, '0')}`, 5, { deleted: i % 5 === 0 }));
    for (const replica of [engine, other]) {
      await replica.merge({ database: container, rows, createWith });
      await replica.delete({ database: container, timestamp: 9 as Timestamp, force: true });
    }
    const ranges = { after: '', ends: ['o09', 'o19', 'o29', 'o39', ''] };
    assert.deepEqual(await engine.rowDigests(container, ranges), await other.rowDigests(container, ranges));
    await engine.adopt([{ database: container, state: (await engine.databaseState(container))!, rows: [row('o20', 6)] }]);
    const differing = (await engine.rowDigests(container, ranges)).map((digest, i, digests) => [i, digest, digests.length] as const);
    const theirs = await other.rowDigests(container, ranges);
    assert.deepEqual(differing.filter(([i, digest]) => digest !== theirs[i]).map(([i]) => i), [2]);
    const names = (found: readonly ListingRow[]): string[] => found.map(({ name: rowName }) => rowName);
    assert.deepEqual(names(await engine.databaseRows(container, { after: 'o19', limit: 3 })), ['o20', 'o21', 'o22']);
    assert.equal((await engine.databaseRows(container, { after: '', limit: 1000 })).length, 50);
    assert.deepEqual(await engine.databaseRows(databaseName('/acc/never'), { after: '', limit: 10 }), []);
    assert.equal(await engine.databaseState(databaseName('/acc/never')), undefined);
  });

  test(`${name}: a database is released as it was, and what came since stays`, async (t) => {
    await using fixture = await open();
    const { engine } = fixture;
    const release = engine.release?.bind(engine);
    if (!release) return t.skip('local only');
    const rows = Array.from({ length: 30 }, (_, i) => row(`o${i}`, 5, { deleted: i % 4 === 0 }));
    await engine.merge({ database: container, rows, createWith });
    const [{ version }] = (await engine.databaseVersions({ ...all('container'), limit: 1 })) as [DatabaseVersion];
    await engine.merge({ database: container, rows: [row('late', 6)] });
    assert.equal(await release(container, version), false);
    assert.equal((await engine.info(container))?.totals.rows, 23);
    const [now] = await engine.databaseVersions({ ...all('container'), limit: 1 });
    assert.equal(await release(container, now!.version), true);
    assert.equal(await engine.info(container), undefined);
    assert.deepEqual(await engine.databaseDigests(all('container')), Buffer.alloc(8));
    await engine.merge({ database: container, rows: [row('again', 7)], createWith });
    assert.equal((await engine.info(container))?.totals.rows, 1);
  });
}

/**
 * What every ListingEngine promises, as tests: the level engine, the memory model and the HTTP transport all run this suite.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { NEVER, type Timestamp } from '#common';
import { entryName, isAlive, type ListingEngine, type ListingEntry, type ListingQuery, type ListingRow } from '#storage-node/protocol';
import { applyOperation } from './listing/apply-operation.ts';
import { databaseName, listingRow, metadata, operation, row, timestamp as anyTimestamp } from './listing/arbitraries.ts';
import { MemoryListingEngine } from './listing/memory.ts';

/** A fresh and empty engine; disposing it takes everything away. */
export interface ListingFixture extends AsyncDisposable {
  readonly engine: ListingEngine;
  /** Closes the engine and opens it again on what it has stored, where it stores. */
  reopen?(): Promise<ListingEngine>;
}

export type OpenListingFixture = () => Promise<ListingFixture>;

const container = databaseName('/acc/con');
const account = databaseName('/acc');
const everything: ListingQuery = { limit: 10_000, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false };
const at = (ticks: number): Timestamp => ticks as Timestamp;

async function containerWith(engine: ListingEngine, rows: readonly ListingRow[]): Promise<void> {
  await engine.merge({ database: container, rows, createWith: { timestamp: at(1), policy: 0 } });
}

async function names(engine: ListingEngine, query: Partial<ListingQuery>): Promise<string[]> {
  const page = await engine.list(container, { ...everything, ...query });
  return page!.entries.map(entryName);
}

export function listingEngineContract(name: string, open: OpenListingFixture): void {
  describe(`${name} as a ListingEngine`, () => {
    databases(open);
    rows(open);
    listings(open);
    reports(open);
    properties(open);
  });
}

function databases(open: OpenListingFixture): void {
  test('what was never put is unknown to every call', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    assert.equal(await engine.info(container), undefined);
    assert.equal(await engine.post({ database: container, timestamp: at(5), metadata: {} }), undefined);
    assert.equal(await engine.delete({ database: container, timestamp: at(5) }), 'not-found');
    assert.equal(await engine.merge({ database: container, rows: [row('o', 5)] }), undefined);
    assert.equal(await engine.list(container, everything), undefined);
    assert.equal(await engine.info(container), undefined);
  });

  test('a put creates once, and its policy stays while the container lives', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    const first = await engine.put({ database: container, timestamp: at(10), metadata: { 'X-A': ['1', at(10)] }, policy: 1 });
    assert.equal(first.created, true);
    assert.deepEqual(first.info, {
      path: '/acc/con',
      createdAt: 10,
      putTimestamp: 10,
      deleteTimestamp: NEVER,
      statusTimestamp: 10,
      metadata: { 'X-A': ['1', 10] },
      policy: 1,
      totals: { rows: 0, objects: 0, bytes: 0 },
      totalsByPolicy: {},
      digest: '0'.repeat(32),
    });
    const second = await engine.put({ database: container, timestamp: at(20), metadata: { 'X-B': ['2', at(20)] }, policy: 0 });
    assert.equal(second.created, false);
    assert.equal(second.info.policy, 1);
    assert.deepEqual([second.info.createdAt, second.info.putTimestamp, second.info.statusTimestamp], [10, 20, 20]);
    assert.deepEqual(second.info.metadata, { 'X-A': ['1', 10], 'X-B': ['2', 20] });
    assert.deepEqual(await engine.info(container), second.info);
  });

  test('the newest value of each metadata name wins, and an empty value is a removed one', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    await engine.put({ database: account, timestamp: at(10), metadata: { 'X-A': ['old', at(10)], 'X-B': ['b', at(15)] }, policy: 0 });
    const info = await engine.post({ database: account, timestamp: at(12), metadata: { 'X-A': ['', at(12)], 'X-B': ['older', at(12)] } });
    assert.deepEqual(info?.metadata, { 'X-A': ['', 12], 'X-B': ['b', 15] });
    const late = await engine.post({ database: account, timestamp: at(11), metadata: { 'X-A': ['late', at(11)] } });
    assert.deepEqual(late?.metadata['X-A'], ['', 12]);
  });

  test('a deleted container is known as such, and comes back with the new policy and without its old metadata', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    await engine.put({ database: container, timestamp: at(10), metadata: { 'X-A': ['1', at(10)] }, policy: 1 });
    assert.equal(await engine.delete({ database: container, timestamp: at(20) }), 'deleted');
    const dead = await engine.info(container);
    assert.ok(dead && !isAlive(dead));
    assert.equal(await engine.list(container, everything), undefined);
    assert.equal(await engine.post({ database: container, timestamp: at(25), metadata: {} }), undefined);
    assert.equal(await engine.delete({ database: container, timestamp: at(21) }), 'not-found');
    const revived = await engine.put({ database: container, timestamp: at(30), metadata: { 'X-B': ['2', at(30)] }, policy: 2 });
    assert.equal(revived.created, true);
    assert.equal(revived.info.policy, 2);
    assert.deepEqual(revived.info.metadata, { 'X-B': ['2', 30] });
  });

  test('a put from before the delete does not revive, and a delete from before the put does not kill', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    await engine.put({ database: container, timestamp: at(10), metadata: {}, policy: 0 });
    assert.equal(await engine.delete({ database: container, timestamp: at(5) }), 'not-empty');
    assert.ok(isAlive((await engine.info(container))!));
    await engine.delete({ database: container, timestamp: at(20) });
    const late = await engine.put({ database: container, timestamp: at(15), metadata: {}, policy: 0 });
    assert.equal(late.created, false);
    assert.ok(!isAlive(late.info));
  });

  test('only an empty database is deleted, unless by force', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    await containerWith(engine, [row('o', 5)]);
    const before = await engine.info(container);
    assert.equal(await engine.delete({ database: container, timestamp: at(10) }), 'not-empty');
    assert.deepEqual(await engine.info(container), before);
    await engine.merge({ database: container, rows: [row('o', 6, { deleted: true })] });
    assert.equal(await engine.delete({ database: container, timestamp: at(10) }), 'deleted');
    await engine.merge({ database: account, rows: [row('con', 5)], createWith: { timestamp: at(1), policy: 0 } });
    assert.equal(await engine.delete({ database: account, timestamp: at(10), force: true }), 'deleted');
  });

  test('an account and a container of one key are two databases', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    await engine.put({ database: container, timestamp: at(10), metadata: {}, policy: 0 });
    assert.equal(await engine.info({ ...account, key: container.key }), undefined);
  });
}

function rows(open: OpenListingFixture): void {
  test('rows count in totals, by policy, and no more once they are deleted', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    const info = await engine.merge({
      database: account,
      rows: [row('c1', 5, { count: 7, bytes: 100 }), row('c2', 5, { count: 1, bytes: 5_000_000_000, policy: 1 }), row('c3', 5, { deleted: true })],
      createWith: { timestamp: at(1), policy: 0 },
    });
    assert.deepEqual(info?.totals, { rows: 2, objects: 8, bytes: 5_000_000_100 });
    assert.deepEqual(info?.totalsByPolicy, { 0: { rows: 1, objects: 7, bytes: 100 }, 1: { rows: 1, objects: 1, bytes: 5_000_000_000 } });
    const after = await engine.merge({ database: account, rows: [row('c2', 6, { deleted: true }), row('c1', 5, { metaTimestamp: 8, count: 9, bytes: 50 })] });
    assert.deepEqual(after?.totals, { rows: 1, objects: 9, bytes: 50 });
    assert.deepEqual(after?.totalsByPolicy, { 0: { rows: 1, objects: 9, bytes: 50 } });
  });

  test('the newer row wins, a tombstone at equal timestamps, then the newer metadata, then the larger contents', async () => {
    const order = [
      row('o', 5),
      row('o', 6, { etag: 'e1' }),
      row('o', 6, { etag: 'e2', contentType: 'a' }),
      row('o', 6, { etag: 'e2', contentType: 'b', bytes: 1 }),
      row('o', 6, { etag: 'e2', contentType: 'b', bytes: 2 }),
      row('o', 6, { metaTimestamp: 7, etag: 'e0' }),
      row('o', 6, { deleted: true }),
      row('o', 7, { etag: '' }),
    ];
    await using fixture = await open();
    const { engine } = fixture;
    await containerWith(engine, []);
    for (const [i, winner] of order.entries()) {
      for (const loser of order.slice(0, i)) {
        await engine.merge({ database: container, rows: [winner] });
        const page = await engine.list(container, { ...everything, includeDeleted: true });
        const info = await engine.merge({ database: container, rows: [loser] });
        assert.deepEqual((await engine.list(container, { ...everything, includeDeleted: true }))?.entries, [winner]);
        assert.deepEqual(info, page?.info);
      }
    }
  });

  test('two changes of one row in one merge end as the newer, whichever comes first', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    await containerWith(engine, [row('a', 6, { bytes: 2 }), row('a', 5, { bytes: 1 }), row('b', 5), row('b', 6, { deleted: true })]);
    const page = await engine.list(container, { ...everything, includeDeleted: true });
    assert.deepEqual(page?.entries, [row('a', 6, { bytes: 2 }), row('b', 6, { deleted: true })]);
    assert.deepEqual(page?.info.totals, { rows: 1, objects: 1, bytes: 2 });
  });

  test('writers that do not wait for each other lose nothing', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    await containerWith(engine, []);
    await Promise.all(Array.from({ length: 200 }, (_, i) => engine.merge({ database: container, rows: [row(`o${i % 100}`, 5 + i, { bytes: i })] })));
    const info = await engine.info(container);
    assert.deepEqual(info?.totals, { rows: 100, objects: 100, bytes: (100 + 199) * 50 });
    assert.equal((await names(engine, {})).length, 100);
  });

  test('equal rows have equal digests, unlike rows do not, and tombstones count', async () => {
    const digestOf = async (held: readonly ListingRow[]): Promise<string> => {
      await using fixture = await open();
      await containerWith(fixture.engine, held);
      return (await fixture.engine.info(container))!.digest;
    };
    const digest = await digestOf([row('a', 5), row('b', 6)]);
    assert.match(digest, /^[0-9a-f]{32}$/);
    assert.equal(await digestOf([row('b', 6), row('a', 4), row('a', 5)]), digest);
    for (const other of [row('b', 7), row('b', 6, { metaTimestamp: 7 }), row('b', 6, { deleted: true }), row('b', 6, { contentType: 'x/y' })])
      assert.notEqual(await digestOf([row('a', 5), other]), digest);
    assert.notEqual(await digestOf([row('a', 5), row('b', 6), row('c', 1, { deleted: true })]), digest);
  });
}

function listings(open: OpenListingFixture): void {
  const listingCases: [title: string, held: readonly string[], query: Partial<ListingQuery>, expected: readonly string[]][] = [
    ['rows come in the order of UTF-8 bytes', ['b', 'a', '\u{10000}', '\u{ffff}', 'ä', 'B', '~'], {}, ['B', 'a', 'b', '~', 'ä', '\u{ffff}', '\u{10000}']],
    ['markers are exclusive on both sides', ['a', 'b', 'c', 'd'], { marker: 'a', endMarker: 'd' }, ['b', 'c']],
    ['markers that contradict each other leave nothing', ['a', 'b', 'c'], { marker: 'c', endMarker: 'a' }, []],
    ['reverse starts from the marker downwards', ['a', 'b', 'c', 'd'], { marker: 'd', endMarker: 'a', reverse: true }, ['c', 'b']],
    ['a prefix keeps what starts with it', ['a', 'ab', 'abc', 'ac', 'b'], { prefix: 'ab' }, ['ab', 'abc']],
    ['a prefix and a marker before it start at the prefix', ['a', 'ab', 'b'], { prefix: 'ab', marker: 'a' }, ['ab']],
    ['a prefix and a marker behind it leave nothing', ['a', 'ab', 'b'], { prefix: 'ab', marker: 'b' }, []],
    ['a delimiter rolls names up', ['a/1', 'a/2', 'b', 'c/1'], { delimiter: '/' }, ['a/', 'b', 'c/']],
    ['a delimiter rolls up after the prefix only', ['a/1', 'a/b/1', 'a/b/2', 'b/1'], { delimiter: '/', prefix: 'a/' }, ['a/1', 'a/b/']],
    ['prefix ba and delimiter a give baza and what has no more a', ['bar', 'bazar'], { delimiter: 'a', prefix: 'ba' }, ['bar', 'baza']],
    ['a leading delimiter is a subdirectory of its own', ['/a', '/b', 'c'], { delimiter: '/' }, ['/', 'c']],
    ['a delimiter may have several characters', ['a-&b', 'a-&c', 'a-b', 'a&b'], { delimiter: '-&' }, ['a&b', 'a-&', 'a-b']],
    ['a subdirectory is not repeated behind itself', ['a/1', 'a/2', 'b'], { delimiter: '/', marker: 'a/' }, ['b']],
    ['a subdirectory is not repeated behind a name inside it', ['a/1', 'a/2', 'b'], { delimiter: '/', marker: 'a/1' }, ['b']],
    ['a subdirectory comes before an end marker inside it', ['a/1', 'a/2', 'b'], { delimiter: '/', endMarker: 'a/2' }, ['a/']],
    ['reverse rolls up, too', ['a/1', 'a/2', 'b', 'c/1', 'c/2'], { delimiter: '/', reverse: true }, ['c/', 'b', 'a/']],
    ['reverse does not repeat a subdirectory', ['a/1', 'b', 'c/1', 'c/2'], { delimiter: '/', reverse: true, marker: 'c/' }, ['b', 'a/']],
    ['the subdirectory goes where its name does, not where its rows do', ['a-', 'a.', 'a/1', 'a0'], { delimiter: '/' }, ['a-', 'a.', 'a/', 'a0']],
  ];
  test('listings: order, bounds, prefixes and delimiters', async (context) => {
    for (const [title, held, query, expected] of listingCases)
      await context.test(title, async () => {
        await using fixture = await open();
        await containerWith(fixture.engine, held.map((name) => row(name, 5)));
        assert.deepEqual(await names(fixture.engine, query), expected);
      });
  });

  test('pages of any size, either way, joined by their last entries, are the whole listing', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    const held = Array.from({ length: 60 }, (_, i) => `${String.fromCharCode(97 + (i % 5))}/${i % 3 === 0 ? 'x/' : ''}${i}`);
    await containerWith(engine, [...held.map((name) => row(name, 5)), ...['b', 'c0', 'a/'].map((name) => row(name, 5)), row('d', 5, { deleted: true })]);
    for (const delimiter of ['', '/'])
      for (const reverse of [false, true]) {
        const whole = await names(engine, { delimiter, reverse });
        for (const limit of [1, 2, 7, whole.length, whole.length + 1]) assert.deepEqual(await pages(engine, { delimiter, reverse, limit }), whole);
      }
  });

  async function pages(engine: ListingEngine, query: Partial<ListingQuery>): Promise<string[]> {
    const entries: ListingEntry[] = [];
    for (;;) {
      const last = entries.at(-1);
      const page = await engine.list(container, { ...everything, ...query, marker: last === undefined ? '' : entryName(last) });
      entries.push(...page!.entries);
      if (!page!.truncated) return entries.map(entryName);
      assert.equal(page!.entries.length, query.limit);
    }
  }

  test('a page says it is truncated only where an entry follows', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    await containerWith(engine, [row('a/1', 5), row('a/2', 5), row('b', 5, { deleted: true })]);
    const truncated = async (query: Partial<ListingQuery>): Promise<boolean> => (await engine.list(container, { ...everything, ...query }))!.truncated;
    assert.equal(await truncated({ limit: 2 }), false);
    assert.equal(await truncated({ limit: 1 }), true);
    assert.equal(await truncated({ limit: 1, delimiter: '/' }), false);
    assert.equal(await truncated({ limit: 2, includeDeleted: true }), true);
    assert.equal(await truncated({ limit: 0 }), true);
  });

  test('deleted rows are listed where they are asked for, in their place, and count towards the limit', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    await containerWith(engine, [row('a', 5, { deleted: true }), row('b', 5), row('c', 5, { deleted: true }), row('d', 5), row('\u{10000}', 5, { deleted: true }), row('\u{e000}', 5)]);
    assert.deepEqual(await names(engine, {}), ['b', 'd', '\u{e000}']);
    assert.deepEqual(await names(engine, { includeDeleted: true }), ['a', 'b', 'c', 'd', '\u{e000}', '\u{10000}']);
    assert.deepEqual(await names(engine, { includeDeleted: true, reverse: true, limit: 3 }), ['\u{10000}', '\u{e000}', 'd']);
    assert.deepEqual(await names(engine, { includeDeleted: true, marker: 'a', limit: 2 }), ['b', 'c']);
  });

  test('a listing says every field of its rows, and the info of its moment', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    const held = [row('a b\n"c"', 1_700_000_000_12345, { metaTimestamp: 1_700_000_001_00000, bytes: 5_368_709_122, etag: 'd41d8cd98f00b204e9800998ecf8427e', contentType: 'text/plain; charset="ü" x' }), row('z', 5, { etag: '', contentType: '', policy: 3, count: 0 })];
    await containerWith(engine, held);
    const page = await engine.list(container, everything);
    assert.deepEqual(page, { info: await engine.info(container), entries: held, truncated: false });
  });
}

function reports(open: OpenListingFixture): void {
  test('a container is unreported from its creation, after each change of its totals and after its deletion, until reported', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    const unreported = async (): Promise<string[]> => (await engine.unreported(10)).map(({ path }) => path);
    const report = async (): Promise<void> => {
      for (const info of await engine.unreported(10)) engine.reported(info);
    };
    await engine.put({ database: account, timestamp: at(1), metadata: {}, policy: 0 });
    await containerWith(engine, []);
    assert.deepEqual(await unreported(), ['/acc/con']);
    await report();
    assert.deepEqual(await unreported(), []);
    await containerWith(engine, [row('o', 5)]);
    assert.deepEqual((await engine.unreported(10)).map(({ totals }) => totals.rows), [1]);
    await report();
    await containerWith(engine, [row('o', 4), row('o', 5)]);
    assert.deepEqual(await unreported(), []);
    await containerWith(engine, [row('o', 6, { deleted: true })]);
    await report();
    await engine.delete({ database: container, timestamp: at(9) });
    assert.deepEqual((await engine.unreported(10)).map(({ deleteTimestamp }) => deleteTimestamp), [9]);
  });

  test('a report is not taken for a newer one: what changed meanwhile stays unreported', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    await containerWith(engine, [row('o', 5)]);
    const [stale] = await engine.unreported(10);
    await containerWith(engine, [row('p', 5)]);
    engine.reported(stale!);
    assert.deepEqual((await engine.unreported(10)).map(({ totals }) => totals.rows), [2]);
  });

  test('no more containers than asked for are told', async () => {
    await using fixture = await open();
    const { engine } = fixture;
    for (let i = 0; i < 5; i++) await engine.put({ database: databaseName(`/acc/c${i}`), timestamp: at(1), metadata: {}, policy: 0 });
    assert.equal((await engine.unreported(2)).length, 2);
    assert.equal((await engine.unreported(9)).length, 5);
  });
}

function properties(open: OpenListingFixture): void {
  test('random operations answer what the model answers, also over a reopening', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof({ weight: 15, arbitrary: operation }, { weight: 1, arbitrary: fc.constant({ op: 'reopen' as const }) }), { minLength: 4, maxLength: 40 }), async (operations) => {
        await using fixture = await open();
        let { engine } = fixture;
        const model = new MemoryListingEngine();
        for (const step of operations) {
          if (step.op === 'reopen') engine = (await fixture.reopen?.()) ?? engine;
          else assert.deepEqual(await applyOperation(engine, step), await applyOperation(model, step), JSON.stringify(step));
        }
      }),
      { numRuns: 60, endOnFailure: false },
    );
  });

  test('replicas that hear the same changes in any order, any number of times, end equal', async () => {
    // Each life of the container ends with a tick that is a multiple of ten, and all puts of a life ask for one policy.
    const change = fc.oneof(
      fc.record({ op: fc.constant('put' as const), path: fc.constant('/acc/con'), timestamp: anyTimestamp, metadata }).map((put) => ({ ...put, policy: Math.ceil(put.timestamp / 10) })),
      fc.record({ op: fc.constant('delete' as const), path: fc.constant('/acc/con'), timestamp: fc.constantFrom(10, 20) as fc.Arbitrary<Timestamp>, force: fc.constant(true) }),
      fc.record({ op: fc.constant('merge' as const), path: fc.constant('/acc/con'), rows: fc.array(listingRow, { maxLength: 4 }), createWith: fc.constant({ timestamp: at(1), policy: 1 }) }),
    );
    const first = { op: 'put' as const, path: '/acc/con', timestamp: at(1), metadata: {}, policy: 1 };
    const histories = fc.array(change, { minLength: 1, maxLength: 12 }).chain((changes) => fc.tuple(fc.constant(changes), fc.shuffledSubarray([...changes, ...changes], { minLength: changes.length * 2 })));
    await fc.assert(
      fc.asyncProperty(histories, async ([changes, shuffled]) => {
        await using one = await open();
        await using other = await open();
        for (const step of [first, ...changes]) await applyOperation(one.engine, step);
        for (const step of [first, ...shuffled]) await applyOperation(other.engine, step);
        assert.deepEqual(await one.engine.info(container), await other.engine.info(container));
        const all = { ...everything, includeDeleted: true };
        assert.deepEqual(await one.engine.list(container, all), await other.engine.list(container, all));
      }),
      { numRuns: 60 },
    );
  });
}

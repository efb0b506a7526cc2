/**
 * The contract of the ObjectEngine port, as tests. Every engine and every transport to one runs it: whatever passes may
 * stand behind the port. The fixture opens an empty engine and says what else can be done to it.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import type { Timestamp } from '#common';
import type { Key, Metadata, ObjectEngine, ObjectInfo, ObjectReader, WriteReceipt } from '#storage-node/protocol';
import { objectBallotContract } from './object-ballot.contract.ts';

export interface EngineFixture {
  readonly engine: ObjectEngine;
  /** Moves the engine's clock on; left out where the clock is the system's (tests of age are skipped). */
  readonly wind?: (ms: number) => void;
  /** Closes the engine and opens it again on what it left; left out where nothing survives. */
  readonly reopen?: () => Promise<ObjectEngine>;
  close(): Promise<void>;
}

const at = (seconds: number): Timestamp => (170_000_000_000_000 + seconds * 100_000) as Timestamp;
const keyOf = (name: string): Key => createHash('md5').update(name).digest();
const etagOf = (data: Buffer): string => createHash('md5').update(data).digest('hex');
const NAME = '/a/c/o';
const KEY = keyOf(NAME);

/** Reads a range whole, checking what is promised of chunks. */
async function bytes(reader: ObjectReader, start = 0, end = reader.info.sizeBytes): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of reader.read(start, end)) {
    assert(chunk.length >= 1 && chunk.length <= 1 << 20, `a chunk of ${chunk.length} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function contentOf(engine: ObjectEngine, key = KEY): Promise<Buffer | undefined> {
  await using reader = await engine.open(key);
  return reader && (await bytes(reader));
}

async function put(engine: ObjectEngine, seconds: number, text: string, more: { name?: string; metadata?: Metadata } = {}): Promise<WriteReceipt> {
  const name = more.name ?? NAME;
  const data = Buffer.from(text);
  const metadata = more.metadata ?? { ETag: etagOf(data), 'Content-Type': 'text/plain' };
  return engine.put({ key: keyOf(name), name, timestamp: at(seconds), metadata, data });
}

const remove = (engine: ObjectEngine, seconds: number): Promise<WriteReceipt> => engine.delete({ key: KEY, name: NAME, timestamp: at(seconds) });

const post = (engine: ObjectEngine, base: number, seconds: number, metadata: Metadata): Promise<WriteReceipt> =>
  engine.post({ key: KEY, name: NAME, timestamp: at(seconds), base: at(base), metadata });

async function createWhole(engine: ObjectEngine, seconds: number, chunks: readonly Buffer[], name = NAME): Promise<WriteReceipt> {
  const writer = await engine.create({ key: keyOf(name), name, timestamp: at(seconds), sizeHint: undefined });
  for (const chunk of chunks) await writer.write(chunk);
  return writer.commit({ ETag: etagOf(Buffer.concat(chunks)) });
}

/** Runs the contract under `name`; `openFixture` gives each test an empty engine of its own. */
export function objectEngineContract(name: string, openFixture: (t: TestContext) => Promise<EngineFixture>): void {
  const it = (title: string, body: (fixture: EngineFixture, t: TestContext) => Promise<void>): void => {
    test(`${name}: ${title}`, async (t) => {
      const fixture = await openFixture(t);
      try {
        await body(fixture, t);
      } finally {
        await fixture.close();
      }
    });
  };
  readingAndWriting(it);
  ordering(it);
  streaming(it);
  pendingRows(it);
  durability(it);
  objectBallotContract(name, openFixture);
}

type It = (title: string, body: (fixture: EngineFixture, t: TestContext) => Promise<void>) => void;

function readingAndWriting(it: It): void {
  it('a key never written is undefined to stat, info and open', async ({ engine }) => {
    assert.equal(await engine.stat(KEY), undefined);
    assert.equal(await engine.info(KEY), undefined);
    assert.equal(await engine.open(KEY), undefined);
  });

  it('a put is read back with its name, state and metadata', async ({ engine }) => {
    const metadata = { ETag: etagOf(Buffer.from('hello')), 'Content-Type': 'text/plain', 'X-Object-Meta-Farbe': 'grün ☃' };
    const receipt = await put(engine, 1, 'hello', { metadata });
    const state = { timestamp: at(1), deleted: false, metaTimestamp: at(1), sizeBytes: 5 };
    assert.equal(receipt.outcome, 'committed');
    assert.deepEqual(receipt.state, state);
    assert.equal(receipt.previous, undefined);
    assert(receipt.durability !== undefined && receipt.durability.sequence > 0);
    assert.deepEqual(await engine.stat(KEY), state);
    assert.deepEqual(await engine.info(KEY), { ...state, name: NAME, metadata });
    await using reader = await engine.open(KEY);
    assert.deepEqual(reader?.info, { ...state, name: NAME, metadata });
    assert.equal((await bytes(reader)).toString(), 'hello');
  });

  it('an empty object is an object', async ({ engine }) => {
    await put(engine, 1, '');
    await using reader = await engine.open(KEY);
    assert.equal(reader?.info.sizeBytes, 0);
    assert.equal((await bytes(reader)).length, 0);
  });

  it('objects of every length around a block are read back, whole and in ranges', async ({ engine }) => {
    for (const length of [1, 4095, 65535, 65536, 65537, 131072, 200_000]) {
      const data = randomBytes(length);
      const name = `/a/c/${length}`;
      await engine.put({ key: keyOf(name), name, timestamp: at(1), metadata: { ETag: etagOf(data) }, data });
      await using reader = await engine.open(keyOf(name));
      assert(reader !== undefined);
      assert(data.equals(await bytes(reader)), `${length} bytes`);
      for (const [start, end] of [[0, 1], [length - 1, length], [length >> 1, length], [Math.min(65_530, length), Math.min(65_540, length)]] as const) {
        assert(data.subarray(start, end).equals(await bytes(reader, start, end)), `${start}-${end} of ${length}`);
      }
    }
  });

  it('names and metadata of odd and long texts come back as they were', async ({ engine }) => {
    const name = `/a/c/${'ü'.repeat(500)}\u0001 "%00" ../\u{1f9ca}`;
    const metadata = { ETag: 'x', 'X-Object-Meta-Empty': '', 'X-Object-Meta-Long': 'v'.repeat(20_000), __proto__x: '1' };
    await put(engine, 1, 'data', { name, metadata });
    const info = await engine.info(keyOf(name));
    assert.equal(info?.name, name);
    assert.deepEqual({ ...info.metadata }, metadata);
  });

  it('many writes at once all come back', async ({ engine }) => {
    const names = Array.from({ length: 200 }, (_, i) => `/a/c/${i}`);
    await Promise.all(names.map((name) => put(engine, 1, `content of ${name}`, { name })));
    for (const name of names) assert.equal((await contentOf(engine, keyOf(name)))?.toString(), `content of ${name}`);
  });

  it('an open reader keeps its bytes when the object is overwritten and deleted', async ({ engine }) => {
    const data = randomBytes(300_000);
    await createWhole(engine, 1, [data]);
    await using reader = await engine.open(KEY);
    await put(engine, 2, 'newer');
    await remove(engine, 3);
    assert(reader !== undefined && data.equals(await bytes(reader)));
  });

  it('the caller\'s buffers are neither kept nor changed', async ({ engine }) => {
    const data = Buffer.from('replicas share this buffer');
    const copy = Buffer.from(data);
    await engine.put({ key: KEY, name: NAME, timestamp: at(1), metadata: { ETag: 'x' }, data });
    assert(data.equals(copy));
    data.fill(0);
    assert.equal((await contentOf(engine))?.toString(), copy.toString());
  });
}

function ordering(it: It): void {
  it('a newer put replaces an older one, an older one is superseded', async ({ engine }) => {
    await put(engine, 2, 'two');
    const older = await put(engine, 1, 'one');
    assert.equal(older.outcome, 'superseded');
    assert.equal(older.state.timestamp, at(2));
    assert.equal(older.durability, undefined);
    const newer = await put(engine, 3, 'three');
    assert.equal(newer.outcome, 'committed');
    assert.equal(newer.previous?.timestamp, at(2));
    assert.equal((await contentOf(engine))?.toString(), 'three');
  });

  it('a newer tombstone hides an object, and an older put stays hidden', async ({ engine }) => {
    await put(engine, 1, 'one');
    const deleted = await remove(engine, 2);
    assert.equal(deleted.outcome, 'committed');
    assert.deepEqual(deleted.previous, { timestamp: at(1), deleted: false, metaTimestamp: at(1), sizeBytes: 3 });
    const tombstone = { timestamp: at(2), deleted: true, metaTimestamp: at(2), sizeBytes: 0 };
    assert.deepEqual(deleted.state, tombstone);
    assert.deepEqual(await engine.stat(KEY), tombstone);
    assert.deepEqual(await engine.info(KEY), { ...tombstone, name: NAME, metadata: {} });
    assert.equal(await engine.open(KEY), undefined);
    assert.equal((await put(engine, 1.5, 'late')).outcome, 'superseded');
    assert.equal((await remove(engine, 1.5)).outcome, 'superseded');
    assert.equal((await put(engine, 3, 'again')).outcome, 'committed');
    assert.equal((await contentOf(engine))?.toString(), 'again');
  });

  it('a delete of what was never here leaves a tombstone', async ({ engine }) => {
    const receipt = await remove(engine, 2);
    assert.equal(receipt.outcome, 'committed');
    assert.equal(receipt.previous, undefined);
    assert.equal((await put(engine, 1, 'late')).outcome, 'superseded');
  });

  it('at one timestamp the tombstone wins, whichever came first', async ({ engine }) => {
    await put(engine, 1, 'one');
    assert.equal((await remove(engine, 1)).outcome, 'committed');
    assert.equal((await put(engine, 1, 'one')).outcome, 'superseded');
    assert.equal((await engine.stat(KEY))?.deleted, true);
  });

  it('at one timestamp the larger ETag wins, whichever came first', async ({ engine }) => {
    for (const [name, first, second] of [['/a/c/1', 'aa', 'bb'], ['/a/c/2', 'bb', 'aa']] as const) {
      await put(engine, 1, `data ${first}`, { name, metadata: { ETag: first } });
      const receipt = await put(engine, 1, `data ${second}`, { name, metadata: { ETag: second } });
      assert.equal(receipt.outcome, second === 'bb' ? 'committed' : 'superseded');
      assert.equal((await contentOf(engine, keyOf(name)))?.toString(), 'data bb');
    }
  });

  it('a retry of what is held answers committed and changes nothing', async ({ engine }) => {
    const first = await put(engine, 1, 'one');
    const again = await put(engine, 1, 'one');
    assert.equal(again.outcome, 'committed');
    assert.deepEqual(again.state, first.state);
    await remove(engine, 2);
    assert.equal((await remove(engine, 2)).outcome, 'committed');
  });

  it('a post replaces metadata and leaves data and timestamp', async ({ engine }) => {
    await put(engine, 1, 'one', { metadata: { ETag: 'e', 'X-Object-Meta-A': '1' } });
    const receipt = await post(engine, 1, 2, { ETag: 'e', 'X-Object-Meta-B': '2' });
    assert.equal(receipt.outcome, 'committed');
    const state = { timestamp: at(1), deleted: false, metaTimestamp: at(2), sizeBytes: 3 };
    assert.deepEqual(receipt.state, state);
    assert.deepEqual(await engine.info(KEY), { ...state, name: NAME, metadata: { ETag: 'e', 'X-Object-Meta-B': '2' } });
    assert.equal((await contentOf(engine))?.toString(), 'one');
    assert.equal((await post(engine, 1, 1.5, { ETag: 'late' })).outcome, 'superseded');
    assert.equal((await post(engine, 1, 2, { ETag: 'e', 'X-Object-Meta-B': '2' })).outcome, 'committed');
    await post(engine, 1, 3, { ETag: 'third' });
    assert.deepEqual((await engine.info(KEY))?.metadata, { ETag: 'third' });
  });

  it('posts of one timestamp end equal in whichever order they come', async ({ engine }) => {
    const seen: Metadata[] = [];
    for (const [name, first, second] of [['/a/c/1', 'x', 'y'], ['/a/c/2', 'y', 'x']] as const) {
      await put(engine, 1, 'one', { name });
      for (const colour of [first, second]) await engine.post({ key: keyOf(name), name, timestamp: at(2), base: at(1), metadata: { colour } });
      seen.push((await engine.info(keyOf(name)))?.metadata ?? {});
    }
    assert.deepEqual(seen[0], seen[1]);
  });

  it('a post on anything but its base is absent', async ({ engine }) => {
    const nothing = await post(engine, 1, 2, { ETag: 'e' });
    assert.equal(nothing.outcome, 'absent');
    assert.deepEqual(nothing.state, { timestamp: 0, deleted: true, metaTimestamp: 0, sizeBytes: 0 });
    assert.equal(nothing.previous, undefined);
    await put(engine, 3, 'three');
    const other = await post(engine, 1, 4, { ETag: 'e' });
    assert.equal(other.outcome, 'absent');
    assert.equal(other.state.timestamp, at(3));
    await remove(engine, 5);
    assert.equal((await post(engine, 5, 6, { ETag: 'e' })).outcome, 'absent');
  });

  it('a put and a delete end the metadata of a post', async ({ engine }) => {
    await put(engine, 1, 'one');
    await post(engine, 1, 5, { ETag: 'posted' });
    await put(engine, 3, 'three', { metadata: { ETag: 'put' } });
    const info = await engine.info(KEY);
    assert.deepEqual([info?.metaTimestamp, info?.metadata], [at(3), { ETag: 'put' }]);
    await post(engine, 3, 6, { ETag: 'posted' });
    await remove(engine, 4);
    assert.deepEqual(await engine.stat(KEY), { timestamp: at(4), deleted: true, metaTimestamp: at(4), sizeBytes: 0 });
  });

  it('writes to one key at once leave the newest, and each hears the truth', async ({ engine }) => {
    const order = [4, 1, 9, 2, 8, 3, 7, 5, 6];
    const receipts = await Promise.all(order.map((seconds) => put(engine, seconds, `at ${seconds}`)));
    assert.equal((await contentOf(engine))?.toString(), 'at 9');
    receipts.forEach((receipt, i) => assert(receipt.state.timestamp >= at(order[i] ?? 0)));
    assert.equal(receipts[2]?.outcome, 'committed');
  });
}

function streaming(it: It): void {
  it('a created object is invisible until committed, then whole', async ({ engine }) => {
    const chunks = Array.from({ length: 9 }, () => randomBytes(30_000));
    const writer = await engine.create({ key: KEY, name: NAME, timestamp: at(1), sizeHint: 270_000 });
    for (const chunk of chunks) {
      await writer.write(chunk);
      assert.equal(await engine.stat(KEY), undefined);
    }
    const receipt = await writer.commit({ ETag: 'x' });
    assert.equal(receipt.outcome, 'committed');
    assert.equal(receipt.state.sizeBytes, 270_000);
    assert(Buffer.concat(chunks).equals((await contentOf(engine)) ?? Buffer.alloc(0)));
  });

  it('a large object is read back whole and in ranges', async ({ engine }) => {
    const chunks = Array.from({ length: 50 }, (_, i) => randomBytes(100_000 + i));
    await createWhole(engine, 1, chunks);
    const all = Buffer.concat(chunks);
    await using reader = await engine.open(KEY);
    assert(reader !== undefined && all.equals(await bytes(reader)));
    for (const [start, end] of [[0, 10], [65_535, 65_537], [1_000_000, 3_300_001], [all.length - 1, all.length], [all.length, all.length]] as const) {
      assert(all.subarray(start, end).equals(await bytes(reader, start, end)), `${start}-${end}`);
    }
    await post(engine, 1, 2, { ETag: 'posted' });
    assert.deepEqual((await engine.info(KEY))?.metadata, { ETag: 'posted' });
    await remove(engine, 3);
    assert(all.equals(await bytes(reader)));
  });

  it('an aborted writer leaves nothing; abort after commit harms nothing', async ({ engine }) => {
    for (const size of [1000, 3_000_000]) {
      const writer = await engine.create({ key: KEY, name: NAME, timestamp: at(1), sizeHint: undefined });
      await writer.write(randomBytes(size));
      await writer.abort();
      await writer.abort();
      assert.equal(await engine.stat(KEY), undefined);
    }
    const writer = await engine.create({ key: KEY, name: NAME, timestamp: at(2), sizeHint: undefined });
    await writer.write(Buffer.from('kept'));
    await writer.commit({ ETag: 'x' });
    await writer.abort();
    assert.equal((await contentOf(engine))?.toString(), 'kept');
  });

  it('a created object obeys the order of timestamps when it commits', async ({ engine }) => {
    const writer = await engine.create({ key: KEY, name: NAME, timestamp: at(1), sizeHint: undefined });
    await writer.write(randomBytes(2_500_000));
    await put(engine, 2, 'newer');
    const receipt = await writer.commit({ ETag: 'x' });
    assert.equal(receipt.outcome, 'superseded');
    assert.equal((await contentOf(engine))?.toString(), 'newer');
  });

  it('a created object without bytes is empty', async ({ engine }) => {
    await createWhole(engine, 1, []);
    assert.equal((await contentOf(engine))?.length, 0);
  });
}

function pendingRows(it: It): void {
  const rows = async (engine: ObjectEngine): Promise<ObjectInfo[]> => (await engine.pending({ olderThanMs: 0, limit: 100 })).map((row) => row.info);

  it('a write is pending until its own row, or a newer one, is settled', async ({ engine }) => {
    await put(engine, 1, 'one');
    assert.deepEqual((await rows(engine)).map((info) => [info.name, info.timestamp]), [[NAME, at(1)]]);
    await post(engine, 1, 2, { ETag: 'posted' });
    engine.settle(KEY, at(1));
    assert.deepEqual((await rows(engine)).map((info) => info.metaTimestamp), [at(2)]);
    engine.settle(KEY, at(2));
    assert.deepEqual(await rows(engine), []);
    await remove(engine, 3);
    assert.deepEqual((await rows(engine)).map((info) => [info.name, info.deleted]), [[NAME, true]]);
    engine.settle(KEY, at(4));
    assert.deepEqual(await rows(engine), []);
  });

  it('a key written again is pending once, with the newest state', async ({ engine }) => {
    await put(engine, 1, 'one');
    await put(engine, 2, 'two');
    assert.deepEqual((await rows(engine)).map((info) => info.timestamp), [at(2)]);
  });

  it('pending answers at most its limit, and only writes old enough', async ({ engine, wind }, t) => {
    await Promise.all([1, 2, 3, 4, 5].map((i) => put(engine, i, 'x', { name: `/a/c/${i}` })));
    assert.equal((await engine.pending({ olderThanMs: 0, limit: 3 })).length, 3);
    if (wind === undefined) return t.diagnostic('age not tested: the clock is the system\'s');
    assert.equal((await engine.pending({ olderThanMs: 1000, limit: 10 })).length, 0);
    wind(2000);
    await put(engine, 6, 'x', { name: '/a/c/6' });
    assert.equal((await engine.pending({ olderThanMs: 1000, limit: 10 })).length, 5);
  });

  it('settling what is not pending is harmless', async ({ engine }) => {
    engine.settle(KEY, at(1));
    await put(engine, 1, 'one');
    engine.settle(KEY, at(1));
    engine.settle(KEY, at(1));
    assert.deepEqual(await rows(engine), []);
  });
}

function durability(it: It): void {
  it('what was acknowledged is there after a reopen, pending rows too', async ({ engine, reopen }, t) => {
    if (reopen === undefined) return t.skip('nothing survives in this engine');
    const large = randomBytes(2_500_000);
    await put(engine, 1, 'one', { name: '/a/c/1' });
    await put(engine, 1, 'two', { name: '/a/c/2' });
    engine.settle(keyOf('/a/c/2'), at(1));
    await createWhole(engine, 1, [large], '/a/c/large');
    await put(engine, 1, 'gone');
    await remove(engine, 2);
    const before = await Promise.all(['/a/c/1', '/a/c/2', '/a/c/large', NAME].map((name) => engine.info(keyOf(name))));
    const again = await reopen();
    const after = await Promise.all(['/a/c/1', '/a/c/2', '/a/c/large', NAME].map((name) => again.info(keyOf(name))));
    assert.deepEqual(after, before);
    assert(large.equals((await contentOf(again, keyOf('/a/c/large'))) ?? Buffer.alloc(0)));
    const pending = new Set((await again.pending({ olderThanMs: 0, limit: 10 })).map((row) => row.info.name));
    for (const name of ['/a/c/1', '/a/c/large', NAME]) assert(pending.has(name), `${name} is no longer pending`);
    assert.equal((await put(again, 0.5, 'older')).outcome, 'superseded');
  });
}

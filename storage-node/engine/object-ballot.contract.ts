/**
 * The contract of promises (docs/decisions/0018), as tests: a part of the ObjectEngine port's, in a file of its own. Run by every engine and
 * transport with object-engine.contract.ts.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { NEVER, type Timestamp } from '#common';
import type { ObjectEngine, Prepared, WriteReceipt } from '#storage-node/protocol';
import type { EngineFixture } from './object-engine.contract.ts';

const at = (seconds: number): Timestamp => (170_000_000_000_000 + seconds * 100_000) as Timestamp;
const name = '/a/c/o';
const key = createHash('md5').update(name).digest();

const prepare = (engine: ObjectEngine, seconds: number): Promise<Prepared> => engine.prepare({ key, name, timestamp: at(seconds) });
const put = (engine: ObjectEngine, seconds: number, text = `at ${seconds}`, conditional?: true): Promise<WriteReceipt> =>
  engine.put({ key, name, timestamp: at(seconds), metadata: { ETag: createHash('md5').update(text).digest('hex') }, data: Buffer.from(text), conditional });
const remove = (engine: ObjectEngine, seconds: number, conditional?: true): Promise<WriteReceipt> => engine.delete({ key, name, timestamp: at(seconds), conditional });
const post = (engine: ObjectEngine, base: number, seconds: number): Promise<WriteReceipt> => engine.post({ key, name, timestamp: at(seconds), base: at(base), metadata: { ETag: 'posted' } });

export function objectBallotContract(title: string, openFixture: (t: TestContext) => Promise<EngineFixture>): void {
  const it = (what: string, body: (fixture: EngineFixture, t: TestContext) => Promise<void>): void => {
    test(`${title}: ${what}`, async (t) => {
      const fixture = await openFixture(t);
      try {
        await body(fixture, t);
      } finally {
        await fixture.close();
      }
    });
  };

  it('a promise keeps out data and tombstones that are older, and tells of itself', async ({ engine }) => {
    assert.deepEqual(await prepare(engine, 5), { outcome: 'promised', state: undefined, promised: at(5) });
    const refused = await put(engine, 4);
    assert.equal(refused.outcome, 'superseded');
    assert.equal(refused.promised, at(5));
    assert.equal(refused.durability, undefined);
    assert.equal((await remove(engine, 4)).promised, at(5));
    const writer = await engine.create({ key, name, timestamp: at(4), sizeHint: undefined });
    await writer.write(Buffer.from('streamed'));
    assert.equal((await writer.commit({ ETag: 'x' })).promised, at(5));
    assert.equal(await engine.stat(key), undefined);
    assert.deepEqual(await engine.pending({ olderThanMs: 0, limit: 10 }), []);
  });

  it('the write that was promised to is taken, and so is a newer one', async ({ engine }) => {
    await prepare(engine, 5);
    const receipt = await put(engine, 5, 'promised', true);
    assert.equal(receipt.outcome, 'committed');
    assert.equal(receipt.state.conditional, true);
    assert.equal(receipt.promised, undefined);
    await prepare(engine, 6);
    assert.equal((await put(engine, 7)).outcome, 'committed');
    assert.equal((await engine.stat(key))?.conditional, undefined);
  });

  it('a promise says what is held at its moment', async ({ engine }) => {
    await put(engine, 1);
    const held = await engine.stat(key);
    assert.deepEqual(await prepare(engine, 5), { outcome: 'promised', state: held, promised: at(5) });
  });

  it('nothing is promised below what is held, posted or promised', async ({ engine }) => {
    await put(engine, 2);
    assert.deepEqual(await prepare(engine, 2), { outcome: 'refused', state: await engine.stat(key), promised: NEVER });
    await post(engine, 2, 4);
    assert.equal((await prepare(engine, 3)).outcome, 'refused');
    assert.equal((await prepare(engine, 6)).outcome, 'promised');
    assert.deepEqual(await prepare(engine, 6), { outcome: 'refused', state: await engine.stat(key), promised: at(6) });
    assert.equal((await prepare(engine, 5)).outcome, 'refused');
    assert.equal((await prepare(engine, 7)).outcome, 'promised');
  });

  it('a promise that is abandoned stands no more, and those below it do', async ({ engine }) => {
    await prepare(engine, 5);
    await prepare(engine, 7);
    engine.abandon(key, at(6));
    engine.abandon(key, at(7));
    assert.equal((await prepare(engine, 4)).promised, at(5));
    assert.equal((await put(engine, 4)).promised, at(5));
    engine.abandon(key, at(5));
    assert.equal((await prepare(engine, 3)).promised, at(3));
    assert.equal((await put(engine, 4)).outcome, 'committed');
  });

  it('who promises says whether an overtaken write was ever in force here', async ({ engine }) => {
    const hasHeld = async (seconds: number, overtaken: number): Promise<boolean | undefined> => (await engine.prepare({ key, name, timestamp: at(seconds), overtaken: at(overtaken) })).hasHeld;
    assert.equal(await hasHeld(1, 0), false);
    await put(engine, 2);
    await put(engine, 4);
    await remove(engine, 6);
    await put(engine, 5);
    assert.deepEqual([await hasHeld(10, 2), await hasHeld(11, 3), await hasHeld(12, 4), await hasHeld(13, 5), await hasHeld(14, 6), await hasHeld(15, 7)], [true, false, true, false, true, false]);
  });

  it('posts are no matter of promises', async ({ engine }) => {
    await put(engine, 1);
    await prepare(engine, 5);
    assert.equal((await post(engine, 1, 3)).outcome, 'committed');
  });

  it('a stream is committed as of the ballot it won', async ({ engine }) => {
    const writer = await engine.create({ key, name, timestamp: at(1), sizeHint: undefined });
    await writer.write(Buffer.from('streamed'));
    await put(engine, 2);
    await prepare(engine, 5);
    const { outcome, state } = await writer.commit({ ETag: 'x' }, at(5));
    assert.equal(outcome, 'committed');
    assert.deepEqual(state, { timestamp: at(5), deleted: false, metaTimestamp: at(5), sizeBytes: 8, conditional: true });
  });

  it('that a state came from a conditional write is told by whatever tells of it, until it is written anew', async ({ engine }) => {
    await put(engine, 1, 'x', true);
    assert.equal((await engine.stat(key))?.conditional, true);
    assert.equal((await engine.info(key))?.conditional, true);
    await using reader = await engine.open(key);
    assert.equal(reader?.info.conditional, true);
    assert.equal((await put(engine, 0.5)).state.conditional, true);
    await post(engine, 1, 2);
    assert.equal((await engine.stat(key))?.conditional, true);
    await remove(engine, 3, true);
    assert.equal((await engine.stat(key))?.conditional, true);
    await remove(engine, 4);
    assert.equal((await engine.stat(key))?.conditional, undefined);
  });

  it('promises, and what was written under them, survive a reopen', async ({ engine, reopen }, t) => {
    if (reopen === undefined) return t.skip('nothing survives in this engine');
    await put(engine, 1, 'x', true);
    await prepare(engine, 5);
    const again = await reopen();
    assert.equal((await again.stat(key))?.conditional, true);
    assert.equal((await put(again, 4)).promised, at(5));
    assert.equal((await prepare(again, 5)).outcome, 'refused');
    assert.equal((await put(again, 6)).outcome, 'committed');
  });
}

/**
 * The contract of the part of the ObjectEngine port that replicas use among each other, as tests: run by every engine and transport, next to
 * object-engine.contract.ts. `engine` is what is tested; `source` ships states to it, and is another engine of the same process.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import type { Timestamp } from '#common';
import type { Key, LocalReplica, ObjectEngine, ShippedState } from '#storage-node/protocol';

export interface ReplicaFixture {
  readonly engine: ObjectEngine;
  readonly source: ObjectEngine & LocalReplica;
  close(): Promise<void>;
}

const at = (seconds: number): Timestamp => (170_000_000_000_000 + seconds * 100_000) as Timestamp;
const nameOf = (i: number): string => `/a/c/${i}`;
const keyOf = (i: number): Key => createHash('md5').update(nameOf(i)).digest();
const EVERYTHING = { bits: 0, prefixes: [0] };

async function put(engine: ObjectEngine, i: number, seconds: number, data = Buffer.from(`object ${i}`)): Promise<void> {
  const metadata = { ETag: createHash('md5').update(data).digest('hex'), 'Content-Type': 'text/plain' };
  await engine.put({ key: keyOf(i), name: nameOf(i), timestamp: at(seconds), metadata, data });
}

const remove = async (engine: ObjectEngine, i: number, seconds: number): Promise<void> => void (await engine.delete({ key: keyOf(i), name: nameOf(i), timestamp: at(seconds) }));
const post = async (engine: ObjectEngine, i: number, base: number, seconds: number): Promise<void> =>
  void (await engine.post({ key: keyOf(i), name: nameOf(i), timestamp: at(seconds), base: at(base), metadata: { ETag: 'as it was', 'X-Object-Meta-Colour': 'blue' } }));

async function contentOf(engine: ObjectEngine, i: number): Promise<Buffer | undefined> {
  await using reader = await engine.open(keyOf(i));
  if (reader === undefined) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of reader.read(0, reader.info.sizeBytes)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function shipAll(from: ObjectEngine & LocalReplica, to: ObjectEngine): Promise<unknown> {
  const states = await from.states({ ...EVERYTHING, limit: 10_000 });
  return to.take(from.ship(states.map(({ key }) => key)));
}

export function objectReplicaContract(name: string, openFixture: (t: TestContext) => Promise<ReplicaFixture>): void {
  const it = (title: string, body: (fixture: ReplicaFixture) => Promise<void>): void => {
    test(`${name}: ${title}`, async (t) => {
      const fixture = await openFixture(t);
      try {
        await body(fixture);
      } finally {
        await fixture.close();
      }
    });
  };
  digesting(it);
  shipping(it);
  releasing(it);
}

type It = (title: string, body: (fixture: ReplicaFixture) => Promise<void>) => void;

function digesting(it: It): void {
  it('digests of equal states are equal, at every depth, and of unlike ones are not', async ({ engine, source }) => {
    for (let i = 0; i < 40; i++) {
      await put(engine, i, 1);
      await put(source, 39 - i, 1);
    }
    for (const bits of [0, 6, 10, 18, 22]) {
      const prefixes = [...new Set(Array.from({ length: 40 }, (_, i) => (bits === 0 ? 0 : keyOf(i).readUInt32BE(0) >>> (32 - bits))))].sort((a, b) => a - b);
      assert((await engine.digests({ bits, prefixes })).equals(await source.digests({ bits, prefixes })), `${bits} bits`);
    }
    await post(source, 7, 1, 2);
    const halves = { bits: 1, prefixes: [0, 1] };
    const [here, there] = [await engine.digests(halves), await source.digests(halves)];
    const half = keyOf(7)[0]! >> 7;
    assert(!here.subarray(half * 8, half * 8 + 8).equals(there.subarray(half * 8, half * 8 + 8)));
    assert(here.subarray(8 - half * 8, 16 - half * 8).equals(there.subarray(8 - half * 8, 16 - half * 8)));
    await post(engine, 7, 1, 2);
    await remove(engine, 8, 3);
    await remove(source, 8, 3);
    assert((await engine.digests(halves)).equals(await source.digests(halves)));
  });

  it('the digest of nothing is zero', async ({ engine }) => {
    assert.deepEqual(await engine.digests({ bits: 10, prefixes: [0, 7, 1023] }), Buffer.alloc(24));
  });

  it('states come in order of key, page by page, of the ranges asked for', async ({ engine }) => {
    for (let i = 0; i < 30; i++) await put(engine, i, 1);
    await remove(engine, 3, 2);
    const wanted = Array.from({ length: 30 }, (_, i) => keyOf(i)).filter((key) => [1, 2, 5, 6].includes(key[0]! >> 5)).sort((a, b) => Buffer.compare(a, b));
    const paged: Key[] = [];
    for (let after: Key | undefined; ; after = paged.at(-1)) {
      const page = await engine.states({ bits: 3, prefixes: [1, 2, 5, 6], after, limit: 4 });
      paged.push(...page.map(({ key }) => key));
      if (page.length < 4) break;
    }
    assert.deepEqual(paged.map((key) => key.toString('hex')), wanted.map((key) => key.toString('hex')));
    const all = await engine.states({ ...EVERYTHING, limit: 100 });
    assert.deepEqual(all.find(({ key }) => key.equals(keyOf(3)))?.state, { timestamp: at(2), deleted: true, metaTimestamp: at(2), sizeBytes: 0 });
  });
}

function shipping(it: It): void {
  it('what is shipped arrives whole: data of any size, tombstones, posted metadata beside the original', async ({ engine, source }) => {
    const large = randomBytes(2_500_000);
    await put(source, 1, 1);
    await put(source, 2, 1, Buffer.alloc(0));
    await put(source, 3, 1, randomBytes(200_000));
    await put(source, 4, 1, large);
    await put(source, 5, 1);
    await post(source, 5, 1, 2);
    await remove(source, 6, 1);
    for (let i = 10; i < 300; i++) await put(source, i, 1);
    assert.deepEqual(await shipAll(source, engine), { taken: 296, kept: 0, damaged: 0 });
    for (const i of [1, 2, 3, 4, 5, 6, 10, 299]) {
      assert.deepEqual(await engine.info(keyOf(i)), await source.info(keyOf(i)));
      assert.deepEqual(await contentOf(engine, i), await contentOf(source, i));
    }
    assert((await engine.digests(EVERYTHING)).equals(await source.digests(EVERYTHING)));
    assert.deepEqual(await shipAll(source, engine), { taken: 0, kept: 296, damaged: 0 });
  });

  it('the newer wins, whichever way it is shipped', async ({ engine, source }) => {
    await put(source, 1, 1);
    await put(engine, 1, 2, Buffer.from('newer'));
    await put(source, 2, 1);
    await remove(engine, 2, 2);
    await put(engine, 3, 1);
    await put(source, 3, 2, Buffer.from('newer'));
    await put(engine, 4, 1);
    await put(source, 4, 1);
    await post(engine, 4, 1, 3);
    await post(source, 4, 1, 2);
    await shipAll(source, engine);
    assert.equal((await contentOf(engine, 1))?.toString(), 'newer');
    assert.equal(await contentOf(engine, 2), undefined);
    assert.equal((await contentOf(engine, 3))?.toString(), 'newer');
    assert.equal((await engine.stat(keyOf(4)))?.metaTimestamp, at(3));
  });

  it('of two contents of one timestamp the same one wins on both sides', async ({ engine, source }) => {
    await put(engine, 1, 1, Buffer.from('one'));
    await put(source, 1, 1, Buffer.from('another'));
    await shipAll(source, engine);
    const etags = ['one', 'another'].map((text) => createHash('md5').update(text).digest('hex')).sort();
    assert.equal((await engine.info(keyOf(1)))?.metadata['ETag'], etags[1]);
  });

  it('a copy leaves no pending row, and takes none away', async ({ engine, source }) => {
    await put(source, 1, 1);
    await put(engine, 2, 1);
    await put(source, 2, 2, Buffer.from('newer'));
    await shipAll(source, engine);
    const rows = await engine.pending({ olderThanMs: 0, limit: 10 });
    assert.deepEqual(rows.map(({ info }) => [info.name, info.timestamp]), [[nameOf(2), at(2)]]);
  });

  it('data that is not what its checksums say is refused, and the rest is taken', async ({ engine, source }) => {
    const big = randomBytes(1_500_000);
    for (const [i, data] of [[1, Buffer.from('small')], [2, big], [3, Buffer.from('intact')]] as const) await put(source, i, 1, data);
    const spoilt = async function* (): AsyncGenerator<ShippedState, void, undefined> {
      for await (const state of source.ship([1, 2, 3].map(keyOf))) {
        if (state.name === nameOf(3)) {
          yield state;
          continue;
        }
        const read = async function* (): AsyncGenerator<Buffer, void, undefined> {
          for await (const chunk of state.read()) {
            const copy = Buffer.from(chunk);
            copy[copy.length >> 1]! ^= 1;
            yield copy;
          }
        };
        yield { ...state, data: undefined, read };
      }
    };
    assert.deepEqual(await engine.take(spoilt()), { taken: 1, kept: 0, damaged: 2 });
    assert.equal(await engine.stat(keyOf(1)), undefined);
    assert.equal(await engine.stat(keyOf(2)), undefined);
    assert.equal((await contentOf(engine, 3))?.toString(), 'intact');
  });

  it('a shipment that breaks off leaves whole states, or none', async ({ engine, source }) => {
    for (let i = 0; i < 5; i++) await put(source, i, 1, randomBytes(i === 4 ? 3_000_000 : 1000));
    const broken = async function* (): AsyncGenerator<ShippedState, void, undefined> {
      for await (const state of source.ship([0, 1, 4].map(keyOf))) {
        if (state.sizeBytes < 1001) {
          yield state;
          continue;
        }
        const read = async function* (): AsyncGenerator<Buffer, void, undefined> {
          for await (const chunk of state.read()) {
            yield chunk;
            throw new Error('the source died');
          }
        };
        yield { ...state, data: undefined, read };
      }
    };
    await assert.rejects(engine.take(broken()));
    assert.equal(await engine.stat(keyOf(4)), undefined);
    await shipAll(source, engine);
    assert((await engine.digests(EVERYTHING)).equals(await source.digests(EVERYTHING)));
  });
}

function releasing(it: It): void {
  it('a state is released if it is held still and its row is settled', async ({ source }) => {
    for (let i = 1; i <= 3; i++) await put(source, i, 1, i === 1 ? randomBytes(1_500_000) : Buffer.from('x'));
    for (const i of [1, 2]) source.settle(keyOf(i), at(1));
    const states = await source.states({ ...EVERYTHING, limit: 10 });
    await put(source, 2, 2);
    source.settle(keyOf(2), at(2));
    assert.equal(await source.release(states), 1);
    assert.equal(await source.stat(keyOf(1)), undefined);
    assert.equal((await source.stat(keyOf(2)))?.timestamp, at(2));
    assert.equal((await source.stat(keyOf(3)))?.timestamp, at(1), 'its row is not known to be listed');
  });
}

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { isStoreError, StoreError, type StoreErrorCode, type Timestamp } from '#common';
import { bodyOfBuffer, bodyOfChunks } from '#common/stream';
import type { ObjectEngine, ObjectInfo, WriteReceipt } from '#storage-node/protocol';
import { ifAbsent, type ObjectName, type Store, type WriteCondition } from './index.ts';
import { memoryCluster, type MemoryCluster } from './memory-cluster.fixture.ts';

const CONTAINER = { account: 'AUTH_test', container: 'photos' };
const NAME: ObjectName = { ...CONTAINER, object: 'cat.jpg' };

/** A cluster with a container, whose clock goes on by itself: whoever loses a ballot sleeps a little. */
async function cluster(t: TestContext): Promise<MemoryCluster> {
  const made = memoryCluster();
  const winding = setInterval(() => made.clock.wind(3), 1);
  t.after(() => clearInterval(winding));
  await made.store.containers.put(CONTAINER, { metadata: {}, policy: undefined });
  return made;
}

const fails = (code: StoreErrorCode) => (error: unknown): boolean => isStoreError(error, code);
const metadata = { 'Content-Type': 'text/plain' };

async function put(store: Store, text: string, condition?: WriteCondition): Promise<{ etag: string; timestamp: Timestamp }> {
  return store.objects.put({ target: NAME, body: bodyOfBuffer(Buffer.from(text)), metadata, condition });
}

function putStreamed(store: Store, text: string, condition: WriteCondition): Promise<unknown> {
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for (const character of text) yield Buffer.from(character);
  };
  return store.objects.put({ target: NAME, body: bodyOfChunks(chunks(), undefined), metadata, condition });
}

async function read(store: Store): Promise<string> {
  await using open = await store.objects.get(NAME);
  return open.data!.toString();
}

const ifMatches = (etag: string): WriteCondition => (current) => {
  if (current?.metadata['ETag'] !== etag) throw new StoreError('precondition-failed', 'another one is there');
};

/** The engines of the object's primaries. */
function primaries(made: MemoryCluster): Promise<ReturnType<ReturnType<MemoryCluster['engines']>['objects']>[]> {
  return made.store.where(NAME).then(({ holdings }) => holdings.filter(({ role }) => role === 'primary').map(({ device }) => made.engines(device.split('/').at(-1)!).objects(0)));
}

test('of many who create an object where none is, through any proxy, one does', async (t) => {
  const made = await cluster(t);
  for (const write of [put, putStreamed]) {
    const proxies = [made.store, made.anotherProxy(0), made.anotherProxy(60_000), made.anotherProxy(-60_000)];
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => write(proxies[i % 4]!, `writer ${i}`, ifAbsent)));
    const winners = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [`writer ${i}`] : []));
    assert.deepEqual([await read(made.store)], winners);
    for (const outcome of outcomes) assert(outcome.status === 'fulfilled' || isStoreError(outcome.reason, 'precondition-failed', 'unavailable'), String((outcome as PromiseRejectedResult).reason));
    await made.store.objects.delete(NAME);
  }
});

test('a counter that is only ever replaced by its successor counts every success, with plain writes beside', async (t) => {
  const made = await cluster(t);
  const proxies = [made.store, made.anotherProxy(0), made.anotherProxy(3_600_000)];
  await put(made.store, '0');
  let counted = 0;
  const count = async (store: Store): Promise<void> => {
    for (let left = 15; left > 0; left--) {
      await using open = await store.objects.get(NAME);
      const next = String(Number(open.data!.toString()) + 1);
      try {
        await put(store, next, ifMatches(open.info.metadata['ETag']!));
        counted++;
      } catch (error) {
        if (!isStoreError(error, 'precondition-failed')) throw error;
      }
    }
  };
  await Promise.all([...proxies, ...proxies].map(count));
  assert(counted >= 15);
  assert.equal(Number(await read(made.store)), counted);
});

test('conditional deletes end what they were meant for', async (t) => {
  const { store } = await cluster(t);
  const first = await put(store, 'one');
  await put(store, 'two');
  await assert.rejects(store.objects.delete(NAME, { condition: ifMatches(first.etag) }), fails('precondition-failed'));
  const outcomes = await Promise.allSettled(['two', 'two', 'two'].map(() => store.objects.delete(NAME, { condition: (current) => assertThere(current) })));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

function assertThere(current: ObjectInfo | undefined): void {
  if (current === undefined) throw new StoreError('precondition-failed', 'it is gone');
}

test('a plain write that was asked for before, and comes after, does not void the winner', async (t) => {
  const made = await cluster(t);
  const [one] = await primaries(made);
  const slow = made.anotherProxy(-60_000);
  await put(made.store, 'winner', ifAbsent);
  const key = (await made.store.where(NAME)).key;
  const held = await one!.stat(Buffer.from(key, 'hex'));
  assert.equal(held?.conditional, true);
  // The slow proxy's own timestamps are a minute old; it has to learn of the newer one, and then it is the later write.
  await put(slow, 'plain');
  assert.equal(await read(made.store), 'plain');
});

test('what one device holds is brought to a majority though an abandoned ballot is in the way', async (t) => {
  const made = await cluster(t);
  await put(made.store, 'old');
  const [one, two, three] = await primaries(made);
  const key = Buffer.from((await made.store.where(NAME)).key, 'hex');
  const name = '/AUTH_test/photos/cat.jpg';
  const base = (await one!.stat(key))!.timestamp;
  // A write reached one device, and its proxy died; another proxy won a ballot on the two others, and died as well.
  const partial = { key, name, timestamp: (base + 1) as Timestamp, metadata: { ...metadata, ETag: 'of partial' }, data: Buffer.from('partial') };
  await one!.put(partial);
  for (const engine of [two!, three!]) await engine.prepare({ key, name, timestamp: (base + 2) as Timestamp });
  const seen: string[] = [];
  for (let i = 0; i < 3; i++) seen.push(await read(made.anotherProxy()));
  assert(seen.every((text) => text === seen[0]) || seen.at(-1) === 'partial', seen.join());
  await put(made.store, 'next', ifMatches('of partial'));
  assert.equal(await read(made.store), 'next');
});

test('a promise that its write never followed does not keep others from writing', async (t) => {
  const made = await cluster(t);
  const key = Buffer.from((await made.store.where(NAME)).key, 'hex');
  const ahead = Math.floor((made.clock.nowMs() + 60_000) * 100) as Timestamp;
  for (const engine of await primaries(made)) await engine.prepare({ key, name: '/AUTH_test/photos/cat.jpg', timestamp: ahead });
  await put(made.store, 'plain');
  assert.equal(await read(made.store), 'plain');
  await put(made.store, 'conditional', () => undefined);
  assert.equal(await read(made.store), 'conditional');
});

test('a conditional write goes on while one device is away, and fails while two are', async (t) => {
  const made = await cluster(t);
  const { holdings } = await made.store.where(NAME);
  const devices = holdings.filter(({ role }) => role === 'primary').map(({ device }) => device.split('/').at(-1)!);
  made.down(devices[0]!);
  const { etag } = await put(made.store, 'one', ifAbsent);
  made.up(devices[0]!);
  made.down(devices[1]!);
  await put(made.store, 'two', ifMatches(etag));
  made.down(devices[2]!);
  await assert.rejects(put(made.store, 'three', ifAbsent), fails('unavailable'));
});

/** Puts something before a device's next call of `method`. */
function beforeNext<M extends 'put' | 'delete' | 'post'>(engine: ObjectEngine, method: M, meanwhile: () => Promise<unknown>): void {
  const call = engine[method].bind(engine) as (request: unknown) => Promise<WriteReceipt>;
  (engine as unknown as Record<M, unknown>)[method] = async (request: unknown) => {
    Reflect.deleteProperty(engine, method);
    await meanwhile();
    return call(request);
  };
}

test('a delete that finds nothing ends nothing that comes meanwhile', async (t) => {
  const made = await cluster(t);
  const [one] = await primaries(made);
  const info = one!.info.bind(one);
  one!.info = async (key) => {
    const held = await info(key);
    one!.info = info;
    await put(made.anotherProxy(), 'come meanwhile');
    return held;
  };
  await made.store.objects.delete(NAME).catch((error: unknown) => assert(isStoreError(error, 'object-not-found')));
  assert.equal(await read(made.store), 'come meanwhile');
});

test('a delete that was overtaken on some devices, and seen by nobody, is made later; it happens once', async (t) => {
  const made = await cluster(t);
  await put(made.store, 'first');
  const [one, two, three] = await primaries(made);
  const fast = made.anotherProxy(60_000);
  // One device takes the tombstone; the two others hear of a newer object first.
  let written: Promise<unknown> | undefined;
  for (const engine of [two!, three!]) beforeNext(engine, 'delete', () => (written ??= put(fast, 'second')));
  await made.store.objects.delete(NAME);
  await assert.rejects(read(made.store), fails('object-not-found'));
  assert.equal((await one!.stat(Buffer.from((await made.store.where(NAME)).key, 'hex')))?.deleted, true);
});

test('a write that was overtaken after somebody saw it is not made a second time', async (t) => {
  const made = await cluster(t);
  await put(made.store, 'first');
  const [one, two, three] = await primaries(made);
  const fast = made.anotherProxy(60_000);
  // The first device has it; a reader sees it there and brings it to the second; then comes another write.
  let seen: Promise<string> | undefined;
  const meanwhile = async (): Promise<void> => {
    seen ??= (async () => {
      const key = Buffer.from((await made.store.where(NAME)).key, 'hex');
      while ((await one!.info(key))?.metadata['ETag'] === (await two!.info(key))?.metadata['ETag']) await new Promise((resolve) => setTimeout(resolve, 1));
      const text = await read(made.anotherProxy());
      await put(fast, 'third');
      return text;
    })();
    await seen;
  };
  beforeNext(two!, 'put', async () => {
    beforeNext(two!, 'put', async () => undefined);
    await meanwhile();
  });
  beforeNext(three!, 'put', meanwhile);
  await put(made.store, 'second');
  assert.equal(await seen, 'second');
  assert.equal(await read(made.store), 'third');
});

test('a post that was overtaken by a newer object counts as come before it, and is not made on that one', async (t) => {
  const made = await cluster(t);
  await put(made.store, 'first');
  const [, two, three] = await primaries(made);
  let written: Promise<unknown> | undefined;
  for (const engine of [two!, three!]) beforeNext(engine, 'post', () => (written ??= put(made.anotherProxy(), 'second')));
  await made.store.objects.post(NAME, () => ({ 'user:colour': 'red' }));
  assert.equal((await made.store.objects.head(NAME)).metadata['user:colour'], undefined);
});

test('a state that was overtaken before a majority had it is not read', async (t) => {
  const made = await cluster(t);
  const [one, two, three] = await primaries(made);
  const key = Buffer.from((await made.store.where(NAME)).key, 'hex');
  const name = '/AUTH_test/photos/cat.jpg';
  const tick = Math.floor(made.clock.nowMs() * 100);
  await one!.put({ key, name, timestamp: tick as Timestamp, metadata: { ...metadata, ETag: 'of partial' }, data: Buffer.from('partial') });
  // A reader finds it, and while it brings it to the others, they take an object that was to be created only where none is.
  for (const engine of [two!, three!]) {
    beforeNext(engine, 'put', () => engine.put({ key, name, timestamp: (tick + 1) as Timestamp, metadata: { ...metadata, ETag: 'of winner' }, data: Buffer.from('winner'), conditional: true }));
  }
  assert.equal(await read(made.store), 'winner');
});

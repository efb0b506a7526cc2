/** What is encrypted is not on the devices, and clients see nothing of it. */
import assert from 'node:assert/strict';
import { createDecipheriv, hash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { isStoreError, StoreError } from '#common';
import { bodyOfBuffer, bodyOfChunks } from '#common/stream';
import { ClientKey, CONTENT_TYPE, copyStored, Encryption, encryptionOf, RootSecrets, type Keymaster, type ObjectName, type PutObject, type Store } from '../index.ts';
import { memoryCluster, type MemoryCluster } from '../memory-cluster.fixture.ts';
import { cipherAt, newBodyKey } from './body-key.ts';

const name = (object: string, container = 'c'): ObjectName => ({ account: 'AUTH_a', container, object });
const fails = (code: Parameters<typeof isStoreError>[1]) => (error: unknown) => isStoreError(error, code);
const md5 = (data: Buffer): string => hash('md5', data, 'hex');
const listing = { limit: 100, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false };

const OLD = randomBytes(32);
const NEW = randomBytes(48);
const roots = (active: string, ...ids: string[]): RootSecrets => new RootSecrets({ active, secrets: new Map([active, ...ids].map((id) => [id, id === 'old' ? OLD : NEW])) });

async function begin(encryption: Encryption): Promise<MemoryCluster> {
  const cluster = memoryCluster({ encryption });
  for (const container of ['c', 'd']) await cluster.store.containers.put({ account: 'AUTH_a', container }, { metadata: {}, policy: undefined });
  return cluster;
}

const put = (store: Store, target: ObjectName, data: Buffer, more: Partial<PutObject> = {}): ReturnType<Store['objects']['put']> =>
  store.objects.put({ target, body: bodyOfBuffer(data), metadata: { [CONTENT_TYPE]: 'text/plain', 'user:colour': 'pur\xffple' }, ...more });

async function read(store: Store, target: ObjectName, options: { start?: number; end?: number; keymaster?: Keymaster } = {}): Promise<Buffer> {
  await using open = await store.objects.get(target, options);
  const { start = 0, end = open.info.sizeBytes } = options;
  const parts: Buffer[] = [];
  for await (const chunk of open.read(start, end)) parts.push(chunk);
  const all = Buffer.concat(parts);
  if (open.data !== undefined) assert.deepEqual(open.data.subarray(start, end), all);
  return all;
}

/** Everything that a device keeps of an object, as text. */
async function kept(cluster: MemoryCluster, target: ObjectName): Promise<string> {
  const texts: string[] = [];
  for (const device of cluster.devices) {
    for (const { info } of await cluster.engines(device).objects(0).pending({ olderThanMs: -1, limit: 100 })) if (info.name.endsWith(`/${target.object}`)) texts.push(JSON.stringify(info));
  }
  return texts.join('\n');
}

test('a cipher that starts at any byte makes the same of it as one that came there', async () => {
  const { bodyKey } = await newBodyKey(roots('new'));
  // The counter runs over in the middle.
  const key = { key: bodyKey.key, counter: Buffer.concat([Buffer.alloc(15, 0xff), Buffer.from([0xf0])]) };
  const plain = randomBytes(1000);
  const whole = cipherAt(key, 0).update(plain);
  for (const at of [0, 1, 15, 16, 17, 255, 256, 257, 999]) assert.deepEqual(cipherAt(key, at).update(plain.subarray(at)), whole.subarray(at), `at ${at}`);
  assert.deepEqual(createDecipheriv('aes-256-ctr', key.key, key.counter).update(whole), plain);
});

test('bodies, user metadata and tags are on no device in clear; lengths, tags and ranges are what clients sent', async () => {
  const cluster = await begin(new Encryption({ roots: roots('new'), enabled: true }));
  const { store } = cluster;
  const small = Buffer.from('a secret that nobody may find on a disk');
  const large = randomBytes(300_000);
  for (const [object, data] of [['small', small], ['large', large]] as const) {
    const stored = await put(store, name(object), data, { expectedEtag: md5(data) });
    assert.deepEqual([stored.etag, stored.sizeBytes], [md5(data), data.length]);
    const info = await store.objects.head(name(object));
    assert.deepEqual([info.sizeBytes, info.metadata['ETag'], info.metadata['user:colour'], info.metadata[CONTENT_TYPE]], [data.length, md5(data), 'pur\xffple', 'text/plain']);
    assert.deepEqual(await read(store, name(object)), data);
    for (const [start, end] of [[0, 1], [1, 30], [15, 17], [16, 32], [data.length - 5, data.length]] as const) assert.deepEqual(await read(store, name(object), { start, end }), data.subarray(start, end));
    const text = await kept(cluster, name(object));
    assert.ok(text.length > 0);
    for (const secret of [md5(data), 'pur', 'colour']) assert.ok(!text.includes(secret), secret);
  }
  for (const device of cluster.devices) {
    const engine = cluster.engines(device).objects(0);
    for (const { key } of await engine.pending({ olderThanMs: -1, limit: 100 })) {
      await using open = (await engine.open(key))!;
      for await (const chunk of open.read(0, open.info.sizeBytes)) assert.ok(!chunk.includes('secret') && !large.includes(chunk.subarray(0, 64)));
    }
  }
});

test('rows tell tags to who lists them, and nothing to who reads the database', async () => {
  const cluster = await begin(new Encryption({ roots: roots('new'), enabled: true }));
  const data = Buffer.from('equal');
  for (const object of ['a', 'b']) await put(cluster.store, name(object), data);
  const { entries } = await cluster.store.containers.list(name(''), listing);
  assert.deepEqual(entries.map((entry) => 'etag' in entry && [entry.name, entry.etag, entry.bytes]), [['a', md5(data), 5], ['b', md5(data), 5]]);
  const stored = JSON.stringify(await cluster.anotherProxy(0, new Encryption({})).containers.list(name(''), listing).catch((error: unknown) => String(error)));
  assert.ok(!stored.includes(md5(data)));
  assert.match(stored, /no key file/);
});

test('posting, copying and conditions see and keep what is sealed', async () => {
  const { store } = await begin(new Encryption({ roots: roots('new'), enabled: true }));
  const data = randomBytes(100_000);
  await put(store, name('o'), data);
  await store.objects.post(name('o'), (current) => ({ 'user:colour': `${current.metadata['user:colour']}!` }));
  const posted = await store.objects.head(name('o'));
  assert.deepEqual([posted.metadata['ETag'], posted.metadata['user:colour'], posted.metadata[CONTENT_TYPE]], [md5(data), 'pur\xffple!', 'text/plain']);
  assert.deepEqual(await read(store, name('o')), data);
  await copyStored(store.objects, name('o'), name('copy', 'd'));
  assert.deepEqual(await read(store, name('copy', 'd')), data);
  assert.equal((await store.objects.head(name('copy', 'd'))).metadata['ETag'], md5(data));
  const row = (await store.containers.list(name('', 'd'), listing)).entries[0]!;
  assert.equal('etag' in row && row.etag, md5(data));
  const condition = (current: { metadata: Readonly<Record<string, string>> } | undefined): void => {
    if (current?.metadata['ETag'] !== md5(data)) throw new StoreError('precondition-failed', 'another');
  };
  await put(store, name('o'), Buffer.from('x'), { condition });
  await assert.rejects(put(store, name('o'), Buffer.from('y'), { condition }), fails('precondition-failed'));
});

test('a body that is not what its MD5 says, or breaks off, leaves nothing behind', async () => {
  const { store } = await begin(new Encryption({ roots: roots('new'), enabled: true }));
  for (const size of [10, 100_000]) await assert.rejects(put(store, name('o'), randomBytes(size), { expectedEtag: md5(Buffer.alloc(1)) }), fails('checksum-mismatch'));
  const broken = async function* (): AsyncGenerator<Buffer> {
    yield randomBytes(100_000);
    throw new StoreError('client-disconnected', 'gone');
  };
  await assert.rejects(put(store, name('o'), Buffer.alloc(0), { body: bodyOfChunks(broken(), 200_000) }), fails('client-disconnected'));
  await assert.rejects(store.objects.head(name('o')), fails('object-not-found'));
});

test('a secret is rotated: what an older one wrapped is read while it is in the file', async () => {
  const cluster = await begin(new Encryption({ roots: roots('old'), enabled: true }));
  const data = randomBytes(1000);
  await put(cluster.store, name('o'), data);
  const rotated = cluster.anotherProxy(0, new Encryption({ roots: roots('new', 'old'), enabled: true }));
  assert.deepEqual(await read(rotated, name('o')), data);
  await rotated.objects.post(name('o'), () => ({ 'user:colour': 'new' }));
  await put(rotated, name('p'), data);
  assert.equal(encryptionOf((await rotated.objects.head(name('o'))).metadata)?.id, 'old');
  assert.equal(encryptionOf((await rotated.objects.head(name('p'))).metadata)?.id, 'new');
  const off = cluster.anotherProxy(0, new Encryption({ roots: roots('new', 'old') }));
  assert.deepEqual(await read(off, name('o')), data, 'switched off, what was encrypted is read');
  await put(off, name('plain'), data);
  assert.equal(encryptionOf((await off.objects.head(name('plain'))).metadata), undefined);
  assert.deepEqual(await read(rotated, name('plain')), data, 'and what was not is read where it is on');
  const forgotten = cluster.anotherProxy(0, new Encryption({ roots: roots('new'), enabled: true }));
  await assert.rejects(read(forgotten, name('o')), fails('unavailable'));
  const wrong = new Encryption({ roots: new RootSecrets({ active: 'old', secrets: new Map([['old', NEW]]) }) });
  await assert.rejects(cluster.anotherProxy(0, wrong).objects.head(name('p')), fails('unavailable'));
});

test('under a key of its client a body is read with that key only; what is known of it needs none', async () => {
  for (const encryption of [new Encryption({}), new Encryption({ roots: roots('new'), enabled: true })]) {
    const { store } = await begin(encryption);
    const data = randomBytes(100_000);
    const keymaster = new ClientKey(randomBytes(32));
    await put(store, name('o'), data, { keymaster });
    assert.deepEqual(await read(store, name('o'), { keymaster, start: 33, end: 77_777 }), data.subarray(33, 77_777));
    await assert.rejects(read(store, name('o')), fails('forbidden'));
    await assert.rejects(read(store, name('o'), { keymaster: new ClientKey(randomBytes(32)) }), fails('forbidden'));
    const info = await store.objects.head(name('o'));
    assert.equal(info.metadata['ETag'], md5(data));
    assert.deepEqual([encryptionOf(info.metadata)?.kind, encryptionOf(info.metadata)?.id], ['client', keymaster.id]);
    await copyStored(store.objects, name('o'), name('copy'));
    assert.deepEqual(await read(store, name('copy'), { keymaster }), data, 'a copy needs no key, and gives none away');
    await assert.rejects(read(store, name('copy')), fails('forbidden'));
  }
});

test('another keymaster is asked for what it wrapped', async () => {
  const held = new Map<string, Buffer>();
  const kms: Keymaster = {
    kind: 'kms',
    wrap: async (key) => (held.set('k1', key), { id: 'k1', wrapped: Buffer.from('handle') }),
    unwrap: async ({ id }) => held.get(id)!,
  };
  const { store } = await begin(new Encryption({ roots: roots('new'), keymasters: [kms] }));
  await put(store, name('o'), Buffer.from('hello'), { keymaster: kms });
  assert.equal((await read(store, name('o'))).toString(), 'hello');
});

test('secrets that are none are refused', () => {
  assert.throws(() => new RootSecrets({ active: 'a', secrets: new Map() }), fails('bad-request'));
  assert.throws(() => new RootSecrets({ active: 'a', secrets: new Map([['a', randomBytes(31)]]) }), fails('bad-request'));
  assert.throws(() => new ClientKey(randomBytes(16)), fails('bad-request'));
});

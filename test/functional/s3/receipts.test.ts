/** What a client learns that asks where its write was made durable, in either dialect. */
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { GoriProcess } from '../swift/gori-process.ts';
import { S3Session, swiftSession, type SwiftAsk } from './session.ts';

interface Shown {
  readonly writes: readonly { operation: string; object?: string; timestamp: string; policy: string; quorum: number; md5?: string; bytes?: number; devices: readonly { device: number; role: string; volume?: number; sequence?: number; synced?: string }[] }[];
}

const ASKING = { 'X-Gori-Receipt': 'true' };
let gori: GoriProcess;
let s3: S3Session;
let swift: SwiftAsk;

before(async () => {
  gori = await GoriProcess.start();
  s3 = new S3Session(gori.endpoint);
  swift = await swiftSession(gori);
});

after(async () => {
  assert.deepEqual(gori.complaints, []);
  await gori[Symbol.asyncDispose]();
});

function shown(headers: Headers): Shown {
  return JSON.parse(headers.get('x-gori-receipt')!) as Shown;
}

test('Swift: a receipt names the devices, and where in their histories the write is; whoever does not ask hears nothing', async () => {
  await swift('PUT', '/slips');
  for (const body of [randomBytes(500), randomBytes(200_000), randomBytes(3_000_000)]) {
    const beganMs = Date.now();
    const answer = await swift('PUT', '/slips/a%20b', { body, headers: ASKING });
    assert.equal(answer.status, 201);
    const { writes } = shown(answer.headers);
    assert.equal(writes.length, 1);
    const [{ devices, ...write }] = writes as [Shown['writes'][0]];
    assert.deepEqual({ ...write, timestamp: '' }, { operation: 'put', object: '/AUTH_test/slips/a%20b', timestamp: '', policy: write.policy, consistency: 'strong', quorum: 2, md5: hash('md5', body, 'hex'), bytes: body.length });
    assert.ok(devices.length >= 2 && devices.every(({ role, volume, sequence }) => role === 'primary' && volume! > 0 && sequence! > 0));
    assert.ok(devices.every(({ synced }) => Date.parse(synced!) >= beganMs - 5 && Date.parse(synced!) <= Date.now() + 5));
    const head = await swift('HEAD', '/slips/a%20b', { headers: ASKING });
    assert.equal(head.headers.get('x-timestamp'), write.timestamp);
    assert.equal(head.headers.get('x-gori-receipt'), null, 'nothing was written');
  }
  const posted = shown((await swift('POST', '/slips/a%20b', { headers: { ...ASKING, 'X-Object-Meta-Colour': 'blue' } })).headers);
  const copied = shown((await swift('COPY', '/slips/a%20b', { headers: { ...ASKING, Destination: '/slips/copy' } })).headers);
  const deleted = shown((await swift('DELETE', '/slips/a%20b', { headers: ASKING })).headers);
  assert.deepEqual([posted, copied, deleted].map(({ writes }) => writes.map(({ operation, object }) => `${operation} ${object ?? ''}`)), [['post /AUTH_test/slips/a%20b'], ['put /AUTH_test/slips/copy'], ['delete /AUTH_test/slips/a%20b']]);
  const under = shown((await swift('PUT', '/slips/condition', { body: 'x', headers: { ...ASKING, 'If-None-Match': '*' } })).headers);
  assert.equal(under.writes[0]!.operation, 'put');
  assert.equal((await swift('PUT', '/slips/quiet', { body: 'x' })).headers.get('x-gori-receipt'), null);
  assert.equal((await swift('PUT', '/slips/condition', { body: 'y', headers: { ...ASKING, 'If-None-Match': '*' } })).headers.get('x-gori-receipt'), null, 'refused, and nothing written');
});

test('S3: the same of objects, versions with the link to them, and deletes', async () => {
  await s3.well('PUT', '/slips-s3');
  const put = await s3.ask('PUT', '/slips-s3/key', { body: 'hello', headers: ASKING });
  assert.equal(put.status, 200);
  const [write] = shown(put.headers).writes;
  assert.deepEqual([write!.operation, write!.object?.endsWith('/slips-s3/key'), write!.md5, write!.bytes], ['put', true, hash('md5', 'hello', 'hex'), 5]);
  await s3.well('PUT', '/slips-s3?versioning=', { body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>' });
  const { writes } = shown((await s3.ask('PUT', '/slips-s3/key', { body: 'again', headers: ASKING })).headers);
  assert.ok(writes.length >= 2, 'a version, and what leads to it');
  assert.ok(writes.some(({ md5 }) => md5 === hash('md5', 'again', 'hex')));
  assert.ok(writes.filter(({ object }) => object === undefined).length >= 1, 'what the store keeps for itself has no name');
  const gone = await s3.ask('DELETE', '/slips-s3/key', { headers: ASKING });
  assert.ok(shown(gone.headers).writes.some(({ operation }) => operation === 'delete'));
});

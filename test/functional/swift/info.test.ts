/** /info: what it hides, what it shows an operator, and that what it says is so. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { SwiftSession, TestCluster } from '../../support/index.ts';

const KEY = 'the operator knows';
let cluster: TestCluster;
let hidden: TestCluster;

before(async () => {
  [cluster, hidden] = await Promise.all([
    TestCluster.start({ swift: { info: { adminKey: KEY, disallowedSections: ['swift.valid_api_versions', 'dlo', 'no.such.thing', '__proto__.x'] } } }),
    TestCluster.start({ nodes: 3, swift: { info: { expose: false }, etagQuoting: { byDefault: true } } }),
  ]);
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  await hidden[Symbol.asyncDispose]();
});

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const sign = (method: string, expires: number, digest = 'sha1', key = KEY): string => createHmac(digest, key).update(`${method}\n${expires}\n/info`).digest('hex');
const ask = (expires: number | string, signature: string, method = 'GET') => fetch(`${cluster.endpoint}/info?swiftinfo_sig=${signature}&swiftinfo_expires=${expires}`, { method });

test('/info says what is there, but for what the operator hides', async () => {
  const info = (await (await fetch(`${cluster.endpoint}/info`)).json()) as Record<string, Record<string, unknown>>;
  assert.equal(info['swift']?.['max_file_size'], 5_368_709_122);
  assert.equal(info['swift']?.['valid_api_versions'], undefined);
  assert.equal(info['dlo'], undefined);
  assert.equal(info['admin'], undefined);
  assert.deepEqual(info['tempauth'], { account_acls: true });
});

test('who signs with the admin key sees what is hidden named', async () => {
  for (const digest of ['sha1', 'sha256', 'sha512']) {
    const expires = inSeconds(60);
    const answer = await ask(expires, sign('GET', expires, digest));
    assert.equal(answer.status, 200, digest);
    const info = (await answer.json()) as { admin: unknown };
    assert.deepEqual(info.admin, { disallowed_sections: ['swift.valid_api_versions', 'dlo', 'no.such.thing', '__proto__.x'] });
    assert.equal((await ask(expires, sign('GET', expires, digest), 'HEAD')).status, 200);
  }
});

test('a signature that is wrong, over, or for another method shows nothing', async () => {
  const [now, over] = [inSeconds(60), inSeconds(-1)];
  assert.equal((await ask(now, sign('GET', now, 'sha1', 'guess'))).status, 401);
  assert.equal((await ask(over, sign('GET', over))).status, 401);
  assert.equal((await ask(now, sign('HEAD', now))).status, 401);
  assert.equal((await ask(now, sign('HEAD', now), 'HEAD')).status, 200);
  assert.equal((await ask('soon', sign('GET', now))).status, 401);
  assert.equal((await ask(now, '')).status, 401);
  assert.equal((await ask(now, 'zz')).status, 401);
});

test('/info is for the methods it is for, and not at all where it is not exposed', async () => {
  assert.equal((await fetch(`${cluster.endpoint}/info`, { method: 'PUT' })).status, 405);
  assert.equal((await fetch(`${cluster.endpoint}/info`, { method: 'OPTIONS' })).status, 200);
  assert.equal((await fetch(`${cluster.endpoint}/info`, { headers: { Origin: 'https://x.example' } })).headers.get('access-control-allow-origin'), 'https://x.example');
  assert.equal((await fetch(`${hidden.endpoint}/info`)).status, 403);
});

test('ETags are quoted where the container says so, else where the account does, else as the operator set it', async () => {
  const md5 = '9dd4e461268c8034f5c8564e155c67a6';
  for (const [place, byDefault] of [[cluster, false], [hidden, true]] as const) {
    const session = new SwiftSession(await place.login());
    await session.put('/c');
    const etag = async (): Promise<string> => {
      const put = (await session.ask('PUT', '/c/o', { body: 'x' })).headers.get('etag');
      const head = (await session.ask('HEAD', '/c/o')).headers.get('etag');
      assert.equal(put, head);
      assert.equal((await session.ask('GET', '/c/o', { headers: { 'If-None-Match': head! } })).status, 304);
      return head!;
    };
    const set = async (path: '' | '/c', value: string): Promise<void> => {
      const header = path === '' ? 'X-Account-Rfc-Compliant-Etags' : 'X-Container-Rfc-Compliant-Etags';
      assert.equal((await session.ask('POST', path, { headers: { [header]: value } })).status, 204);
      assert.equal((await session.ask('HEAD', path)).headers.get(header), value === '' ? null : value === 'yes' ? 'True' : 'False');
    };
    assert.equal(await etag(), byDefault ? `"${md5}"` : md5);
    await set('', byDefault ? 'no' : 'yes');
    assert.equal(await etag(), byDefault ? md5 : `"${md5}"`);
    await set('/c', byDefault ? 'yes' : 'no');
    assert.equal(await etag(), byDefault ? `"${md5}"` : md5);
    await set('', '');
    await set('/c', '');
    assert.equal(await etag(), byDefault ? `"${md5}"` : md5);
  }
});

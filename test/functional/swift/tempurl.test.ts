/** Temporary URLs over HTTP: what each signature opens, and everything that it does not. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { SwiftSession, TestCluster } from '../../support/index.ts';

let cluster: TestCluster;
let strict: TestCluster;
let session: SwiftSession;
let base: string;

before(async () => {
  [cluster, strict] = await Promise.all([TestCluster.start(), TestCluster.start({ nodes: 3, swift: { tempurl: { methods: ['GET'], allowedDigests: ['sha256'] } } })]);
  const login = await cluster.login();
  base = login.url;
  session = new SwiftSession(login);
  for (const container of ['/c', '/other']) assert.equal(await session.put(container), 201);
  await session.ask('POST', '', { headers: { 'X-Account-Meta-Temp-Url-Key': 'a1', 'X-Account-Meta-Temp-Url-Key-2': 'a2' } });
  await session.ask('POST', '/c', { headers: { 'X-Container-Meta-Temp-Url-Key': 'c1', 'X-Container-Meta-Temp-Url-Key-2': 'c2' } });
  const headers = { 'X-Object-Meta-Private': '1', 'X-Object-Meta-Public-Colour': 'blue' };
  for (const path of ['/c/dir/o', '/c/dir/p', '/c/q', '/other/o']) assert.equal((await session.ask('PUT', path, { body: path, headers })).status, 201);
  await session.ask('PUT', '/c/inside', { headers: { 'X-Object-Manifest': 'c/dir/' } });
  await session.ask('PUT', '/c/outside', { headers: { 'X-Object-Manifest': 'other/o' } });
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  await strict[Symbol.asyncDispose]();
});

interface Signing {
  readonly key?: string;
  readonly digest?: string;
  readonly expires?: number;
  readonly prefix?: string;
  readonly ip?: string;
  readonly more?: Record<string, string>;
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

function query(method: string, path: string, { key = 'a1', digest = 'sha256', expires = inSeconds(60), prefix, ip, more = {} }: Signing = {}): string {
  const place = prefix === undefined ? `/v1/AUTH_test${path}` : `prefix:/v1/AUTH_test${prefix}`;
  const signature = createHmac(digest, key).update(`${ip === undefined ? '' : `ip=${ip}\n`}${method}\n${expires}\n${place}`).digest('hex');
  return new URLSearchParams({
    temp_url_sig: signature,
    temp_url_expires: String(expires),
    ...(prefix !== undefined && { temp_url_prefix: prefix.split('/').slice(2).join('/') }),
    ...(ip !== undefined && { temp_url_ip_range: ip }),
    ...more,
  }).toString();
}

async function use(method: string, path: string, signed: string, headers: Record<string, string> = {}, url = base): Promise<{ status: number; text: string; headers: Headers }> {
  const answer = await fetch(`${url}${path}?${signed}`, { method, headers, ...(method === 'PUT' && { body: 'new' }) });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

test('each of the four keys opens its object, by every digest, by GET and HEAD', async () => {
  for (const key of ['a1', 'a2', 'c1', 'c2']) {
    for (const digest of ['sha1', 'sha256', 'sha512']) {
      const signed = query('GET', '/c/dir/o', { key, digest });
      assert.equal((await use('GET', '/c/dir/o', signed)).text, '/c/dir/o');
      assert.equal((await use('HEAD', '/c/dir/o', signed)).status, 200);
    }
  }
});

test('a signature in base64 and an expiry in ISO form are as good', async () => {
  const expires = inSeconds(60);
  const bytes = createHmac('sha512', 'a1').update(`GET\n${expires}\n/v1/AUTH_test/c/dir/o`).digest();
  const iso = `${new Date(expires * 1000).toISOString().slice(0, 19)}Z`;
  for (const encoding of ['base64', 'base64url'] as const) {
    assert.equal((await use('GET', '/c/dir/o', new URLSearchParams({ temp_url_sig: `sha512:${bytes.toString(encoding)}`, temp_url_expires: iso }).toString())).status, 200);
  }
});

test('a wrong key, path, method, time or nothing at all opens nothing', async () => {
  const refused = async (method: string, path: string, signed: string): Promise<void> => {
    const { status, text, headers } = await use(method, path, signed);
    assert.equal(status, 401, `${method} ${path}?${signed}`);
    if (method !== 'HEAD') assert.equal(text, '401 Unauthorized: Temp URL invalid\n');
    assert.equal(headers.get('www-authenticate'), 'Swift realm="AUTH_test"');
  };
  await refused('GET', '/c/dir/o', query('GET', '/c/dir/o', { key: 'guess' }));
  await refused('GET', '/other/o', query('GET', '/other/o', { key: 'c1' }));
  await refused('GET', '/c/dir/p', query('GET', '/c/dir/o'));
  await refused('PUT', '/c/dir/o', query('GET', '/c/dir/o'));
  await refused('GET', '/c/dir/o', query('PUT', '/c/dir/o'));
  await refused('DELETE', '/c/dir/o', query('PUT', '/c/dir/o'));
  await refused('GET', '/c/dir/o', query('HEAD', '/c/dir/o'));
  await refused('GET', '/c/dir/o', query('GET', '/c/dir/o', { expires: inSeconds(-1) }));
  await refused('GET', '/c', query('GET', '/c'));
  await refused('GET', '', query('GET', ''));
  await refused('GET', '/c/dir/o', 'temp_url_sig=&temp_url_expires=');
  await refused('GET', '/c/dir/o', `temp_url_expires=${inSeconds(60)}`);
  await refused('GET', '/c/dir/o', 'temp_url_sig=zz');
  await refused('COPY', '/c/dir/o', query('COPY', '/c/dir/o'));
  await refused('GET', '/c/dir/o', query('GET', '/c/dir/o').replace('temp_url_expires=', 'temp_url_expires=1'));
});

test('whoever may get, put, post or delete may look', async () => {
  for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'HEAD']) assert.equal((await use('HEAD', '/c/dir/o', query(method, '/c/dir/o'))).status, 200, method);
});

test('an upload and a deletion by URL', async () => {
  assert.equal((await use('PUT', '/c/new', query('PUT', '/c/new', { key: 'c1' }))).status, 201);
  assert.equal((await session.get('/c/new'))?.toString(), 'new');
  assert.equal((await use('POST', '/c/new', query('POST', '/c/new'), { 'X-Object-Meta-A': '1' })).status, 202);
  assert.equal((await use('DELETE', '/c/new', query('DELETE', '/c/new'))).status, 204);
  assert.equal(await session.get('/c/new'), undefined);
});

test('an upload may not point elsewhere', async () => {
  for (const [name, value] of [['X-Object-Manifest', 'other/'], ['X-Symlink-Target', 'other/o'], ['X-Copy-From', '/other/o']] as const) {
    for (const method of ['PUT', 'POST']) {
      const { status, text } = await use(method, '/c/pointer', query(method, '/c/pointer'), { [name]: value });
      assert.deepEqual([status, text], [400, `The header '${name}' is not allowed in this tempurl`]);
    }
  }
  assert.equal(await session.get('/c/pointer'), undefined);
});

test('a prefix opens all that begins with it', async () => {
  const signed = query('GET', '', { prefix: '/c/dir/' });
  assert.equal((await use('GET', '/c/dir/o', signed)).text, '/c/dir/o');
  assert.equal((await use('GET', '/c/dir/p', signed)).text, '/c/dir/p');
  assert.equal((await use('GET', '/c/q', signed)).status, 401);
  assert.equal((await use('GET', '/other/o', signed)).status, 401);
  assert.equal((await use('GET', '/c/q', query('GET', '', { prefix: '/c/' }))).status, 200);
  assert.equal((await use('GET', '/c/q', query('GET', '/c/q', { more: { temp_url_prefix: '' } }))).status, 401);
});

test('a range of addresses opens for those in it', async () => {
  for (const ip of ['127.0.0.1', '127.0.0.0/8']) assert.equal((await use('GET', '/c/q', query('GET', '/c/q', { ip }))).status, 200, ip);
  for (const ip of ['10.0.0.0/8', '127.0.0.2', '::/0', 'nowhere', '127.0.0.0/40']) assert.equal((await use('GET', '/c/q', query('GET', '/c/q', { ip }))).status, 401, ip);
  const stripped = query('GET', '/c/q', { ip: '127.0.0.1' }).replace(/&temp_url_ip_range=[^&]*/, '');
  assert.equal((await use('GET', '/c/q', stripped)).status, 401);
});

test('a manifest is read as far as the key reaches', async () => {
  for (const key of ['a1', 'c1']) assert.equal((await use('GET', '/c/inside', query('GET', '/c/inside', { key }))).text, '/c/dir/o/c/dir/p');
  assert.equal((await use('GET', '/c/outside', query('GET', '/c/outside', { key: 'a1' }))).text, '/other/o');
  for (const method of ['GET', 'HEAD']) assert.equal((await use(method, '/c/outside', query('GET', '/c/outside', { key: 'c1' }))).status, 401);
});

test('other parameters than the signed ones count for nothing', async () => {
  const { text } = await use('GET', '/c/inside', query('GET', '/c/inside', { more: { 'multipart-manifest': 'get' } }));
  assert.equal(text, '/c/dir/o/c/dir/p');
});

test('the answer is a download that hides private metadata', async () => {
  const expires = inSeconds(60);
  const { headers } = await use('GET', '/c/dir/o', query('GET', '/c/dir/o', { expires }));
  assert.equal(headers.get('content-disposition'), `attachment; filename="o"; filename*=UTF-8''o`);
  assert.equal(headers.get('expires'), new Date(expires * 1000).toUTCString());
  assert.equal(headers.get('x-object-meta-private'), null);
  assert.equal(headers.get('x-object-meta-public-colour'), 'blue');
  assert.equal((await use('GET', '/c/dir/o', query('GET', '/c/dir/o', { more: { inline: '', filename: 'a b' } }))).headers.get('content-disposition'), `inline; filename="a b"; filename*=UTF-8''a%20b`);
});

test('what the operator took away opens nothing', async () => {
  const login = await strict.login();
  const one = new SwiftSession(login);
  await one.put('/c');
  await one.put('/c/o', 'x');
  await one.ask('POST', '', { headers: { 'X-Account-Meta-Temp-Url-Key': 'a1' } });
  assert.equal((await use('GET', '/c/o', query('GET', '/c/o'), {}, login.url)).status, 200);
  assert.equal((await use('GET', '/c/o', query('GET', '/c/o', { digest: 'sha1' }), {}, login.url)).status, 401);
  assert.equal((await use('PUT', '/c/o', query('PUT', '/c/o'), {}, login.url)).status, 401);
});

/** Uploads from HTML forms: what a signed form may do, and what every fault of one is answered with. */
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { SwiftSession, TestCluster } from '../../support/index.ts';
import { ask } from './wire.ts';

let cluster: TestCluster;
let session: SwiftSession;
let base: string;

before(async () => {
  cluster = await TestCluster.start();
  const login = await cluster.login();
  base = login.url;
  session = new SwiftSession(login);
  assert.equal(await session.put('/c'), 201);
  assert.equal(await session.put('/other'), 201);
  assert.equal((await session.ask('POST', '', { headers: { 'X-Account-Meta-Temp-Url-Key': 'account key' } })).status, 204);
  assert.equal((await session.ask('POST', '/c', { headers: { 'X-Container-Meta-Temp-Url-Key-2': 'container key' } })).status, 204);
});

after(() => cluster[Symbol.asyncDispose]());

const soon = (): string => String(Math.floor(Date.now() / 1000) + 60);

/** The signed fields of a form at `path`; `over` replaces some without signing them. */
function signed(path: string, fields: Record<string, string> = {}, { key = 'account key', digest = 'sha256', over = {}, base64 = false } = {}): Record<string, string> {
  const all = { redirect: '', max_file_size: '1000', max_file_count: '2', expires: soon(), ...fields };
  const hmac = createHmac(digest, key).update(`/v1/AUTH_test${path}\n${all.redirect}\n${all.max_file_size}\n${all.max_file_count}\n${all.expires}`);
  return { ...all, signature: base64 ? `${digest}:${hmac.digest('base64')}` : hmac.digest('hex'), ...over };
}

type Upload = readonly [filename: string, content: string | Buffer, type?: string];

async function post(path: string, fields: Record<string, string>, files: readonly Upload[]): Promise<{ status: number; text: string; headers: Headers }> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  files.forEach(([filename, content, type], i) => form.append(`file${i + 1}`, new Blob([typeof content === 'string' ? content : new Uint8Array(content)], { type: type ?? '' }), filename));
  const answer = await fetch(`${base}${path}`, { method: 'POST', body: form, redirect: 'manual' });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

const stored = async (path: string): Promise<string | undefined> => (await session.get(path))?.toString();

test('files become objects under the path of the form', async () => {
  const answer = await post('/c/up-', signed('/c/up-'), [['a.txt', 'first', 'text/plain'], ['한 b.html', 'second', 'text/html']]);
  assert.deepEqual([answer.status, answer.text], [201, '201 Created']);
  assert.equal(answer.headers.get('content-type'), 'text/plain');
  assert.equal(await stored('/c/up-a.txt'), 'first');
  const second = await session.ask('GET', '/c/up-%ED%95%9C%20b.html');
  assert.deepEqual([second.body.toString(), second.headers.get('content-type')], ['second', 'text/html']);
  assert.equal((await post('/c', signed('/c'), [['plain', 'x']])).status, 201);
  assert.equal(await stored('/c/plain'), 'x');
});

test('every digest in hex and base64, and keys of account and container are good', async () => {
  for (const digest of ['sha1', 'sha256', 'sha512']) {
    for (const base64 of [false, true]) assert.equal((await post('/c/', signed('/c/', {}, { digest, base64 }), [['d', digest]])).status, 201, `${digest} ${base64}`);
    assert.equal(await stored('/c/d'), digest);
  }
  assert.equal((await post('/c/', signed('/c/', {}, { key: 'container key' }), [['k', 'x']])).status, 201);
  const elsewhere = await post('/other/', signed('/other/', {}, { key: 'container key' }), [['k', 'x']]);
  assert.deepEqual([elsewhere.status, elsewhere.text], [401, 'FormPost: Invalid Signature']);
});

test('what was not signed so is refused', async () => {
  const cases: [Record<string, string>, string][] = [
    [{ signature: 'a'.repeat(64) }, 'FormPost: Invalid Signature'],
    [{ signature: '' }, 'FormPost: Invalid Signature'],
    [{ signature: 'md5:AAAA' }, 'FormPost: Invalid Signature'],
    [{ max_file_size: '1001' }, 'FormPost: Invalid Signature'],
    [{ redirect: 'http://evil.example' }, 'FormPost: Invalid Signature'],
    [{ expires: '1' }, 'FormPost: Form Expired'],
    [{ expires: '' }, 'FormPost: Form Expired'],
  ];
  for (const [over, text] of cases) {
    const answer = await post('/c/', signed('/c/', {}, { over }), [['refused', 'x']]);
    assert.deepEqual([answer.status, answer.text], [401, text], JSON.stringify(over));
    assert.ok(answer.headers.get('www-authenticate')?.startsWith('Swift realm='));
  }
  assert.equal((await post('/c/', signed('/other/'), [['refused', 'x']])).status, 401);
  assert.equal((await post('', signed(''), [['refused', 'x']])).status, 401);
  assert.equal(await stored('/c/refused'), undefined);
});

test('fields that are no numbers are named', async () => {
  for (const [over, text] of [
    [{ max_file_size: 'x' }, 'FormPost: max_file_size not an integer'],
    [{ max_file_count: 'x' }, 'FormPost: max_file_count not an integer'],
    [{ expires: 'x' }, 'FormPost: expired not an integer'],
    [{ x_delete_at: 'x' }, 'FormPost: x_delete_at not an integer: Unix timestamp required.'],
    [{ x_delete_after: '1.5' }, 'FormPost: x_delete_after not an integer: Number of seconds required.'],
  ] as const) {
    const answer = await post('/c/', signed('/c/', {}, { over }), [['bad', 'x']]);
    assert.deepEqual([answer.status, answer.text], [400, text]);
  }
});

test('a file larger than the form allows is refused, one just as large is taken', async () => {
  assert.equal((await post('/c/', signed('/c/', { max_file_size: '5' }), [['five', '12345']])).status, 201);
  const answer = await post('/c/', signed('/c/', { max_file_size: '5' }), [['six', '123456']]);
  assert.deepEqual([answer.status, answer.text], [400, 'FormPost: max_file_size exceeded']);
  assert.equal(await stored('/c/six'), undefined);
  const large = randomBytes(3_000_000);
  assert.equal((await post('/c/', signed('/c/', { max_file_size: '3000000' }), [['large', large], ['after', 'x']])).status, 201);
  assert.deepEqual(await session.get('/c/large'), large);
  assert.equal(await stored('/c/after'), 'x');
  assert.equal((await post('/c/', signed('/c/', { max_file_size: '2999999' }), [['larger', large]])).status, 400);
  assert.equal(await stored('/c/larger'), undefined);
});

test('more files than the form allows are refused after those that it does; none at all too', async () => {
  const answer = await post('/c/', signed('/c/', { max_file_count: '1' }), [['one', '1'], ['two', '2']]);
  assert.deepEqual([answer.status, answer.text], [400, '400 Bad Request\r\nFormPost: Max File Count Exceeded']);
  assert.equal(await stored('/c/one'), '1');
  assert.equal(await stored('/c/two'), undefined);
  const none = await post('/c/', signed('/c/'), []);
  assert.deepEqual([none.status, none.text], [400, '400 Bad Request\r\nFormPost: No Files To Process']);
});

test('a redirect is told how it went, and cannot write headers', async () => {
  const redirect = 'https://app.example/done?x=1';
  const good = await post('/c/', signed('/c/', { redirect }), [['r', 'x']]);
  assert.deepEqual([good.status, good.headers.get('location')], [303, `${redirect}&status=201&message=`]);
  const none = await post('/c/', signed('/c/', { redirect: 'https://app.example/' }), []);
  assert.equal(none.headers.get('location'), 'https://app.example/?status=400&message=no%20files%20to%20process');
  const evil = await post('/c/', signed('/c/', { redirect: 'https://x/\r\nX-Evil: "<1>' }), []);
  assert.deepEqual([evil.status, evil.headers.get('x-evil')], [303, null]);
  assert.ok(!evil.text.includes('<1>'));
});

test('objects expire and are encoded as the form says', async () => {
  const at = String(Math.floor(Date.now() / 1000) + 1000);
  assert.equal((await post('/c/', signed('/c/', {}, { over: { x_delete_at: at, 'content-type': 'text/x-form', 'content-encoding': 'gzip' } }), [['e', 'x', 'text/plain']])).status, 201);
  const { headers } = await session.ask('HEAD', '/c/e');
  assert.deepEqual([headers.get('x-delete-at'), headers.get('content-type'), headers.get('content-encoding')], [at, 'text/x-form', 'gzip']);
  assert.equal((await post('/c/', signed('/c/', {}, { over: { x_delete_after: '100' } }), [['e2', 'x']])).status, 201);
  assert.ok((await session.ask('HEAD', '/c/e2')).headers.has('x-delete-at'));
  const past = await post('/c/', signed('/c/', {}, { over: { x_delete_at: '1' } }), [['e3', 'x']]);
  assert.deepEqual([past.status, past.text], [400, '400 Bad Request']);
});

test('what is no form is refused, and the connection serves on', async () => {
  const port = Number(new URL(base).port);
  const send = (body: string, type = 'multipart/form-data; boundary=XX'): Promise<{ status: number }> =>
    ask(port, `POST /v1/AUTH_test/c/ HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  for (const body of ['', 'junk', '--XX', '--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\nb', '--XX\r\nContent-Disposition: form-data; name="file"; filename="cut"\r\n\r\nno end']) {
    assert.ok([400, 401].includes((await send(body)).status), body);
  }
  assert.equal((await send('--XX--\r\n')).status, 400);
  assert.equal((await send('x', 'multipart/form-data')).status, 401, 'without a boundary it is a POST like any other');
  assert.equal(await stored('/c/cut'), undefined);
});

test('a form that breaks off within a file stores nothing of it', async () => {
  const fields = Object.entries(signed('/c/')).map(([name, value]) => `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('');
  const body = `${fields}--XX\r\nContent-Disposition: form-data; name="file"; filename="broken"\r\n\r\nsome bytes and no boundary`;
  const answer = await ask(Number(new URL(base).port), `POST /v1/AUTH_test/c/ HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  assert.equal(answer.status, 400);
  assert.equal(await stored('/c/broken'), undefined);
});

test('a form for a container that is not there is answered 404', async () => {
  const answer = await post('/absent/', signed('/absent/'), [['x', 'x']]);
  assert.deepEqual([answer.status, answer.text], [404, '404 Not Found']);
});

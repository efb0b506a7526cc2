/** Containers synced between two clusters, each a process of its own. */
import assert from 'node:assert/strict';
import { createHmac, hash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eventually, freePorts } from '../../support/index.ts';
import { GoriProcess } from './gori-process.ts';

const KEY = 'realm key';
let ports: number;
let here: GoriProcess;
let there: GoriProcess;
const tokens = new Map<GoriProcess, { url: string; token: string }>();

const config = (current: string, clusters: Record<string, string>) => ({ swift: { containerSync: { intervalSeconds: 0.3, current: `//trust/${current}`, realms: { trust: { key: KEY, key2: 'old key', clusters } } } } });

before(async () => {
  ports = await freePorts(2);
  const clusters = { here: `http://127.0.0.1:${ports}/v1/`, there: `http://127.0.0.1:${ports + 1}/v1/` };
  here = await GoriProcess.start({ port: ports, config: config('here', clusters) });
  there = await GoriProcess.start({ port: ports + 1, config: config('there', clusters) });
  for (const gori of [here, there]) tokens.set(gori, await gori.login());
});

after(async () => {
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
});

function ask(gori: GoriProcess, method: string, target: string, headers: Record<string, string> = {}, body?: string | Buffer): Promise<Response> {
  const { url, token } = tokens.get(gori)!;
  return fetch(`${url}/${target}`, { method, headers: { 'X-Auth-Token': token, ...headers }, ...(body === undefined ? {} : { body }) });
}

async function ok(answer: Promise<Response>): Promise<Response> {
  const response = await answer;
  assert.ok(response.status < 300, `${response.status}: ${await response.clone().text()}`);
  return response;
}

interface Row {
  readonly name: string;
  readonly hash: string;
  readonly bytes: number;
  readonly last_modified: string;
  readonly content_type: string;
}

async function rows(gori: GoriProcess, container: string): Promise<Row[]> {
  return (await (await ok(ask(gori, 'GET', `${container}?format=json`))).json()) as Row[];
}

async function same(container: string, other = container): Promise<boolean> {
  return JSON.stringify(await rows(here, container)) === JSON.stringify(await rows(there, other));
}

/** Each of a pair sends to the other. */
async function pair(container: string): Promise<void> {
  await ok(ask(here, 'PUT', container, { 'X-Container-Sync-To': `//trust/there/AUTH_test/${container}`, 'X-Container-Sync-Key': 'secret' }));
  await ok(ask(there, 'PUT', container, { 'X-Container-Sync-To': `//trust/here/AUTH_test/${container}`, 'X-Container-Sync-Key': 'secret' }));
}

test('objects, metadata and deletions come to the other cluster, at their own times, both ways', async () => {
  await pair('both');
  const large = randomBytes(3_000_000);
  await ok(ask(here, 'PUT', 'both/large', { 'Content-Type': 'x/large', 'X-Object-Meta-Colour': 'blau' }, large));
  await ok(ask(here, 'PUT', 'both/gone', {}, 'x'));
  await ok(ask(there, 'PUT', `both/${encodeURIComponent("ö/ (b'c)*!")}`, { 'Content-Encoding': 'odd', 'X-Delete-After': '10000' }, 'from there'));
  await eventually('all is on both', async () => (await rows(here, 'both')).length === 3 && (await same('both')));
  const copy = await ok(ask(there, 'GET', 'both/large'));
  assert.equal(copy.headers.get('x-object-meta-colour'), 'blau');
  assert.equal(copy.headers.get('content-type'), 'x/large');
  assert.equal(hash('md5', Buffer.from(await copy.arrayBuffer()), 'hex'), hash('md5', large, 'hex'));
  const odd = await ok(ask(here, 'HEAD', `both/${encodeURIComponent("ö/ (b'c)*!")}`));
  assert.equal(odd.headers.get('content-encoding'), 'odd');
  assert.ok(odd.headers.get('x-delete-at'));
  await ok(ask(here, 'POST', 'both/large', { 'X-Object-Meta-Colour': 'rot' }));
  await ok(ask(there, 'DELETE', 'both/gone'));
  await eventually('changes too', async () => (await ask(there, 'HEAD', 'both/large')).headers.get('x-object-meta-colour') === 'rot' && (await rows(here, 'both')).length === 2 && (await same('both')));
});

test('manifests and links are synced as what they are, before what they stand for', async () => {
  await pair('many');
  for (const gori of [here, there]) await ok(ask(gori, 'PUT', 'parts'));
  const etag = (await ok(ask(here, 'PUT', 'parts/1', {}, 'hello '))).headers.get('etag')!;
  await ok(ask(here, 'PUT', 'many/slo?multipart-manifest=put', {}, JSON.stringify([{ path: 'parts/1', etag, size_bytes: 6 }, { path: 'parts/1', range: '0-3' }])));
  await ok(ask(here, 'PUT', 'many/dlo', { 'X-Object-Manifest': 'parts/1' }, ''));
  await ok(ask(here, 'PUT', 'many/link', { 'X-Symlink-Target': 'parts/1' }, ''));
  await ok(ask(here, 'PUT', 'many/static', { 'X-Symlink-Target': 'parts/1', 'X-Symlink-Target-Etag': etag }, ''));
  await eventually('all are there', async () => (await rows(there, 'many')).length === 4);
  assert.equal((await ask(there, 'GET', 'many/slo')).status, 409, 'its segments are not there yet');
  await ok(ask(there, 'PUT', 'parts/1', {}, 'hello '));
  for (const [name, text] of [['slo', 'hello hell'], ['dlo', 'hello '], ['link', 'hello '], ['static', 'hello ']] as const) assert.equal(await (await ok(ask(there, 'GET', `many/${name}`))).text(), text, name);
  const fields = (list: Row[]): unknown[] => list.map(({ last_modified: _, ...row }) => row);
  assert.deepEqual(fields(await rows(there, 'many')), fields(await rows(here, 'many')));
});

test('where both were written to, the newer wins on both', async () => {
  for (const gori of [here, there]) await ok(ask(gori, 'PUT', 'race', { 'X-Container-Sync-Key': 'secret' }));
  await ok(ask(here, 'PUT', 'race/o', {}, 'older'));
  await ok(ask(there, 'PUT', 'race/o', {}, 'newer'));
  await ok(ask(there, 'PUT', 'race/p', {}, 'older'));
  await ok(ask(here, 'DELETE', 'race/p').then((answer) => (answer.status === 404 ? new Response('') : answer)));
  await pair('race');
  await eventually('both are the same', async () => (await same('race')) && (await (await ask(here, 'GET', 'race/o')).text()) === 'newer');
  assert.equal(await (await ask(there, 'GET', 'race/o')).text(), 'newer');
});

test('a cluster that is away is sent everything when it is back, also by a process that was killed meanwhile', async () => {
  await pair('cut');
  await there.kill();
  for (let i = 0; i < 60; i++) await ok(ask(here, 'PUT', `cut/o${i}`, {}, `data ${i}`));
  await here.restart();
  await there.restart();
  await eventually('some are there', async () => (await rows(there, 'cut')).length > 0, 30_000);
  await here.restart();
  await eventually('all are there', async () => same('cut'), 30_000);
});

describe('requests of a cluster', () => {
  const at = '1700000000.00000';
  const sign = (method: string, path: string, { timestamp = at, realmKey = KEY, userKey = 'secret' } = {}): string => `TRUST n0nce ${createHmac('sha1', realmKey).update([method, path, timestamp, 'n0nce', userKey].join('\n')).digest('hex')}`;
  const put = (auth: string, { name = 'o', method = 'PUT', headers = {}, container = 'in' }: { name?: string; method?: string; headers?: Record<string, string>; container?: string } = {}): Promise<Response> =>
    fetch(`${there.endpoint}/v1/AUTH_test/${container}/${name}`, { method, headers: { 'X-Timestamp': at, 'X-Container-Sync-Auth': auth, ...headers }, ...(method === 'PUT' ? { body: 'x' } : {}) });

  before(async () => {
    await ok(ask(there, 'PUT', 'in', { 'X-Container-Sync-Key': 'secret' }));
    await ok(ask(there, 'PUT', 'keyless'));
  });

  test('are taken with the realm’s keys and the container’s, and keep their time', async () => {
    assert.equal((await put(sign('PUT', '/v1/AUTH_test/in/o'))).status, 201);
    assert.equal((await put(sign('PUT', '/v1/AUTH_test/in/old', { realmKey: 'old key' }), { name: 'old' })).status, 201);
    assert.equal((await ask(there, 'HEAD', 'in/o')).headers.get('x-timestamp'), at);
    assert.equal((await put(sign('HEAD', '/v1/AUTH_test/in/o'), { method: 'HEAD' })).status, 200);
    assert.equal((await put(sign('PUT', '/v1/AUTH_test/in/o'))).status, 409, 'what is as new stays');
    await ok(ask(there, 'PUT', 'in/new', {}, 'newer'));
    assert.equal((await put(sign('PUT', '/v1/AUTH_test/in/new'), { name: 'new' })).status, 409);
    assert.equal((await put(sign('DELETE', '/v1/AUTH_test/in/new'), { name: 'new', method: 'DELETE' })).status, 409);
    assert.equal(await (await ask(there, 'GET', 'in/new')).text(), 'newer');
  });

  test('are refused with another key, path, method, time, realm or container', async () => {
    const path = '/v1/AUTH_test/in/bad';
    const bad: [string, string, Parameters<typeof put>[1]?][] = [
      ['realm key', sign('PUT', path, { realmKey: 'wrong' })],
      ['user key', sign('PUT', path, { userKey: 'wrong' })],
      ['path', sign('PUT', '/v1/AUTH_test/in/other')],
      ['method', sign('DELETE', path)],
      ['time', sign('PUT', path, { timestamp: '1700000001.00000' })],
      ['realm', sign('PUT', path).replace('TRUST', 'OTHER')],
      ['form', 'TRUST x'],
      ['empty key', sign('PUT', '/v1/AUTH_test/keyless/bad', { userKey: '' }), { container: 'keyless' }],
      ['no container', sign('PUT', '/v1/AUTH_test/none/bad'), { container: 'none' }],
      ['POST', sign('POST', path), { method: 'POST' }],
      ['COPY', sign('COPY', path), { method: 'COPY', headers: { Destination: 'in/x' } }],
    ];
    for (const [what, auth, more] of bad) {
      const answer = await put(auth, { name: 'bad', ...more });
      assert.equal(answer.status, 401, what);
      assert.match(answer.headers.get('www-authenticate') ?? '', /^SwiftContainerSync /, what);
    }
    assert.equal((await ask(there, 'HEAD', 'in/bad')).status, 404);
  });

  test('with times or manifests that make no sense are refused, and nothing is stored', async () => {
    for (const timestamp of ['soon', '99999999999.0', '9999999999.00000', '-1']) assert.equal((await put(sign('PUT', '/v1/AUTH_test/in/bad', { timestamp }), { name: 'bad', headers: { 'X-Timestamp': timestamp } })).status, 400, timestamp);
    assert.equal((await put(sign('PUT', '/v1/AUTH_test/in/bad'), { name: 'bad', headers: { 'X-Static-Large-Object': 'True' } })).status, 400);
    assert.equal((await put(sign('PUT', '/v1/AUTH_test/in/bad'), { name: 'bad', headers: { 'X-Symlink-Target': 'nowhere' } })).status, 412);
    assert.equal((await ask(there, 'HEAD', 'in/bad')).status, 404);
  });
});

test('targets are of a known realm and cluster, and containers with versions have none', async () => {
  for (const to of ['https://elsewhere/v1/a/c', '//trust/there/AUTH_test', '//trust/nowhere/AUTH_test/c', '//other/there/AUTH_test/c', '//trust/there/AUTH_test/c/o', '//trust/there//c', 'there']) {
    assert.equal((await ask(here, 'PUT', 'wrong', { 'X-Container-Sync-To': to, 'X-Container-Sync-Key': 'k' })).status, 400, to);
  }
  assert.equal((await ask(here, 'HEAD', 'wrong')).status, 404);
  await ok(ask(here, 'PUT', 'versioned', { 'X-Versions-Enabled': 'true' }));
  assert.equal((await ask(here, 'POST', 'versioned', { 'X-Container-Sync-To': '//trust/there/AUTH_test/c' })).status, 400);
  const { container_sync: info } = (await (await fetch(`${here.endpoint}/info`)).json()) as { container_sync: unknown };
  assert.deepEqual(info, { realms: { TRUST: { clusters: { HERE: { current: true }, THERE: {} } } } });
});

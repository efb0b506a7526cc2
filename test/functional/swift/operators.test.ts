/** What operators decide: read-only clusters and accounts, rates, names that are not wanted, and where things live. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#common';
import { SwiftSession, TestCluster, type Login, type TestClusterOptions } from '../../support/index.ts';
import { ask } from './wire.ts';

interface Place extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly owner: SwiftSession;
  /** A reseller admin, in the owner's account. */
  readonly admin: SwiftSession;
  readonly login: Login;
}

async function open(swift: object, options: TestClusterOptions = {}): Promise<Place> {
  const cluster = await TestCluster.start({ nodes: 3, ...options, swift: swift as Record<string, unknown> });
  const login = await cluster.login();
  const admin = new SwiftSession({ url: login.url, token: (await cluster.login('admin:admin', 'admin')).token });
  return { cluster, login, owner: new SwiftSession(login), admin, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
}

const setReadOnly = async (session: SwiftSession, value: string): Promise<number> => (await session.ask('POST', '', { headers: { 'X-Account-Sysmeta-Read-Only': value } })).status;

test('an account that an operator makes read-only is read and not written, and may be opened again', async () => {
  await using place = await open({});
  const { owner, admin } = place;
  await owner.put('/c');
  await owner.put('/c/o', 'x');
  assert.equal(await setReadOnly(owner, 'true'), 204);
  assert.equal(await owner.put('/c/o', 'y'), 201, 'an owner is no operator');
  assert.equal(await setReadOnly(admin, 'true'), 204);
  for (const [method, path, headers] of [['PUT', '/c', {}], ['PUT', '/c/o', {}], ['POST', '/c/o', {}], ['POST', '', {}], ['DELETE', '/c/o', {}], ['COPY', '/c/o', { Destination: 'c/p' }]] as const) {
    const answer = await owner.ask(method, path, { headers: { ...headers } });
    assert.deepEqual([answer.status, answer.body.toString()], [405, 'Writes are disabled for this account.'], `${method} ${path}`);
  }
  assert.equal((await owner.ask('GET', '/c/o')).status, 200);
  assert.equal((await owner.ask('HEAD', '')).headers.get('x-account-sysmeta-read-only'), null);
  assert.equal((await admin.ask('HEAD', '')).headers.get('x-account-sysmeta-read-only'), 'true');
  assert.equal((await admin.ask('PUT', '/c/o', { body: 'z' })).status, 405);
  assert.equal(await setReadOnly(admin, ''), 204);
  assert.equal(await owner.put('/c/o', 'y'), 201);
});

test('a copy into a read-only account is refused, one out of it is not', async () => {
  await using place = await open({});
  const { cluster, owner, admin } = place;
  const second = await cluster.login('test2:tester2', 'testing2');
  const other = new SwiftSession({ url: second.url, token: (await cluster.login('admin:admin', 'admin')).token });
  for (const session of [owner, other]) await session.put('/c');
  await owner.put('/c/o', 'x');
  assert.equal(await setReadOnly(other, 'true'), 204);
  assert.equal((await admin.ask('COPY', '/c/o', { headers: { Destination: 'c/o', 'Destination-Account': 'AUTH_test2' } })).status, 405);
  assert.equal(await setReadOnly(other, ''), 204);
  assert.equal(await setReadOnly(admin, 'true'), 204);
  assert.equal((await admin.ask('COPY', '/c/o', { headers: { Destination: 'c/o', 'Destination-Account': 'AUTH_test2' } })).status, 201);
});

test('in a read-only cluster an account may be open, and deletions where the operator allows them', async () => {
  await using place = await open({ readOnly: { enabled: true, allowDeletes: true } });
  const { owner, admin, cluster } = place;
  assert.ok('read_only' in ((await (await fetch(`${cluster.endpoint}/info`)).json()) as object));
  assert.equal(await owner.put('/c'), 405);
  assert.equal(await setReadOnly(admin, 'false'), 204);
  assert.equal(await owner.put('/c'), 201);
  assert.equal(await setReadOnly(admin, ''), 204);
  assert.equal(await owner.put('/d'), 405);
  assert.equal((await owner.ask('DELETE', '/c')).status, 204);
});

test('containers beyond an account’s rate wait, and beyond the longest wait are refused', async () => {
  const clock = new ManualClock(Date.now());
  await using place = await open({ rateLimit: { accountPerSecond: 1, maxSleepSeconds: 2, bufferSeconds: 0 } }, { proxyClock: () => clock });
  const { owner } = place;
  assert.equal(await owner.put('/c1'), 201);
  const second = owner.put('/c2');
  let done = false;
  void second.then(() => (done = true));
  assert.equal(await owner.put('/c1/o', 'x'), 201, 'objects are under another limit');
  const refused = await owner.ask('PUT', '/c3');
  assert.deepEqual([refused.status, refused.body.toString()], [498, 'Slow down']);
  assert.equal(done, false);
  clock.wind(1001);
  assert.equal(await second, 201);
});

test('an operator blocks an account, or lets it pass', async () => {
  await using place = await open({ rateLimit: { accountPerSecond: 0.001, maxSleepSeconds: 0.1, bufferSeconds: 0 } });
  const { owner, admin } = place;
  const setRate = async (value: string): Promise<number> => (await admin.ask('POST', '', { headers: { 'X-Account-Sysmeta-Global-Write-Ratelimit': value } })).status;
  assert.equal(await owner.put('/c1'), 201);
  assert.equal(await owner.put('/c2'), 498);
  assert.equal(await setRate('WHITELIST'), 204);
  assert.equal(await owner.put('/c2'), 201);
  assert.equal(await setRate('BLACKLIST'), 204);
  const blocked = await owner.ask('PUT', '/c2/o', { body: 'x' });
  assert.deepEqual([blocked.status, blocked.body.toString()], [497, 'Your account has been blacklisted']);
  assert.equal((await owner.ask('GET', '/c2')).status, 204, 'it may still read');
});

test('names that are not wanted are refused, others are not', async () => {
  await using place = await open({ nameCheck: { enabled: true, maximumLength: 60 } });
  const { owner, login } = place;
  assert.equal(await owner.put('/c'), 201);
  for (const name of ['a%27b', 'a%22b', 'a%60', '%3Cb', 'b%3E', 'y'.repeat(60)]) assert.equal(await owner.put(`/c/${name}`, 'x'), 400, name);
  for (const name of ['plain', '.hidden', 'a..b', 'x/.y', '%ED%95%9C']) assert.equal(await owner.put(`/c/${name}`, 'x'), 201, name);
  // fetch itself would resolve these.
  for (const name of ['./x', 'x/%2E%2E/y', 'x/..']) {
    const { status } = await ask(Number(new URL(login.url).port), `PUT /v1/AUTH_test/c/${name} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${login.token}\r\nContent-Length: 0\r\n\r\n`);
    assert.equal(status, 400, name);
  }
  const answer = await fetch(`${login.url}/c/a%27b`);
  assert.equal(await answer.text(), 'Object/Container/Account name contains forbidden chars from \'"`<>');
});

test('/endpoints says where a name lives, where an operator wants it said', async () => {
  await using place = await open({ listEndpoints: { enabled: true } });
  const { cluster, owner } = place;
  await owner.put('/c');
  const ask = async (path: string, method = 'GET'): Promise<{ status: number; value: unknown }> => {
    const answer = await fetch(`${cluster.endpoint}/endpoints/${path}`, { method });
    const text = await answer.text();
    return { status: answer.status, value: answer.status === 200 ? JSON.parse(text) : text };
  };
  const nodes = cluster.primariesOf({ account: 'AUTH_test', container: 'c', object: 'o o' }).map((node) => `http://127.0.0.1:${node.port}/d1/`);
  const { value } = await ask('v1/AUTH_test/c/o%20o');
  assert.deepEqual((value as string[]).map((url) => url.replace(/\d+\/AUTH_test\/c\/o%20o$/, '')), nodes);
  assert.deepEqual(await ask('AUTH_test/c/o%20o'), { status: 200, value });
  assert.deepEqual((await ask('v2/AUTH_test/c/o%20o')).value, { endpoints: value, headers: { 'X-Backend-Storage-Policy-Index': '0' } });
  assert.match(((await ask('v1/AUTH_test/c')).value as string[])[0]!, /\/AUTH_test\/c$/);
  assert.match(((await ask('v1/AUTH_test')).value as string[])[0]!, /\/AUTH_test$/);
  assert.deepEqual(await ask('v3/AUTH_test'), { status: 400, value: "Unsupported version 'v3'" });
  assert.deepEqual(await ask('v1/'), { status: 400, value: 'No account specified' });
  assert.equal((await ask('v1/AUTH_test', 'PUT')).status, 405);
  await using plain = await open({});
  assert.notEqual((await fetch(`${plain.cluster.endpoint}/endpoints/v1/AUTH_test`)).status, 200);
});

/** Who may do what, over HTTP: account ACLs, service accounts, private headers, tokens, account management. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SwiftSession, TestCluster, type Login } from '../../support/index.ts';

let cluster: TestCluster;
let owner: SwiftSession;
let guest: SwiftSession;
let login: Login;

before(async () => {
  cluster = await TestCluster.start({ swift: { accountManagement: true } });
  login = await cluster.login();
  owner = new SwiftSession(login);
  guest = new SwiftSession({ url: login.url, token: (await cluster.login('test2:tester2', 'testing2')).token });
  assert.equal(await owner.put('/c'), 201);
  assert.equal(await owner.put('/c/o', 'data'), 201);
});

after(() => cluster[Symbol.asyncDispose]());

const grant = async (acl: string): Promise<number> => (await owner.ask('POST', '', { headers: { 'X-Account-Access-Control': acl } })).status;

/** Statuses of what a guest tries, one letter a try. */
async function tries(session: SwiftSession): Promise<Record<string, number>> {
  const ask = async (method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<number> => (await session.ask(method, path, { headers, ...(body !== undefined && { body }) })).status;
  return {
    headAccount: await ask('HEAD', ''),
    postAccount: await ask('POST', '', { 'X-Account-Meta-X': '1' }),
    putContainer: await ask('PUT', '/theirs'),
    postContainer: await ask('POST', '/c', { 'X-Container-Meta-X': '1' }),
    list: await ask('GET', '/c'),
    read: await ask('GET', '/c/o'),
    write: await ask('PUT', '/c/o', {}, 'data'),
  };
}

test('without a grant a stranger may nothing', async () => {
  assert.deepEqual(Object.values(await tries(guest)), [403, 403, 403, 403, 403, 403, 403]);
});

test('read-only grantees look at everything and change nothing', async () => {
  assert.equal(await grant('{"read-only":["test2:tester2"]}'), 204);
  assert.deepEqual(await tries(guest), { headAccount: 204, postAccount: 403, putContainer: 403, postContainer: 403, list: 200, read: 200, write: 403 });
});

test('read-write grantees do everything but change the account', async () => {
  assert.equal(await grant('{"read-write":["test2"]}'), 204);
  assert.deepEqual(await tries(guest), { headAccount: 204, postAccount: 403, putContainer: 201, postContainer: 204, list: 200, read: 200, write: 201 });
});

test('admin grantees see and set the ACL; the others do not see it', async () => {
  assert.equal(await grant('{"admin" : ["test2:tester2"]}'), 204);
  assert.equal((await guest.ask('HEAD', '')).headers.get('x-account-access-control'), '{"admin":["test2:tester2"]}');
  assert.equal((await guest.ask('POST', '', { headers: { 'X-Account-Access-Control': '{"read-write":["test2:tester2"]}' } })).status, 204);
  assert.equal((await guest.ask('HEAD', '')).headers.get('x-account-access-control'), null);
  assert.equal((await owner.ask('HEAD', '')).headers.get('x-account-access-control'), '{"read-write":["test2:tester2"]}');
});

test('a bad ACL is refused and the one before stays', async () => {
  const refused = await owner.ask('POST', '', { headers: { 'X-Account-Access-Control': '{"owner":[]}' } });
  assert.equal(refused.status, 400);
  assert.match(refused.body.toString(), /Key "owner" not recognized/);
  assert.equal((await owner.ask('HEAD', '')).headers.get('x-account-access-control'), '{"read-write":["test2:tester2"]}');
});

const PRIVATE = { 'X-Container-Read': '.r:*', 'X-Container-Write': 'x:y', 'X-Container-Sync-Key': 'secret', 'X-Container-Meta-Temp-Url-Key': 'k1', 'X-Container-Meta-Temp-Url-Key-2': 'k2' };

test('private headers of a container are set and seen by owners, dropped and hidden for others', async () => {
  const shown = async (session: SwiftSession): Promise<(string | null)[]> => {
    const { headers } = await session.ask('HEAD', '/c');
    return Object.keys(PRIVATE).map((name) => headers.get(name));
  };
  assert.equal((await guest.ask('POST', '/c', { headers: PRIVATE })).status, 204);
  assert.deepEqual(await shown(owner), [null, null, null, null, null]);
  assert.equal((await owner.ask('POST', '/c', { headers: PRIVATE })).status, 204);
  assert.deepEqual(await shown(owner), Object.values(PRIVATE));
  assert.deepEqual(await shown(guest), [null, null, null, null, null]);
  const remove = Object.fromEntries(Object.keys(PRIVATE).map((name) => [name.replace('X-', 'X-Remove-'), 'x']));
  assert.equal((await guest.ask('POST', '/c', { headers: remove })).status, 204);
  assert.deepEqual(await shown(owner), Object.values(PRIVATE));
  assert.equal((await owner.ask('POST', '/c', { headers: remove })).status, 204);
  assert.deepEqual(await shown(owner), [null, null, null, null, null]);
});

test('keys of an account are hidden from those who may only look', async () => {
  assert.equal((await owner.ask('POST', '', { headers: { 'X-Account-Meta-Temp-Url-Key': 'k' } })).status, 204);
  assert.equal((await owner.ask('HEAD', '')).headers.get('x-account-meta-temp-url-key'), 'k');
  assert.equal((await guest.ask('HEAD', '')).headers.get('x-account-meta-temp-url-key'), null);
  assert.equal(await grant('{}'), 204);
  assert.equal((await owner.ask('HEAD', '')).headers.get('x-account-access-control'), null);
  assert.equal((await guest.ask('HEAD', '')).status, 403);
});

test('an account of a service opens only to the tokens of its user and of the service together', async () => {
  const url = login.url.replace('AUTH_', 'SERVICE_');
  const service = (await cluster.login('test5:tester5', 'testing5')).token;
  const status = async (method: string, path: string, headers: Record<string, string>): Promise<number> => (await fetch(url + path, { method, headers })).status;
  for (const path of ['', '/c']) {
    assert.equal(await status('GET', path, { 'X-Auth-Token': login.token }), 403);
    assert.equal(await status('GET', path, { 'X-Auth-Token': service }), 403);
    assert.equal(await status('GET', path, { 'X-Auth-Token': service, 'X-Service-Token': service }), 403);
    assert.equal(await status('GET', path, { 'X-Service-Token': service }), 401);
    assert.equal(await status('GET', path, { 'X-Auth-Token': login.token, 'X-Service-Token': `${service}0` }), 403);
  }
  const both = { 'X-Auth-Token': login.token, 'X-Service-Token': service };
  assert.equal(await status('PUT', '/c', both), 201);
  assert.equal(await status('GET', '/c', both), 204);
  assert.equal(await status('PUT', '', both), 403, 'no owner puts an account');
  assert.equal(await status('DELETE', '/c', both), 204);
});

test('a token that is ours and not good is refused; one of others is as none', async () => {
  assert.equal((await owner.ask('POST', '/c', { headers: { 'X-Container-Read': '.r:*' } })).status, 204);
  const status = async (token: string): Promise<number> => (await fetch(`${login.url}/c/o`, { headers: { 'X-Auth-Token': token } })).status;
  assert.equal(await status(`${login.token}0`), 401);
  assert.equal(await status('someone-elses'), 200);
});

test('accounts are put and deleted by reseller admins only', async () => {
  const admin = (await cluster.login('admin:admin', 'admin')).token;
  const ask = async (method: string, account: string, token: string): Promise<number> => (await fetch(login.url.replace(/AUTH_.*/, account), { method, headers: { 'X-Auth-Token': token } })).status;
  assert.equal(await ask('PUT', 'AUTH_fresh', login.token), 403);
  assert.equal(await ask('PUT', 'AUTH_fresh', admin), 201);
  assert.equal(await ask('PUT', 'AUTH_fresh', admin), 202);
  assert.equal(await ask('DELETE', 'AUTH_fresh', login.token), 403);
  assert.equal(await ask('DELETE', 'AUTH_fresh', admin), 204);
  assert.equal(await ask('HEAD', 'AUTH_fresh', admin), 410);
  for (const nobodys of ['AUTH_', 'AUTH_.hidden', 'OTHER_x']) assert.equal(await ask('PUT', nobodys, admin), 403, nobodys);
});

test('accounts are not managed where the operator did not say so', async () => {
  await using plain = await TestCluster.start({ nodes: 3 });
  const { url, token } = await plain.login('admin:admin', 'admin');
  for (const method of ['PUT', 'DELETE']) {
    const answer = await fetch(url.replace(/AUTH_.*/, 'AUTH_x'), { method, headers: { 'X-Auth-Token': token } });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get('allow'), 'GET, HEAD, OPTIONS, POST');
  }
});

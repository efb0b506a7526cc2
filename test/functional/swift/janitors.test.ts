/** Expiry and the end of an account, as clients and operators see them, on the real process. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { bearerOf } from '#storage-node/protocol';
import { eventually } from '../../support/index.ts';
import { GoriProcess } from './gori-process.ts';

let gori: GoriProcess;
let user: { url: string; token: string };
let admin: { url: string; token: string };

before(async () => {
  const janitor = { intervalSeconds: 0.2 };
  gori = await GoriProcess.start({ config: { janitors: { expirer: janitor, accountReaper: janitor }, swift: { accountManagement: true } } });
  user = await gori.login();
  admin = await gori.login('admin:admin', 'admin');
});

after(() => gori[Symbol.asyncDispose]());

async function ask(method: string, url: string, { token = user.token, headers = {}, body }: { token?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Response> {
  return fetch(url, { method, headers: { 'X-Auth-Token': token, ...headers }, ...(body === undefined ? {} : { body }) });
}

test('an expired object is not found from its second on, and its row goes soon after', async () => {
  await ask('PUT', `${user.url}/c`);
  assert.equal((await ask('PUT', `${user.url}/c/o`, { headers: { 'X-Delete-After': '1' }, body: 'x' })).status, 201);
  assert.equal((await (await ask('GET', `${user.url}/c`)).text()).trim(), 'o');
  await eventually('the object is gone', async () => (await ask('GET', `${user.url}/c/o`)).status === 404);
  await eventually('its row is gone', async () => (await (await ask('GET', `${user.url}/c`)).text()) === '');
  assert.equal((await ask('HEAD', `${user.url}/c`)).headers.get('x-container-bytes-used'), '0');
});

test('an account that is deleted with containers in it is gone at once, and emptied', async () => {
  assert.equal((await ask('DELETE', user.url)).status, 403, 'its owner may not');
  assert.equal((await ask('PUT', `${user.url}/c/kept`, { body: 'x' })).status, 201);
  const deleted = await ask('DELETE', user.url, { token: admin.token });
  assert.equal(deleted.status, 204);
  const gone = await ask('GET', user.url);
  assert.equal(gone.status, 410);
  assert.equal(gone.headers.get('x-account-status'), 'Deleted');
  assert.ok((await ask('PUT', `${user.url}/new`)).status >= 400);
  await eventually('it is emptied', async () => (await ask('GET', `${user.url}/c/kept`)).status === 404);
});

test('operators see what janitors did, and nobody else', async () => {
  const { secret } = JSON.parse(await readFile(path.join(gori.directory, 'data', 'cluster.json'), 'utf8')) as { secret: string };
  await eventually('both are told of', async () => {
    const { daemons } = (await (await fetch(`${gori.endpoint}/.gori/recon`, { headers: { authorization: bearerOf(secret) } })).json()) as { daemons: Record<string, { totals: Record<string, number> }> };
    return daemons['expirer']!.totals['expired'] === 1 && daemons['account-reaper']!.totals['accounts'] === 1;
  });
  assert.equal((await fetch(`${gori.endpoint}/.gori/recon`)).status, 404);
});

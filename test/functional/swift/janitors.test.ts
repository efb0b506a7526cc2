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
  gori = await GoriProcess.start({ config: { janitors: { expirer: janitor, accountReaper: janitor, deleter: janitor }, swift: { accountManagement: true, slo: { asyncDelete: true } } } });
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

test('a large object that is deleted with async=on is gone at once, its segments soon', async () => {
  for (const container of ['parts', 'others']) await ask('PUT', `${user.url}/${container}`);
  for (const part of ['parts/1', 'parts/2', 'others/1']) assert.equal((await ask('PUT', `${user.url}/${part}`, { body: 'part' })).status, 201);
  const manifest = (name: string, ...paths: string[]): Promise<Response> => ask('PUT', `${user.url}/c/${name}?multipart-manifest=put`, { body: JSON.stringify(paths.map((path) => ({ path }))) });
  assert.equal((await manifest('large', 'parts/1', 'parts/2', 'parts/1')).status, 201);
  assert.equal((await manifest('mixed', 'parts/1', 'others/1')).status, 201);
  assert.equal((await manifest('nested', 'c/large')).status, 201);
  const remove = (name: string): Promise<Response> => ask('DELETE', `${user.url}/c/${name}?multipart-manifest=delete&async=on`);
  for (const [name, text] of [['mixed', /^All segments must be in one container. Found segments in "parts", "others"$/], ['nested', /^No segments may be large objects.$/]] as const) {
    const refused = await remove(name);
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), text);
    assert.equal((await ask('HEAD', `${user.url}/c/${name}?multipart-manifest=get`)).status, 200);
  }
  assert.equal((await remove('none')).status, 404);
  assert.equal((await remove('large')).status, 204);
  assert.equal((await ask('GET', `${user.url}/c/large`)).status, 404);
  await eventually('its segments are gone', async () => (await (await ask('GET', `${user.url}/parts`)).text()) === '');
  assert.equal((await ask('GET', `${user.url}/others/1`)).status, 200);
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

/** Containers as web sites: index, listings, redirects, the site's own fault pages, and with whose right they are read. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { after, before, test } from 'node:test';
import { SwiftSession, TestCluster } from '../../support/index.ts';

let cluster: TestCluster;
let session: SwiftSession;
let base: string;
let token: string;

before(async () => {
  cluster = await TestCluster.start({ swift: { domainRemap: { storageDomains: ['store.example'] } } });
  const login = await cluster.login();
  base = login.url;
  token = login.token;
  session = new SwiftSession(login);
  for (const container of ['/site', '/private', '/plain']) assert.equal(await session.put(container), 201);
  for (const container of ['/site', '/private']) {
    for (const object of ['/index.html', '/page', '/dir/index.html', '/dir/x', '/bare/x', '/404error.html', '/401error.html', '/style.css']) await session.ask('PUT', container + object, { body: `${object}!`, headers: { 'Content-Type': 'text/html' } });
    await session.ask('PUT', `${container}/marked`, { headers: { 'Content-Type': 'application/directory' } });
    await session.ask('PUT', `${container}/marked/x`, { body: 'x' });
  }
  await session.put('/plain/o', 'plain');
  await session.ask('POST', '/plain', { headers: { 'X-Container-Read': '.r:*' } });
});

after(() => cluster[Symbol.asyncDispose]());

const settings = async (headers: Record<string, string>, container = '/site'): Promise<void> => {
  const all = ['Index', 'Error', 'Listings', 'Listings-Css', 'Listings-Label', 'Directory-Type'].map((name) => [`X-Container-Meta-Web-${name}`, headers[name] ?? '']);
  assert.equal((await session.ask('POST', container, { headers: { ...Object.fromEntries(all) as Record<string, string>, 'X-Container-Read': headers['read'] ?? '.r:*,.rlistings' } })).status, 204);
};

async function visit(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<{ status: number; text: string; location: string | null; type: string | null }> {
  const answer = await fetch(base + path, { method, headers, redirect: 'manual' });
  return { status: answer.status, text: await answer.text(), location: answer.headers.get('location'), type: answer.headers.get('content-type') };
}

test('a container that is no site answers as every container does', async () => {
  assert.deepEqual([(await visit('/plain/o')).text, (await visit('/plain/missing')).status, (await visit('/plain')).status], ['plain', 404, 401]);
});

test('directories show their index, without a slash they lead to it', async () => {
  await settings({ Index: 'index.html' });
  assert.equal((await visit('/site/')).text, '/index.html!');
  assert.equal((await visit('/site/dir/')).text, '/dir/index.html!');
  for (const path of ['/site', '/site/dir']) {
    const { status, location } = await visit(path);
    assert.deepEqual([status, location], [301, `${base}${path}/`]);
  }
  assert.equal((await visit('/site/page')).text, '/page!');
  assert.equal((await visit('/site/dir/', {}, 'HEAD')).status, 200);
  assert.equal((await visit('/site/missing')).status, 404);
  const bare = await visit('/site/bare/');
  assert.deepEqual([bare.status, /Web Listing Disabled/.test(bare.text)], [404, true]);
});

test('where listings are on, a directory without an index is listed', async () => {
  await settings({ Listings: 'true', 'Listings-Css': 'style.css', 'Listings-Label': 'My site' });
  const top = await visit('/site/');
  assert.deepEqual([top.status, top.type], [200, 'text/html; charset=UTF-8']);
  for (const part of ['<title>Listing of My site/</title>', '<a href="dir/">dir/</a>', '<a href="page">page</a>', 'href="style.css"']) assert.ok(top.text.includes(part), part);
  const below = await visit('/site/bare/');
  for (const part of ['Listing of My site/bare/', '<a href="x">x</a>', '<a href="../">../</a>', 'href="../style.css"']) assert.ok(below.text.includes(part), part);
  assert.equal((await visit('/site/bare')).location, `${base}/site/bare/`);
  assert.equal((await visit('/site/nothing/')).status, 404);
  assert.equal((await visit('/site/nothing')).status, 404);
});

test('an object that marks a directory is one', async () => {
  await settings({ Listings: 'true' });
  assert.equal((await visit('/site/marked')).location, `${base}/site/marked/`);
  await settings({ Listings: 'true', 'Directory-Type': 'text/x-dir' });
  assert.deepEqual([(await visit('/site/marked')).status, (await visit('/site/marked')).location], [200, null]);
});

test('faults show the site’s own page and keep their status', async () => {
  await settings({ Index: 'index.html', Error: 'error.html' });
  for (const path of ['/site/missing', '/site/missing/', '/site/bare/']) {
    const { status, text } = await visit(path, { Range: 'bytes=0-1', 'If-None-Match': '*' });
    assert.deepEqual([status, text], [404, '/404error.html!'], path);
  }
  await settings({ Listings: 'true', Error: 'error.html', read: '.r:*' });
  const refused = await visit('/site/');
  assert.deepEqual([refused.status, refused.text], [401, '/401error.html!'], 'who may read objects may not list');
});

test('a private site is shown to nobody but those who may read it, and only where they ask for the web', async () => {
  await settings({ Index: 'index.html', Listings: 'true', Error: 'error.html', read: '' }, '/private');
  for (const path of ['/private', '/private/', '/private/page', '/private/dir', '/private/missing']) assert.equal((await visit(path)).status, 401, path);
  const auth = { 'X-Auth-Token': token };
  assert.match((await visit('/private/', auth)).text, /^401error\.html\n404error\.html\n/m);
  assert.equal((await visit('/private/', { ...auth, 'X-Web-Mode': 'true' })).text, '/index.html!');
  assert.match((await visit('/private/bare/', { ...auth, 'X-Web-Mode': 'true' })).text, /<a href="x">x<\/a>/);
  assert.equal((await visit('/plain', { ...auth, 'X-Web-Mode': 'true' })).status, 404);
});

/** fetch sets Host by itself. */
function atHost(host: string, path: string): Promise<{ status: number | undefined; location: string | undefined }> {
  return new Promise((resolve, reject) => {
    httpRequest(`${cluster.endpoint}${path}`, { headers: { Host: host } }, (answer) => {
      answer.resume().on('end', () => resolve({ status: answer.statusCode, location: answer.headers.location }));
    }).on('error', reject).end();
  });
}

test('a redirect leads back to the host that the browser knows', async () => {
  await settings({ Index: 'index.html' });
  assert.deepEqual(await atHost('auth-test.store.example', '/site'), { status: 301, location: 'http://auth-test.store.example/site/' });
  assert.deepEqual(await atHost('site.auth-test.store.example', '/dir'), { status: 301, location: 'http://site.auth-test.store.example/dir/' });
  assert.equal((await atHost('site.auth-test.store.example', '/')).status, 200);
  assert.equal((await atHost('x.y.auth-test.store.example', '/')).status, 400);
});

test('a temporary URL with a prefix opens the listings below it, with links that open too, and nothing above', async () => {
  await session.ask('POST', '/private', { headers: { 'X-Container-Meta-Temp-URL-Key': 'key' } });
  const expires = Math.floor(Date.now() / 1000) + 60;
  const query = (prefix: string): string => {
    const signature = createHmac('sha256', 'key').update(`GET\n${expires}\nprefix:/v1/AUTH_test/private/${prefix}`).digest('hex');
    return `?temp_url_prefix=${prefix}&temp_url_expires=${expires}&temp_url_sig=${signature}`;
  };
  await settings({ Listings: 'true', read: '' }, '/private');
  const all = query('');
  const root = await visit(`/private/${all}`);
  assert.equal(root.status, 200);
  assert.ok(root.text.includes(`<a href="./page${all.replaceAll('&', '&amp;')}">page</a>`), root.text);
  assert.ok(!root.text.includes('../'));
  assert.deepEqual(await visit(`/private${all}`).then(({ status, location }) => [status, location]), [301, `${base}/private/${all}`]);
  const linked = /href="(\.\/page[^"]*)"/.exec(root.text)![1]!.replaceAll('&amp;', '&');
  assert.equal((await visit(`/private/${linked.slice(2)}`)).text, '/page!');
  const below = query('bare/');
  const directory = await visit(`/private/bare/${below}`);
  assert.equal(directory.status, 200);
  assert.ok(!directory.text.includes('../'), 'what is above is not opened, nor shown');
  for (const path of ['/private/', '/private', '/private/dir/', '/private/page', '/plain/', '/private/bar/']) assert.equal((await visit(path + below)).status, 401, path);
  assert.equal((await visit(`/private/${all.replace(/sig=./, 'sig=0')}x`)).status, 401);
  assert.equal((await visit(`/private/?${new URLSearchParams({ temp_url_sig: createHmac('sha256', 'key').update(`GET\n${expires}\n/v1/AUTH_test/private/`).digest('hex'), temp_url_expires: String(expires) }).toString()}`)).status, 401, 'without a prefix a container is not opened');
  assert.equal((await fetch(`${base}/private/${all}`, { method: 'PUT' })).status, 401);
  await settings({ read: '' }, '/private');
  assert.equal((await visit(`/private/${all}`)).status, 401, 'a container that has no listings shows none');
});

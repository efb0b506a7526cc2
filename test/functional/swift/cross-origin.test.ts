/** Scripts of other origins: preflights, what answers expose, strict mode and the operator's own origins. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SwiftSession, TestCluster } from '../../support/index.ts';

let cluster: TestCluster;
let lax: TestCluster;
let session: SwiftSession;
let other: SwiftSession;

before(async () => {
  [cluster, lax] = await Promise.all([
    TestCluster.start({ swift: { crossdomain: { enabled: true } } }),
    TestCluster.start({ nodes: 3, swift: { cors: { strict: false, allowOrigins: ['https://console.example'], exposeHeaders: ['X-Extra'] } } }),
  ]);
  session = new SwiftSession(await cluster.login());
  other = new SwiftSession(await lax.login());
  for (const one of [session, other]) {
    for (const container of ['/open', '/named', '/closed']) assert.equal(await one.put(container), 201);
    await one.ask('POST', '/open', { headers: { 'X-Container-Meta-Access-Control-Allow-Origin': '*', 'X-Container-Meta-Access-Control-Max-Age': '60' } });
    await one.ask('POST', '/named', { headers: { 'X-Container-Meta-Access-Control-Allow-Origin': 'https://a.example https://b.example', 'X-Container-Meta-Access-Control-Expose-Headers': 'X-Foo  X-Bar' } });
    for (const container of ['/open', '/named', '/closed']) assert.equal((await one.ask('PUT', `${container}/o`, { body: 'x', headers: { 'X-Object-Meta-Colour': 'blue' } })).status, 201);
  }
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  await lax[Symbol.asyncDispose]();
});

const preflight = (path: string, headers: Record<string, string>, one = session) => one.ask('OPTIONS', path, { headers: { 'X-Auth-Token': '', ...headers } });

test('OPTIONS without an origin says what is allowed', async () => {
  for (const [path, allow] of [['', 'DELETE, GET, HEAD, OPTIONS, POST, PUT'], ['/closed', 'DELETE, GET, HEAD, OPTIONS, POST, PUT'], ['/closed/o', 'COPY, DELETE, GET, HEAD, OPTIONS, POST, PUT']] as const) {
    const { status, headers } = await preflight(path, {});
    assert.deepEqual([status, headers.get('allow')], [200, allow]);
  }
});

test('a preflight is allowed for any origin where the container says *', async () => {
  const { status, headers } = await preflight('/open/o', { Origin: 'https://x.example', 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'X-Auth-Token, X-Foo' });
  assert.equal(status, 200);
  assert.equal(headers.get('access-control-allow-origin'), '*');
  assert.equal(headers.get('access-control-max-age'), '60');
  assert.match(headers.get('access-control-allow-methods')!, /\bPUT\b/);
  assert.equal(headers.get('access-control-allow-headers'), 'X-Auth-Token, X-Foo');
  assert.equal(headers.get('vary'), 'Access-Control-Request-Headers');
});

test('a preflight is refused for another origin, without a method, and for a method that is not there', async () => {
  const method = { 'Access-Control-Request-Method': 'GET' };
  assert.equal((await preflight('/named/o', { Origin: 'https://b.example', ...method })).status, 200);
  assert.equal((await preflight('/named/o', { Origin: 'https://b.example', ...method })).headers.get('access-control-allow-origin'), 'https://b.example');
  assert.equal((await preflight('/named/o', { Origin: 'https://c.example', ...method })).status, 401);
  assert.equal((await preflight('/closed/o', { Origin: 'https://a.example', ...method })).status, 401);
  assert.equal((await preflight('/absent/o', { Origin: 'https://a.example', ...method })).status, 401);
  assert.equal((await preflight('/open/o', { Origin: 'https://a.example' })).status, 401);
  assert.equal((await preflight('/open/o', { Origin: 'https://a.example', 'Access-Control-Request-Method': 'BREW' })).status, 401);
});

test('an answer exposes its headers to the origins that are allowed, and to no other', async () => {
  const allowed = await session.ask('GET', '/named/o', { headers: { Origin: 'https://a.example' } });
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://a.example');
  const exposed = allowed.headers.get('access-control-expose-headers')!.split(', ');
  for (const name of ['etag', 'x-trans-id', 'x-object-meta-colour', 'x-foo', 'x-bar']) assert.ok(exposed.includes(name), name);
  assert.equal(allowed.headers.get('vary'), 'Origin');
  for (const [path, origin] of [['/named/o', 'https://c.example'], ['/closed/o', 'https://a.example']] as const) {
    const refused = await session.ask('GET', path, { headers: { Origin: origin } });
    assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [200, null]);
  }
  const missing = await session.ask('GET', '/open/missing', { headers: { Origin: 'https://a.example' } });
  assert.deepEqual([missing.status, missing.headers.get('access-control-allow-origin')], [404, '*']);
  assert.equal((await session.ask('GET', '/named', { headers: { Origin: 'https://a.example' } })).headers.get('vary'), 'Accept, Origin');
});

test('where the mode is not strict every origin is told, and the operator has origins of his own', async () => {
  const { headers } = await other.ask('GET', '/closed/o', { headers: { Origin: 'https://x.example' } });
  assert.equal(headers.get('access-control-allow-origin'), 'https://x.example');
  assert.ok(headers.get('access-control-expose-headers')!.includes('x-extra'));
  const method = { 'Access-Control-Request-Method': 'GET' };
  assert.equal((await preflight('/closed/o', { Origin: 'https://console.example', ...method }, other)).status, 200);
  assert.equal((await preflight('/closed/o', { Origin: 'https://x.example', ...method }, other)).status, 401);
});

test('crossdomain.xml is there where the operator wants it', async () => {
  const answer = await fetch(`${cluster.endpoint}/crossdomain.xml`);
  assert.equal(answer.headers.get('content-type'), 'application/xml');
  assert.match(await answer.text(), /<allow-access-from domain="\*" secure="false" \/>/);
  assert.notEqual((await fetch(`${lax.endpoint}/crossdomain.xml`)).status, 200);
});

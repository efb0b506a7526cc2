/** Clients that send slowly, stop half-way or stop listening: given up after the limits of the configuration, which are low here. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as passed } from 'node:timers/promises';
import { GoriProcess } from './gori-process.ts';
import { Wire } from './wire.ts';

const HEADERS_MS = 500;
const BODY_IDLE_MS = 1500;
const KEEP_ALIVE_MS = 1000;

let gori: GoriProcess;
let base: string;
let handlesAtRest: number;

before(async () => {
  gori = await GoriProcess.start({ limits: { headersTimeoutMs: HEADERS_MS, bodyIdleTimeoutMs: BODY_IDLE_MS, keepAliveTimeoutMs: KEEP_ALIVE_MS } });
  const { token, url } = await gori.login();
  base = `Host: localhost\r\nConnection: close\r\nX-Auth-Token: ${token}\r\n`;
  assert.equal((await fetch(`${url}/c`, { method: 'PUT', headers: { 'X-Auth-Token': token } })).status, 201);
  assert.equal((await fetch(`${url}/c/large`, { method: 'PUT', headers: { 'X-Auth-Token': token }, body: Buffer.alloc(32 << 20) })).status, 201);
  await passed(KEEP_ALIVE_MS + 1000);
  ({ handles: handlesAtRest } = await gori.resources());
});

after(() => gori[Symbol.asyncDispose]());

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const start = performance.now();
  return { result: await work, ms: performance.now() - start };
}

test('a client that says nothing, or never ends its headers, is told that it took too long', async () => {
  for (const bytes of ['', 'P', 'PUT /v1/AUTH_test/c/o HTTP/1.1\r\nHost: localhost\r\nX-Au']) {
    using wire = await Wire.connect(gori.port);
    wire.send(bytes);
    const { result, ms } = await timed(wire.answer());
    assert.equal(result.status, 408, bytes);
    assert.ok(ms >= HEADERS_MS - 100 && ms < 10_000, `${ms} ms`);
    await wire.closed();
  }
});

test('headers that trickle in do not keep a connection for ever', async () => {
  using wire = await Wire.connect(gori.port);
  wire.send('GET /v1/AUTH_test HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
  const trickle = setInterval(() => wire.socket.writable && wire.send('x'), 50);
  try {
    assert.equal((await wire.answer()).status, 408);
  } finally {
    clearInterval(trickle);
  }
});

test('a body that stalls is given up, and nothing of it is stored', async () => {
  for (const [headers, body] of [['Content-Length: 100\r\n', 'x'], ['Content-Length: 10000000\r\n', 'x'.repeat(300_000)], ['Transfer-Encoding: chunked\r\n', '5\r\nhe'], ['Content-Length: 5\r\nExpect: 100-continue\r\n', '']] as const) {
    using wire = await Wire.connect(gori.port);
    wire.send(`PUT /v1/AUTH_test/c/stalled HTTP/1.1\r\n${base}${headers}\r\n${body}`);
    let { result, ms } = await timed(wire.answer());
    if (result.status === 100) ({ result, ms } = await timed(wire.answer()));
    assert.equal(result.status, 408, headers);
    assert.ok(ms >= BODY_IDLE_MS - 200, `${ms} ms`);
    await wire.closed();
  }
  using wire = await Wire.connect(gori.port);
  wire.send(`HEAD /v1/AUTH_test/c/stalled HTTP/1.1\r\n${base}\r\n`);
  assert.equal((await wire.answer({ headless: true })).status, 404);
});

test('a body that comes slowly but steadily is stored', async () => {
  using wire = await Wire.connect(gori.port);
  wire.send(`PUT /v1/AUTH_test/c/slow HTTP/1.1\r\n${base}Content-Length: 8\r\n\r\n`);
  for (let i = 0; i < 8; i++) {
    await passed(BODY_IDLE_MS / 4);
    wire.send(String(i));
  }
  assert.equal((await wire.answer()).status, 201);
});

test('a client that stops reading its download is given up, and one that reads slowly gets it all', async () => {
  const get = `GET /v1/AUTH_test/c/large HTTP/1.1\r\n${base}\r\n`;
  using stalled = await Wire.connect(gori.port);
  stalled.send(get);
  // At the first bytes: on a busy machine all of them could have come before a pause that is merely soon.
  await once(stalled.socket, 'data');
  stalled.socket.pause();
  using slow = await Wire.connect(gori.port);
  slow.send(get);
  for (let i = 0; i < 10; i++) {
    slow.socket.pause();
    await passed(BODY_IDLE_MS / 4);
    slow.socket.resume();
    await passed(5);
  }
  assert.equal((await slow.answer()).body.length, 32 << 20);
  stalled.socket.resume();
  const { length } = await stalled.closed();
  assert.ok(length < 32 << 20, `${length} bytes came in the end`);
});

test('a connection without requests is closed after a while, and none of the slow ones is left', async () => {
  using wire = await Wire.connect(gori.port);
  wire.send('GET /healthcheck HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.equal((await wire.answer()).status, 200);
  const { ms } = await timed(wire.closed());
  assert.ok(ms >= KEEP_ALIVE_MS - 100 && ms < KEEP_ALIVE_MS + 5000, `${ms} ms`);
  await passed(500);
  const { handles } = await gori.resources();
  assert.ok(handles <= handlesAtRest, `${handles} handles, ${handlesAtRest} at rest`);
  assert.deepEqual(gori.complaints, []);
});

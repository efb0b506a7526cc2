/** Many clients at once that do nothing, or go away in the middle: what they cost is bounded, and is given back when they are gone. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { setTimeout as passed } from 'node:timers/promises';
import { GoriProcess } from './gori-process.ts';
import { ask, Wire } from './wire.ts';

const CONNECTIONS = 10_000;
/** What an idle connection may cost the server: sockets of both ends, a parser, timers. */
const BYTES_A_CONNECTION = 24 * 1024;
const ABORTED = Number(process.env['GORI_TEST_ABORTED'] ?? 400);

const openFiles = Number(spawnSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout.trim().replace('unlimited', 'Infinity'));
const tooFew = openFiles < CONNECTIONS + 2000 && `a process may have only ${openFiles} open files here`;

let gori: GoriProcess;
let base: string;

before(async () => {
  gori = await GoriProcess.start({ ...(tooFew === false && { openFiles: CONNECTIONS + 2000 }), limits: { headersTimeoutMs: 120_000 } });
  const { token, url } = await gori.login();
  base = `Host: localhost\r\nX-Auth-Token: ${token}\r\n`;
  assert.equal((await fetch(`${url}/c`, { method: 'PUT', headers: { 'X-Auth-Token': token } })).status, 201);
  assert.equal((await fetch(`${url}/c/large`, { method: 'PUT', headers: { 'X-Auth-Token': token }, body: Buffer.alloc(8 << 20) })).status, 201);
});

after(() => gori[Symbol.asyncDispose]());

/** Does the work for every number below `count`, at most `atOnce` at a time. */
async function many(count: number, atOnce: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < count) await work(next++);
  }));
}

/** Handles of the server once they have sunk to `wanted`, or after some seconds. */
async function handlesNear(wanted: number): Promise<number> {
  for (let i = 0; ; i++) {
    const { handles } = await gori.resources();
    if (handles <= wanted || i === 100) return handles;
    await passed(100);
  }
}

test(`${CONNECTIONS} idle connections cost little, the next request is served at once, and all is given back`, { skip: tooFew }, async (t) => {
  const before = await gori.resources();
  const wires: Wire[] = [];
  try {
    await many(CONNECTIONS, 100, async (i) => {
      const wire = await Wire.connect(gori.port);
      wires.push(wire);
      // Half of them have asked something before they fell silent.
      if (i % 2 === 0) return;
      wire.send('GET /healthcheck HTTP/1.1\r\nHost: localhost\r\n\r\n');
      assert.equal((await wire.answer()).status, 200);
    });
    const during = await gori.resources();
    assert.ok(during.handles >= CONNECTIONS, `${during.handles} handles`);
    const each = (during.residentBytes - before.residentBytes) / CONNECTIONS;
    const start = performance.now();
    assert.equal((await ask(gori.port, `GET /v1/AUTH_test/c?limit=1 HTTP/1.1\r\n${base}\r\n`)).status, 200);
    const ms = performance.now() - start;
    t.diagnostic(`${Math.round(each)} bytes a connection, the next request took ${Math.round(ms)} ms`);
    assert.ok(each < BYTES_A_CONNECTION, `${each} bytes a connection`);
    assert.ok(ms < 1000, `${ms} ms`);
  } finally {
    for (const wire of wires) wire[Symbol.dispose]();
  }
  const left = await handlesNear(before.handles + 5);
  assert.ok(left <= before.handles + 5, `${left} handles, ${before.handles} before`);
  assert.deepEqual(gori.complaints, []);
});

/** One client that goes away in the middle of something. */
async function leave(i: number): Promise<void> {
  using wire = await Wire.connect(gori.port);
  const kind = i % 4;
  if (kind === 0) wire.send(`PUT /v1/AUTH_test/c/gone-${i} HTTP/1.1\r\n${base}Content-Length: 60000\r\n\r\n${'x'.repeat(1000)}`);
  if (kind === 1) wire.send(`PUT /v1/AUTH_test/c/gone-${i} HTTP/1.1\r\n${base}Content-Length: 9000000\r\n\r\n${'x'.repeat(500_000)}`);
  if (kind === 2) wire.send(`PUT /v1/AUTH_test/c/gone-${i} HTTP/1.1\r\n${base}Transfer-Encoding: chunked\r\n\r\n30000\r\n${'x'.repeat(0x30000)}\r\n5\r\nhe`);
  if (kind === 3) wire.send(`GET /v1/AUTH_test/c/large HTTP/1.1\r\n${base}\r\n`);
  await passed(5 + (i % 7) * 5);
  if (i % 2 === 0) wire.socket.resetAndDestroy();
}

test('uploads and downloads that break off, by the hundreds, leave nothing behind', async (t) => {
  // As many as are measured afterwards, so that pools and the heap have grown to what this work wants.
  await many(ABORTED, 20, leave);
  await passed(1000);
  const before = await gori.resources();
  const rest = before.handles;
  await many(ABORTED, 20, leave);
  const left = await handlesNear(rest);
  // What a collector has yet to collect goes within seconds; what is leaked stays.
  let after = await gori.resources();
  for (let i = 0; i < 20 && after.residentBytes >= before.residentBytes + (100 << 20); i++) {
    await passed(1000);
    after = await gori.resources();
  }
  t.diagnostic(`handles ${rest} -> ${left}, resident ${Math.round(before.residentBytes / 2 ** 20)} -> ${Math.round(after.residentBytes / 2 ** 20)} MiB`);
  // The engine opens a volume file now and then; four hundred leaked readers or writers would be many more.
  assert.ok(left <= rest + 20, `${left} handles, ${rest} before`);
  assert.ok(after.residentBytes < before.residentBytes + (100 << 20), `${after.residentBytes} bytes resident, ${before.residentBytes} before`);
  const listing = await ask(gori.port, `GET /v1/AUTH_test/c HTTP/1.1\r\n${base}\r\n`);
  assert.equal(listing.body.toString(), 'large\n');
  assert.deepEqual(gori.complaints, []);
});

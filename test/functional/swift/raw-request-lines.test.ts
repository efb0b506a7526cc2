/**
 * Targets with raw bytes beyond ASCII, as old clients send them: taken where they can be read in one way only. What tries to have them read in
 * two ways gets a refusal, and nothing that it hides is done.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as passed } from 'node:timers/promises';
import { GoriProcess } from './gori-process.ts';
import { ask, Wire, type Answer } from './wire.ts';

const HAN = '\xed\x95\x9c';
const ESCAPED = '%ED%95%9C';

let gori: GoriProcess;
let base: string;

before(async () => {
  gori = await GoriProcess.start({ limits: { keepAliveTimeoutMs: 2000, bodyIdleTimeoutMs: 2000 } });
  base = `Host: localhost\r\nX-Auth-Token: ${(await gori.login()).token}\r\n`;
  assert.equal((await request('PUT', '/v1/AUTH_test/c')).status, 201);
});

afterEach(async () => {
  assert.ok(gori.alive);
  assert.deepEqual(gori.complaints, [], 'nothing of it was a fault of the server');
  assert.equal((await request('HEAD', '/v1/AUTH_test/smuggled')).status, 404, 'nothing hidden was done');
});

after(() => gori[Symbol.asyncDispose]());

const text = (method: string, target: string, headers = '', body = ''): string => `${method} ${target} HTTP/1.1\r\n${base}Content-Length: ${body.length}\r\n${headers}\r\n${body}`;
const request = (method: string, target: string, headers = '', body = ''): Promise<Answer> => ask(gori.port, text(method, target, headers, body), { headless: method === 'HEAD' });
const smuggled = (): string => text('PUT', '/v1/AUTH_test/smuggled');

describe('raw targets', () => {
  test('name what the escaped ones name, for every method', async () => {
    assert.equal((await request('PUT', `/v1/AUTH_test/c/${HAN}`, '', 'hello')).status, 201);
    assert.equal((await request('GET', `/v1/AUTH_test/c/${ESCAPED}`)).body.toString(), 'hello');
    assert.equal((await request('GET', `/v1/AUTH_test/c/${HAN}`)).body.toString(), 'hello');
    assert.equal((await request('HEAD', `/v1/AUTH_test/c/${HAN}`)).status, 200);
    assert.equal((await request('POST', `/v1/AUTH_test/c/${HAN}`, 'X-Object-Meta-A: b\r\n')).status, 202);
    assert.equal((await request('COPY', `/v1/AUTH_test/c/${HAN}`, 'Destination: c/copy\r\n')).status, 201);
    assert.equal((await request('GET', `/v1/AUTH_test/c?prefix=${HAN}`)).body.toString('latin1'), `${HAN}\n`);
    assert.equal((await request('DELETE', `/v1/AUTH_test/c/${HAN}`)).status, 204);
  });

  test('that are not UTF-8 are refused as their escaped form is', async () => {
    for (const name of ['\xff', '\xed\x95', '\xc0\xaf']) assert.equal((await request('PUT', `/v1/AUTH_test/c/${name}`)).status, 412);
  });

  test('end their connection; those before them on it do not', async () => {
    using wire = await Wire.connect(gori.port);
    for (let i = 0; i < 3; i++) {
      wire.send(text('GET', '/v1/AUTH_test/c'));
      assert.equal((await wire.answer()).headers.get('connection'), undefined);
    }
    wire.send(text('GET', `/v1/AUTH_test/c/${HAN}`));
    const answer = await wire.answer();
    assert.equal(answer.status, 404);
    assert.equal(answer.headers.get('connection'), 'close');
    assert.equal((await wire.closed()).length, 0);
  });

  test('take bodies in many packets, chunked bodies, and expectations', async () => {
    const body = 'x'.repeat(3_000_000);
    using large = await Wire.connect(gori.port);
    large.send(`PUT /v1/AUTH_test/c/${HAN}1 HTTP/1.1\r\n${base}Content-Length: ${body.length}\r\n\r\n`);
    for (let at = 0; at < body.length; at += 500_000) {
      await passed(5);
      large.send(body.slice(at, at + 500_000));
    }
    assert.equal((await large.answer()).status, 201);
    assert.equal((await request('GET', `/v1/AUTH_test/c/${HAN}1`)).body.length, body.length);
    assert.equal((await ask(gori.port, `PUT /v1/AUTH_test/c/${HAN}2 HTTP/1.1\r\n${base}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`)).status, 201);
    using expecting = await Wire.connect(gori.port);
    expecting.send(`PUT /v1/AUTH_test/c/${HAN}3 HTTP/1.1\r\n${base}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    assert.equal((await expecting.answer()).status, 100);
    expecting.send('hello');
    assert.equal((await expecting.answer()).status, 201);
  });

  test('whose client goes silent or away leave nothing open', async () => {
    const before = await gori.resources();
    const silent = await Promise.all(Array.from({ length: 20 }, () => Wire.connect(gori.port)));
    for (const [i, wire] of silent.entries()) {
      wire.send(`PUT /v1/AUTH_test/c/${HAN}4 HTTP/1.1\r\n${base}Content-Length: 50\r\n\r\nhello`);
      if (i % 2 === 0) setTimeout(() => wire.socket.destroy(), 100);
    }
    for (const wire of silent) await wire.closed();
    assert.equal((await request('HEAD', `/v1/AUTH_test/c/${HAN}4`)).status, 404);
    assert.ok((await gori.resources()).handles <= before.handles + 2);
  });
});

describe('what hides a request', () => {
  test('behind a raw one is not done', async () => {
    using wire = await Wire.connect(gori.port);
    wire.send(text('GET', `/v1/AUTH_test/c/${HAN}`) + smuggled());
    assert.equal((await wire.answer()).status, 404);
    assert.equal((await wire.closed()).length, 0);
  });

  test('behind a raw one that is behind another is refused', async () => {
    using wire = await Wire.connect(gori.port);
    wire.send(text('GET', '/v1/AUTH_test/c') + text('GET', `/v1/AUTH_test/c/${HAN}`) + smuggled());
    assert.ok((await wire.answer()).status < 300);
    await wire.closed();
  });

  test('in a body that looks like a raw request is data', async () => {
    const hidden = text('PUT', `/v1/AUTH_test/c/${HAN}hidden`) + smuggled();
    assert.equal((await request('PUT', '/v1/AUTH_test/c/body', '', hidden)).status, 201);
    using wire = await Wire.connect(gori.port);
    wire.send(`PUT /v1/AUTH_test/c/body HTTP/1.1\r\n${base}Content-Length: ${hidden.length}\r\n\r\n`);
    await passed(50);
    wire.send(hidden);
    assert.equal((await wire.answer()).status, 201);
    assert.equal((await request('HEAD', `/v1/AUTH_test/c/${ESCAPED}hidden`)).status, 404);
  });

  test('in the end of a body, in the packet of a raw request, is refused', async () => {
    for (const rest of ['GET /v1/AUTH_test/c HTTP/1.1\r\n\r\n', 'x', 'P', 'GET /', 'GET / HTTP/1.1\r\n']) {
      using wire = await Wire.connect(gori.port);
      // Refused before its body, which the server then still reads: the answer is sent when the rest comes.
      wire.send(`PUT /v1/AUTH_test/none/o HTTP/1.1\r\n${base}Content-Length: ${rest.length + 1}\r\n\r\nx`);
      assert.equal((await wire.answer()).status, 404);
      wire.send(rest + text('PUT', `/v1/AUTH_test/${HAN}smuggled`) + smuggled());
      const statuses = /HTTP\/1\.1 \d+/g[Symbol.match]((await wire.closed()).toString('latin1')) ?? [];
      assert.ok(statuses.every((status) => status === 'HTTP/1.1 412'), `${rest}: ${statuses.join()}`);
      assert.equal((await request('HEAD', `/v1/AUTH_test/${ESCAPED}smuggled`)).status, 404, rest);
    }
  });

  test('in lines that come in pieces is refused', async () => {
    const whole = text('GET', `/v1/AUTH_test/c/${HAN}`);
    for (const at of [2, 4, 10, whole.indexOf(HAN), whole.indexOf(HAN) + 1, whole.indexOf(' HTTP/'), whole.indexOf('\r\n') + 1]) {
      using wire = await Wire.connect(gori.port);
      wire.send(whole.slice(0, at));
      await passed(30);
      wire.send(whole.slice(at) + smuggled());
      assert.equal((await wire.answer()).status, 412, `cut at ${at}`);
      await wire.closed();
    }
  });

  test('in a second raw line is not done', async () => {
    using wire = await Wire.connect(gori.port);
    wire.send(text('PUT', `/v1/AUTH_test/c/${HAN}5`) + text('PUT', `/v1/AUTH_test/${HAN}`) + smuggled());
    assert.equal((await wire.answer()).status, 201);
    await wire.closed();
    assert.equal((await request('HEAD', `/v1/AUTH_test/${ESCAPED}`)).status, 404);
  });

  test('between lengths that contradict each other is refused as ever', async () => {
    for (const headers of ['Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', 'Content-Length: 5\r\nContent-Length: 6\r\n', 'Connection: keep-alive\r\nContent-Length: 1\r\nContent-Length: 1\r\n']) {
      assert.equal((await ask(gori.port, `PUT /v1/AUTH_test/c/${HAN} HTTP/1.1\r\n${base}${headers}\r\n${smuggled()}`)).status, 400, headers);
    }
    using wire = await Wire.connect(gori.port);
    wire.send(text('GET', `/v1/AUTH_test/c/${HAN}`, 'Connection: keep-alive\r\n') + smuggled());
    assert.equal((await wire.answer()).headers.get('connection'), 'close', 'whatever the client asks for');
    await wire.closed();
  });
});

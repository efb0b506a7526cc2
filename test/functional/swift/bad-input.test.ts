/** What no polite client sends: it is told what is wrong, the server goes on, and the next request is served. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as passed } from 'node:timers/promises';
import { GoriProcess } from './gori-process.ts';
import { ask, Wire, type Answer } from './wire.ts';

let gori: GoriProcess;
let token: string;
let base: string;

before(async () => {
  gori = await GoriProcess.start();
  ({ token } = await gori.login());
  base = `Host: localhost\r\nX-Auth-Token: ${token}\r\n`;
  for (const target of ['/v1/AUTH_test/c', '/v1/AUTH_test/c/o']) assert.equal((await request('PUT', target, 'Content-Length: 5\r\n', 'hello')).status, 201);
});

afterEach(async () => {
  assert.ok(gori.alive);
  assert.equal((await request('GET', '/v1/AUTH_test/c/o')).body.toString(), 'hello', 'the next request is served');
  assert.deepEqual(gori.complaints, [], 'nothing of it was a fault of the server');
});

after(() => gori[Symbol.asyncDispose]());

function request(method: string, target: string, headers = '', body = ''): Promise<Answer> {
  return ask(gori.port, `${method} ${target} HTTP/1.1\r\n${base}${headers}\r\n${body}`, { headless: method === 'HEAD' });
}

const put = (headers: string, body = ''): string => `PUT /v1/AUTH_test/c/bad HTTP/1.1\r\n${base}${headers}\r\n${body}`;

async function exists(name: string): Promise<boolean> {
  return (await request('HEAD', `/v1/AUTH_test/c/${name}`)).status === 200;
}

describe('bodies', () => {
  test('a body with another checksum than it says is refused, and nothing is stored', async () => {
    const wrong = 'ETag: 00000000000000000000000000000000\r\n';
    for (const size of [5, 100_000]) {
      assert.equal((await request('PUT', '/v1/AUTH_test/c/bad', `${wrong}Content-Length: ${size}\r\n`, 'x'.repeat(size))).status, 422);
      assert.equal((await request('PUT', '/v1/AUTH_test/c/bad', `${wrong}Transfer-Encoding: chunked\r\n`, `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`)).status, 422);
    }
    assert.equal(await exists('bad'), false);
  });

  test('a body that ends early is not stored, whether small, large or chunked', async () => {
    for (const [headers, body] of [
      ['Content-Length: 10\r\n', 'short'],
      ['Content-Length: 1000000\r\n', 'x'.repeat(200_000)],
      ['Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n'],
      ['Transfer-Encoding: chunked\r\n', `30d40\r\n${'x'.repeat(200_000)}\r\n`],
      ['Transfer-Encoding: chunked\r\n', '5\r\nhe'],
    ] as const) {
      using wire = await Wire.connect(gori.port);
      wire.send(put(headers, body));
      wire.socket.end();
      await wire.closed();
      assert.equal(await exists('bad'), false, headers);
    }
  });

  test('a body without a length is asked for one, and one beyond the limit is refused before it is sent', async () => {
    assert.equal((await request('PUT', '/v1/AUTH_test/c/bad')).status, 411);
    assert.equal((await request('PUT', '/v1/AUTH_test/c/bad', 'Content-Length: 5368709123\r\n')).status, 413);
    assert.equal((await request('PUT', '/v1/AUTH_test/c/bad', 'Content-Length: 5368709123\r\nExpect: 100-continue\r\n')).status, 413);
  });

  test('impossible chunks are refused at once', async () => {
    for (const chunk of ['ffffffffffffffffff\r\n', 'zz\r\n', '-5\r\nhello\r\n', '5;x\nhello\r\n', '0x5\r\nhello\r\n', '5\r\nhelloworld\r\n', ` 5\r\nhello\r\n0\r\n\r\n`, `5;${'e'.repeat(20_000)}\r\nhello\r\n`]) {
      assert.equal((await ask(gori.port, put('Transfer-Encoding: chunked\r\n', chunk))).status, 400, chunk.slice(0, 30));
    }
    assert.equal(await exists('bad'), false);
    assert.equal((await ask(gori.port, put('Transfer-Encoding: gzip, chunked\r\n', 'no chunk'))).status, 501, 'what was refused for another reason is told that one');
  });

  test('requests that have no use for a body take none, and the connection goes on', async () => {
    using wire = await Wire.connect(gori.port);
    for (const method of ['HEAD', 'GET', 'DELETE', 'POST']) {
      wire.send(`${method} /v1/AUTH_test/c/none HTTP/1.1\r\n${base}Content-Length: 5\r\n\r\nhello`);
      assert.equal((await wire.answer({ headless: method === 'HEAD' })).status, 404, method);
    }
    wire.send(`GET /v1/AUTH_test/c/o HTTP/1.1\r\n${base}\r\n`);
    assert.equal((await wire.answer()).body.toString(), 'hello');
  });

  test('a refused expectation is told before the body, and 100 Continue only where the body is wanted', async () => {
    using refused = await Wire.connect(gori.port);
    refused.send(`PUT /v1/AUTH_other/c/o HTTP/1.1\r\n${base}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    assert.equal((await refused.answer()).status, 403);
    using wanted = await Wire.connect(gori.port);
    wanted.send(`PUT /v1/AUTH_test/c/expected HTTP/1.1\r\n${base}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    assert.equal((await wanted.answer()).status, 100);
    wanted.send('hello');
    assert.equal((await wanted.answer()).status, 201);
    assert.equal((await request('GET', '/v1/AUTH_test/c/o', 'Expect: something-else\r\n')).status, 417);
  });

  test('a refusal comes through whole to a client that is still sending', async () => {
    using wire = await Wire.connect(gori.port);
    wire.send(`PUT /v1/AUTH_other/c/o HTTP/1.1\r\n${base}Content-Length: 30000000\r\n\r\n`);
    assert.equal((await wire.answer()).status, 403);
    const block = Buffer.alloc(1_000_000);
    for (let i = 0; i < 30; i++) {
      // Asked before each: when the last has come there is nothing left to wait for.
      assert.ok(wire.open, `cut after ${i} MB`);
      wire.send(block);
      await passed(1);
    }
    assert.equal((await wire.closed()).length, 0);
  });
});

describe('framing', () => {
  test('lengths that are doubled, in conflict, or no numbers are refused', async () => {
    for (const headers of ['Content-Length: 5\r\nContent-Length: 5\r\n', 'Content-Length: 5\r\nContent-Length: 6\r\n', 'Content-Length: 5, 5\r\n', 'Content-Length: -1\r\n', 'Content-Length: +5\r\n', 'Content-Length: 0x5\r\n', 'Content-Length: 99999999999999999999999\r\n', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', 'Content-Length :5\r\n']) {
      assert.equal((await ask(gori.port, put(headers, 'hello'))).status, 400, headers);
    }
    assert.equal(await exists('bad'), false);
  });

  test('transfer codings that might be read two ways are refused', async () => {
    for (const coding of ['gzip', 'chunked, gzip', 'xchunked', '"chunked"', 'chunked, chunked', 'identity', 'gzip, chunked', 'chunked;q=1']) {
      const { status } = await ask(gori.port, put(`Transfer-Encoding: ${coding}\r\n`, '5\r\nhello\r\n0\r\n\r\n'));
      assert.ok(status === 400 || status === 501, `${coding}: ${status}`);
    }
    for (const header of ['Transfer-Encoding : chunked', 'Transfer-Encoding\t: chunked', 'X: y\r\n Transfer-Encoding: chunked', 'X: y\rTransfer-Encoding: chunked', 'X: y\nTransfer-Encoding: chunked', 'Transfer-Encoding:\x0bchunked']) {
      const { status } = await ask(gori.port, put(`Content-Length: 5\r\n${header}\r\n`, 'hello'));
      assert.ok(status === 400 || status === 501, `${JSON.stringify(header)}: ${status}`);
    }
    assert.equal(await exists('bad'), false);
  });

  test('what follows a refused frame on the connection is never taken for a request', async () => {
    using wire = await Wire.connect(gori.port);
    wire.send(put('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\nPUT /v1/AUTH_test/c/smuggled HTTP/1.1\r\n${base}Content-Length: 0\r\n\r\n`));
    assert.equal((await wire.answer()).status, 400);
    assert.equal((await wire.closed()).length, 0);
    assert.equal(await exists('smuggled'), false);
  });

  test('what is no HTTP is told so', async () => {
    const cases: readonly (readonly [string, number])[] = [
      ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
      ['SSH-2.0-OpenSSH_9.2\r\n', 400],
      ['GET / HTTP/9.9\r\n\r\n', 400],
      ['get_base /v1/AUTH_test HTTP/1.1\r\nHost: h\r\n\r\n', 405],
      ['BREW /v1/AUTH_test HTTP/1.1\r\nHost: h\r\n\r\n', 405],
      ['PROPFIND /v1/AUTH_test HTTP/1.1\r\nHost: h\r\n\r\n', 405],
      ['GET /v1/AUTH_test HTTP/1.1\r\nHost: h\r\nBad Name: x\r\n\r\n', 400],
      ['GET /v1/AUTH_test HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n', 400],
      ['GET /v1/AUTH_test HTTP/1.1\r\nHost: h\r\n: nameless\r\n\r\n', 400],
      ['CONNECT example.com:80 HTTP/1.1\r\nHost: h\r\n\r\n', 405],
    ];
    for (const [bytes, status] of cases) {
      const answer = await ask(gori.port, bytes).catch((error: Error) => error.message);
      assert.equal(typeof answer === 'string' ? answer : answer.status, status, JSON.stringify(bytes));
    }
  });

  test('pipelined requests are answered in order, up to one that is none', async () => {
    using wire = await Wire.connect(gori.port);
    const get = `GET /v1/AUTH_test/c/o HTTP/1.1\r\n${base}\r\n`;
    wire.send(get + put('Content-Length: 3\r\n', 'abc') + `DELETE /v1/AUTH_test/c/bad HTTP/1.1\r\n${base}\r\n` + get + 'garbage\r\n\r\n' + get);
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await wire.answer()).status);
    assert.deepEqual(statuses, [200, 201, 204, 200]);
    await wire.closed();
  });

  test('a hundred pipelined uploads and downloads are all answered', async () => {
    using wire = await Wire.connect(gori.port);
    wire.send(Array.from({ length: 50 }, (_, i) => `PUT /v1/AUTH_test/c/pipe HTTP/1.1\r\n${base}Content-Length: 3\r\n\r\n${String(100 + i)}GET /v1/AUTH_test/c/pipe HTTP/1.1\r\n${base}\r\n`).join(''));
    for (let i = 0; i < 50; i++) {
      assert.equal((await wire.answer()).status, 201);
      assert.equal((await wire.answer()).body.toString(), String(100 + i));
    }
  });

  test('a client that sends thousands of requests before it reads gets every answer', async () => {
    using wire = await Wire.connect(gori.port);
    wire.send(`GET /v1/AUTH_test/c/o HTTP/1.1\r\n${base}\r\n`.repeat(3000) + put('Content-Length: 3\r\n', 'end') + `DELETE /v1/AUTH_test/c/bad HTTP/1.1\r\n${base}\r\n`);
    for (let i = 0; i < 3000; i++) assert.equal((await wire.answer()).body.toString(), 'hello');
    assert.equal((await wire.answer()).status, 201);
    assert.equal((await wire.answer()).status, 204);
  });

  test('errors leave the connection usable', async () => {
    using wire = await Wire.connect(gori.port);
    for (const [target, status] of [['/v1/AUTH_test/none', 404], ['/v1/AUTH_test/c/%ff', 412], ['/v1/AUTH_test/c?limit=10001', 412], ['/v2/AUTH_test', 400], ['/v1/AUTH_other', 403], ['/', 412], ['//', 404], ['/v1//c/o', 404]] as const) {
      wire.send(`GET ${target} HTTP/1.1\r\n${base}\r\n`);
      assert.equal((await wire.answer()).status, status, target);
    }
    wire.send(`GET /v1/AUTH_test/c/o HTTP/1.1\r\n${base}\r\n`);
    assert.equal((await wire.answer()).body.toString(), 'hello');
  });

  test('the absolute form of a target names the same object', async () => {
    assert.equal((await request('GET', 'http://localhost:1234/v1/AUTH_test/c/o')).body.toString(), 'hello');
    assert.equal((await request('GET', 'http://localhost/healthcheck')).status, 200);
    for (const target of ['http://[::1', 'http://a:b:c/', 'http:///', '*', 'x']) assert.ok((await request('GET', target)).status < 500, target);
  });
});

describe('names', () => {
  test('names that are too long are refused, and the longest are not', async () => {
    const container = (length: number): Promise<Answer> => request('PUT', `/v1/AUTH_test/${'c'.repeat(length)}`, 'Content-Length: 0\r\n');
    const object = (length: number): Promise<Answer> => request('PUT', `/v1/AUTH_test/c/${'o'.repeat(length)}`, 'Content-Length: 0\r\n');
    assert.deepEqual([(await container(256)).status, (await container(257)).status], [201, 400]);
    assert.deepEqual([(await object(1024)).status, (await object(1025)).status], [201, 400]);
    assert.equal((await request('PUT', `/v1/AUTH_test/c/${'%ED%95%9C'.repeat(341)}`, 'Content-Length: 0\r\n')).status, 201);
    assert.equal((await request('PUT', `/v1/AUTH_test/c/${'%ED%95%9C'.repeat(342)}`, 'Content-Length: 0\r\n')).status, 400);
    assert.equal((await request('GET', `/v1/AUTH_test/c/${'o'.repeat(60_000)}`)).status, 404);
    assert.equal((await request('GET', `/v1/AUTH_test/c/${'o'.repeat(70_000)}`)).status, 400);
  });

  test('names that are no UTF-8 or hold a NUL are refused wherever they stand', async () => {
    for (const name of ['%00', 'a%00b', '%ff', '%c3', '%c0%80', '%ed%a0%80', '%f4%90%80%80']) {
      for (const method of ['PUT', 'GET', 'DELETE']) {
        assert.equal((await request(method, `/v1/AUTH_test/c/${name}`, 'Content-Length: 0\r\n')).status, 412, `${method} ${name}`);
        assert.equal((await request(method, `/v1/AUTH_test/${name}`, 'Content-Length: 0\r\n')).status, 412, `${method} ${name}`);
      }
      assert.equal((await request('COPY', '/v1/AUTH_test/c/o', `Destination: c/${name}\r\n`)).status, 412, `Destination ${name}`);
      assert.equal((await request('COPY', '/v1/AUTH_test/c/o', `Destination: c/x\r\nDestination-Account: ${name}\r\n`)).status, 412, `Destination-Account ${name}`);
      assert.equal((await request('PUT', '/v1/AUTH_test/c/x', `Content-Length: 0\r\nX-Copy-From: c/${name}\r\n`)).status, 412, `X-Copy-From ${name}`);
    }
    assert.equal(await exists('x'), false);
  });

  test('dots and slashes are parts of names and lead nowhere', async () => {
    const names = ['.', '..', '../..', '../../../../etc/passwd', '..%2f..%2fetc%2fpasswd', '%2e%2e/x', '/', '//', 'a//b', '%2fx', 'x/', '..;/x', '..%5c..'];
    for (const [i, name] of names.entries()) assert.equal((await request('PUT', `/v1/AUTH_test/c/${name}`, 'Content-Length: 2\r\n', String(10 + i))).status, 201, name);
    for (const [i, name] of names.entries()) assert.equal((await request('GET', `/v1/AUTH_test/c/${name}`)).body.toString(), String(10 + i), name);
    for (const target of ['/v1/../healthcheck', '/v1/AUTH_test/../AUTH_other', '/v1/AUTH_test%2f..%2fAUTH_other/c', '/v1/AUTH_other/../AUTH_test/c/o', '/.gori/where', '/.gori/../v1/AUTH_test']) {
      const { status } = await request('GET', target);
      assert.ok(status >= 400 && status < 500, `${target}: ${status}`);
    }
  });

  test('names break out of no header', async () => {
    const injected = 'x%0d%0aX-Injected:%20yes';
    for (const [method, target, headers] of [
      ['GET', `/v1/AUTH_${injected}`, ''],
      ['PUT', `/v1/AUTH_test/c/${injected}`, 'Content-Length: 0\r\n'],
      ['PUT', '/v1/AUTH_test/c/copied', `Content-Length: 0\r\nX-Copy-From: c/${injected}\r\n`],
      ['COPY', `/v1/AUTH_test/c/${injected}`, `Destination: c/${injected}2\r\n`],
      ['GET', `/auth/v1/${injected}/auth`, 'X-Auth-User: x\r\nX-Auth-Key: y\r\n'],
      ['GET', '/v1/AUTH_test', `X-Trans-Id-Extra: ${injected}\r\n`],
      ['GET', `/v1/AUTH_test/c?format=${injected}`, ''],
    ] as const) {
      const answer = await request(method, target, headers);
      assert.ok(answer.status < 500, `${method} ${target}: ${answer.status}`);
      assert.equal(answer.headers.has('x-injected'), false, `${method} ${target}`);
    }
    const stranger = await ask(gori.port, `GET /v1/AUTH_${injected} HTTP/1.1\r\nHost: h\r\n\r\n`);
    assert.equal(stranger.headers.get('www-authenticate'), 'Swift realm="AUTH_x%0D%0AX-Injected%3A%20yes"');
  });

  test('an X-Trans-Id-Extra that is cut inside a character is no fault', async () => {
    const { status, headers } = await request('GET', '/v1/AUTH_test', `X-Trans-Id-Extra: ${'a'.repeat(31)}\xf0\x9f\x98\x80\r\n`);
    assert.equal(status, 200);
    assert.match(headers.get('x-trans-id')!, /^tx[0-9a-f]{21}-[0-9a-f]{10}-a{31}/);
  });

  test("words of the server's own language are only names", async () => {
    for (const word of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) {
      assert.equal((await request('PUT', `/v1/AUTH_test/c/x.${word}`, `Content-Length: 1\r\nX-Object-Meta-${word}: kept\r\n`, 'x')).status, 201);
      const { headers } = await request('HEAD', `/v1/AUTH_test/c/x.${word}`);
      assert.equal(headers.get('content-type'), 'application/octet-stream', word);
      assert.equal(headers.get(`x-object-meta-${word.toLowerCase()}`), 'kept', word);
      assert.equal((await request('GET', `/v1/AUTH_test/c?format=${word}`)).headers.get('content-type'), 'text/plain; charset=utf-8', word);
    }
  });
});

describe('headers', () => {
  const meta = (count: number, name: number, value: number, level = 'Object'): string => Array.from({ length: count }, (_, i) => `X-${level}-Meta-${String(i).padStart(2, '0').padEnd(name, 'n')}: ${'v'.repeat(value)}\r\n`).join('');

  test('metadata has limits of count, length and sum, at each level', async () => {
    const levels: readonly (readonly [string, string, string])[] = [['Object', 'PUT', '/v1/AUTH_test/c/meta'], ['Object', 'POST', '/v1/AUTH_test/c/o'], ['Container', 'PUT', '/v1/AUTH_test/meta'], ['Container', 'POST', '/v1/AUTH_test/c'], ['Account', 'POST', '/v1/AUTH_test']];
    for (const [level, method, target] of levels) {
      const status = async (headers: string): Promise<number> => (await request(method, target, `Content-Length: 0\r\n${headers}`)).status;
      assert.equal(await status(meta(91, 2, 1, level)), 400, `${level} ${method}: too many`);
      assert.equal(await status(meta(1, 129, 1, level)), 400, `${level} ${method}: name too long`);
      assert.equal(await status(meta(1, 2, 257, level)), 400, `${level} ${method}: value too long`);
      assert.equal(await status(meta(20, 2, 250, level)), 400, `${level} ${method}: too much in all`);
      assert.equal(await status(`X-${level}-Meta-: nameless\r\n`), 400, `${level} ${method}: nameless`);
      assert.ok((await status(meta(1, 128, 256, level))) < 300, `${level} ${method}: just right`);
    }
  });

  test('headers beyond the limit are refused, one or many', async () => {
    assert.equal((await request('GET', '/v1/AUTH_test', `X-Long: ${'x'.repeat(70_000)}\r\n`)).status, 400);
    assert.equal((await request('GET', '/v1/AUTH_test', Array.from({ length: 5000 }, (_, i) => `x-${i}: some value\r\n`).join(''))).status, 400);
  });

  test('ranges that make no sense are ignored or refused, and cost no more than their length', async () => {
    const start = performance.now();
    const cases: readonly (readonly [string, number])[] = [
      ['bytes=5-', 416], ['bytes=99999999999999999999-', 416], ['bytes=-0', 416], ['bytes=0-99999999999999999999', 206], ['bytes=-99999999999999999999', 206],
      [`bytes=${'9'.repeat(400)}-`, 416], ['bytes=3-2', 200], ['bytes=a-b', 200], ['bytes=', 200], ['octets=0-1', 200], ['bytes=0-1,', 200], ['bytes=--1', 200], ['bytes=0-0-0', 200],
      [`bytes=${' '.repeat(60_000)}x`, 200], [`bytes=${'0-0,'.repeat(15_000)}0-0`, 416], [`bytes=${'-1,'.repeat(20_000)}-1`, 416],
    ];
    for (const [range, status] of cases) assert.equal((await request('GET', '/v1/AUTH_test/c/o', `Range: ${range}\r\n`)).status, status, range.slice(0, 40));
    assert.equal((await request('GET', `/v1/AUTH_test/c?path=${'/'.repeat(60_000)}x`)).status, 204);
    assert.ok(performance.now() - start < 5000);
  });

  test('conditions and dates that make no sense are no faults', async () => {
    for (const header of ['If-Modified-Since: yesterday', 'If-Modified-Since: Sun, 99 Foo 9999 99:99:99 GMT', 'If-Unmodified-Since: 0', 'If-None-Match: ""', 'If-None-Match: ,,,', 'If-Range: "', `If-None-Match: ${'"x",'.repeat(10_000)}`, 'Accept: ,;q=x', 'Referer: ::::', 'X-Newest: maybe']) {
      assert.ok((await request('GET', '/v1/AUTH_test/c/o', `${header}\r\n`)).status < 500, header.slice(0, 50));
    }
    for (const header of ['X-Delete-At: soon', 'X-Delete-At: 1', 'X-Delete-At: -99999999999', 'X-Delete-After: -1', 'X-Delete-After: 1e3', 'If-None-Match: "x"', 'X-Object-Manifest: nowhere', 'X-Object-Manifest: c/', 'X-Object-Manifest: /', 'Content-Type: text/\xff', 'X-Copy-From: /', 'X-Copy-From: c']) {
      const { status } = await request('PUT', '/v1/AUTH_test/c/bad', `Content-Length: 0\r\n${header}\r\n`);
      assert.ok(status === 400 || status === 412, `${header}: ${status}`);
    }
    for (const header of [`X-Delete-At: ${'9'.repeat(400)}`, `X-Delete-After: ${'9'.repeat(400)}`]) assert.equal((await request('PUT', '/v1/AUTH_test/c/late', `Content-Length: 0\r\n${header}\r\n`)).status, 201);
  });

  test('tokens that are none are refused', async () => {
    for (const bad of ['', 'x', `${token}x`, token.slice(0, -1), token.toUpperCase(), `AUTH_tk${'0'.repeat(200)}`, `AUTH_tk${'0'.repeat(60_000)}`, 'AUTH_tk', '\xff\xfe', `AUTH_tk5b5d${'0'.repeat(64)}`]) {
      const { status } = await ask(gori.port, `GET /v1/AUTH_test HTTP/1.1\r\nHost: h\r\nX-Auth-Token: ${bad}\r\n\r\n`);
      assert.equal(status, 401, bad.slice(0, 40));
    }
    for (const headers of ['', 'X-Auth-User: test:tester\r\n', 'X-Auth-User: \xff\r\nX-Auth-Key: x\r\n', 'X-Auth-User: test:tester\r\nX-Auth-Key: wrong\r\n', 'X-Auth-User: constructor\r\nX-Auth-Key: x\r\n']) {
      assert.equal((await ask(gori.port, `GET /auth/v1.0 HTTP/1.1\r\nHost: h\r\n${headers}\r\n`)).status, 401, headers);
    }
  });
});

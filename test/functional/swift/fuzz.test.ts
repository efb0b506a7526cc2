/**
 * Requests put together at random from what the Swift API knows and what it does not: none may end in 5xx, end the server, or go
 * unanswered. Every run prints its seed.
 *
 *     GORI_FUZZ_SEED=123 GORI_FUZZ_REQUESTS=100000 node --test test/functional/swift/fuzz.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GoriProcess } from './gori-process.ts';
import { ODD_NAMES } from './odd-tree.ts';
import { Wire } from './wire.ts';

const SEED = Number(process.env['GORI_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const REQUESTS = Number(process.env['GORI_FUZZ_REQUESTS'] ?? 3000);

const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'PUT', 'PUT', 'PUT', 'PUT', 'POST', 'POST', 'DELETE', 'COPY', 'OPTIONS', 'PATCH'];
const HEADERS = [
  'Range', 'If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since', 'If-Range', 'Accept', 'ETag', 'Content-Type', 'Content-Encoding', 'Content-Disposition', 'Cache-Control',
  'X-Copy-From', 'X-Copy-From-Account', 'Destination', 'Destination-Account', 'X-Fresh-Metadata', 'X-Object-Manifest', 'X-Delete-At', 'X-Delete-After', 'X-If-Delete-At', 'X-Detect-Content-Type',
  'X-Object-Meta-A', 'X-Container-Meta-A', 'X-Account-Meta-A', 'X-Remove-Container-Meta-A', 'X-Container-Read', 'X-Container-Write', 'X-Remove-Container-Read', 'X-Storage-Policy', 'X-Newest',
  'X-Timestamp', 'X-Trans-Id-Extra', 'X-Auth-Token', 'X-Storage-Token', 'X-Auth-User', 'X-Auth-Key', 'Authorization', 'Referer', 'Origin', 'X-Forwarded-Proto', 'Upgrade', 'Connection', 'Expires', 'X-Versions-Location', '__proto__', 'constructor',
];
const PARAMETERS = ['format', 'limit', 'marker', 'end_marker', 'prefix', 'delimiter', 'path', 'reverse', 'multipart-manifest', 'temp_url_sig', 'temp_url_expires', 'versions', 'version-id', 'symlink', 'bulk-delete', 'extract-archive', 'uploads', 'account', '__proto__'];
const WORDS = [
  '', '0', '1', '-1', '10', '10000', '10001', '1e3', '0x10', '99999999999999999999', 'NaN', 'Infinity', 'true', 'yes', 'json', 'xml', 'plain', '*', '*/*', 'text/xml', 'application/json;q=0.5, */*;q=0', 'text/*', 'bytes=0-1', 'bytes=-1', 'bytes=1-', 'bytes=0-0,2-2',
  'bytes=5-1', 'bytes=0-1,1-2,2-3,0-9', 'Sun, 06 Nov 1994 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994', '"x"', 'W/"x"', 'd41d8cd98f00b204e9800998ecf8427e', 'c/o', '/c/o', 'c', '/', '//', '.', '..', '.r:*', '.r:*,.rlistings', '.r:-x.com', '.x:y', ',', 'test:tester', 'AUTH_test',
  'Policy-0', 'gzip', 'attachment', 'text/plain; charset=utf-8', 'text/plain;swift_bytes=5', 'close', 'websocket', 'null', 'undefined', 'constructor', '__proto__', '%00', '%ff', '%', '%2f', '\x7f', '\xff\xfe', '\xed\x95\x9c', '\t', "'", '"', '<', '&', ';', '\u{a0}',
  ...ODD_NAMES.map((name) => Buffer.from(name).toString('latin1')), 'a'.repeat(300), 'b'.repeat(2000), ','.repeat(500), ' '.repeat(500),
];

/** Mulberry32: small, and the same everywhere. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Random = ReturnType<typeof randomOf>;

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;

/** A word, or two run together. */
function word(random: Random): string {
  return random(4) === 0 ? pick(random, WORDS) + pick(random, WORDS) : pick(random, WORDS);
}

/** Escaped as clients should, escaped as they should not, or as it is where a request line can hold it. */
function escaped(random: Random, text: string): string {
  const kind = random(8);
  const bytes = [...text];
  if (kind === 0) return bytes.map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
  return bytes.map((c) => (/[\w.~!$&'()*+,;=:@/%-]/.test(c) && (c !== '%' || kind > 2) ? c : `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)).join('');
}

function target(random: Random): string {
  if (random(20) === 0) return `/${escaped(random, word(random))}`;
  const parts = ['/v1', random(10) > 0 ? 'AUTH_test' : pick(random, ['AUTH_other', word(random)]), random(4) > 0 ? 'c' : word(random), random(3) > 0 ? 'o' : word(random)];
  const path = parts.slice(0, 2 + random(3)).map((part, i) => (i === 0 ? part : escaped(random, part))).join('/');
  const query = Array.from({ length: random(4) }, () => `${pick(random, PARAMETERS)}=${escaped(random, word(random))}`).join('&');
  return query === '' ? path : `${path}?${query}`;
}

function headerLines(random: Random): string {
  return Array.from({ length: random(4) }, () => `${random(12) === 0 ? `X-Object-Meta-${word(random).replace(/[^\w-]/g, '')}x` : pick(random, HEADERS)}: ${word(random).replace(/[\0-\x08\x0a-\x1f\x7f]/g, '')}\r\n`).join('');
}

function requestOf(random: Random, token: string): { method: string; bytes: string } {
  const method = pick(random, METHODS);
  const body = random(3) === 0 ? 'x'.repeat(pick(random, [1, 5, 70_000])) : '';
  const framing = random(5) === 0 ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${body.length}\r\n`;
  const framed = framing.startsWith('T') ? `${body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n` : body;
  const authorized = random(8) === 0 ? '' : `X-Auth-Token: ${token}\r\n`;
  return { method, bytes: `${method} ${target(random)} HTTP/1.1\r\nHost: localhost\r\n${authorized}${headerLines(random)}${framing}\r\n${framed}` };
}

test('random requests are all answered, none with a fault of the server', { timeout: 600_000 + REQUESTS * 20 }, async (t) => {
  t.diagnostic(`GORI_FUZZ_SEED=${SEED} GORI_FUZZ_REQUESTS=${REQUESTS}`);
  await using gori = await GoriProcess.start();
  const { token } = await gori.login();
  const statuses = new Map<number, number>();
  const random = randomOf(SEED);
  let wire = await Wire.connect(gori.port);
  for (let i = 0; i < REQUESTS; i++) {
    const { method, bytes } = requestOf(random, token);
    if (!wire.open) wire = await Wire.connect(gori.port);
    wire.send(bytes);
    const answer = await wire.answer({ headless: method === 'HEAD' }).catch((error: Error) => assert.fail(`request ${i} of seed ${SEED}: ${error.message}\n${bytes.slice(0, 3000)}`));
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    assert.ok(answer.status < 500, `request ${i} of seed ${SEED} was answered ${answer.status}\n${bytes.slice(0, 3000)}`);
    if (answer.headers.get('connection') === 'close') {
      wire[Symbol.dispose]();
      wire = await Wire.connect(gori.port);
    }
  }
  wire[Symbol.dispose]();
  t.diagnostic([...statuses].sort().map(([status, count]) => `${status}: ${count}`).join(', '));
  assert.deepEqual(gori.complaints, []);
  assert.ok((statuses.get(200) ?? 0) > REQUESTS / 50 && (statuses.get(201) ?? 0) > REQUESTS / 50, 'most of it would be noise if little succeeded');
});

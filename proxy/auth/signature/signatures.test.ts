/** Signatures: aws4 signs, we verify; and nothing that was changed after it was signed passes. */
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import aws4, { type Request } from 'aws4';
import { isStoreError } from '#common';
import { bodyOfBuffer, bodyOfChunks } from '#common/stream';
import type { Exchange } from '#proxy/edge';
import { KeyHolders, type ConfiguredHolder } from './key-holders.ts';
import { Signatures, type Signed } from './signatures.ts';

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);
const CREDENTIALS = { accessKeyId: 'AKID', secretAccessKey: 'a/secret+key' };
const holders = new KeyHolders({ users: [{ account: 'test', user: 'tester', key: 'testing', groups: ['.admin'] }], s3Users: [{ account: 'main', user: 'me', accessKey: 'AKID', secretKey: 'a/secret+key', canonicalId: 'cid' }], resellerPrefix: 'AUTH' });
const at = (nowMs: number): Signatures<ConfiguredHolder> => new Signatures({ keys: (accessKey) => Promise.resolve(holders.byAccessKey(accessKey)), region: 'us-east-1', nowMs: () => nowMs });
const signatures = at(NOW);

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
}

/** An exchange as a server sees the request. */
function exchange({ method, path, headers }: Sent): Exchange {
  const [before, rawQuery = ''] = path.split(/\?(.*)/s) as [string, string?];
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { method, path: before, rawQuery, headers: lower, header: (name: string) => lower[name], contentLength: lower['content-length'] === undefined ? undefined : Number(lower['content-length']), chunked: lower['transfer-encoding'] !== undefined } as unknown as Exchange;
}

function texts(headers: Request['headers'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function signed(path: string, { method = 'GET', headers = {}, body = '', query = false }: { method?: string; headers?: Record<string, string>; body?: string; query?: boolean } = {}): Sent {
  const date = new Date(NOW).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const request = aws4.sign({ service: 's3', region: 'us-east-1', host: 'localhost:9000', method, path: query ? `${path}${path.includes('?') ? '&' : '?'}X-Amz-Date=${date}&X-Amz-Expires=600` : path, headers: { ...(query ? {} : { 'X-Amz-Date': date }), ...headers }, body: body === '' ? undefined : body, ...(query ? { signQuery: true } : {}) }, CREDENTIALS);
  return { method, path: request.path!, headers: texts(request.headers) };
}

const code = (wanted: string) => (error: unknown) => isStoreError(error) && error.detail['code'] === wanted;

test('what aws4 signs in headers is verified, whatever the path and the parameters', async () => {
  for (const path of ['/', '/bucket', '/bucket/key', '/bucket/a//b', '/bucket/a%20b/%2B/%C3%A9', '/bucket/a%2Fb', '/bucket/a%2fb/c', '/bucket/a%252Fb', '/bucket?list-type=2&prefix=a%2Fb&delimiter=%2F', '/bucket?acl', '/bucket/k?versionId=1&uploadId=x%3D']) {
    assert.equal((await signatures.identify(exchange(signed(path)), undefined)).holder?.canonicalId, 'cid', path);
  }
  assert.equal((await signatures.identify(exchange(signed('/b/k', { method: 'PUT', body: 'hello', headers: { 'x-amz-meta-note': '  two   blanks ' } })), undefined)).holder?.id, 'main:me');
});

test('a presigned address is verified until it has expired, and not before it was made', async () => {
  const sent = signed('/bucket/key?response-content-type=text%2Fplain', { query: true });
  assert.equal((await signatures.identify(exchange(sent), undefined)).presigned, true);
  await assert.rejects(at(NOW + 601_000).identify(exchange(sent), undefined), code('AccessDenied'));
  await assert.rejects(at(NOW - 3_600_000).identify(exchange(sent), undefined), code('AccessDenied'));
  await assert.rejects(signatures.identify(exchange({ ...sent, method: 'PUT' }), undefined), code('SignatureDoesNotMatch'));
});

test('nothing of a signed request can be changed', async () => {
  const sent = signed('/bucket/key?versionId=1', { method: 'PUT', body: 'hello', headers: { 'x-amz-acl': 'private' } });
  const changed: Partial<Sent>[] = [
    { method: 'GET' }, { path: '/bucket/other?versionId=1' }, { path: '/bucket/key?versionId=2' }, { path: '/bucket/key' }, { path: '/bucket//key?versionId=1' },
    { headers: { ...sent.headers, 'x-amz-acl': 'public-read' } }, { headers: { ...sent.headers, Host: 'elsewhere' } }, { headers: { ...sent.headers, 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' } },
  ];
  for (const change of changed) await assert.rejects(signatures.identify(exchange({ ...sent, ...change }), undefined), code('SignatureDoesNotMatch'), JSON.stringify(change).slice(0, 80));
  await assert.rejects(signatures.identify(exchange({ ...sent, headers: { ...sent.headers, 'x-amz-tagging': 'a=b' } }), undefined), code('AccessDenied'), 'a header of AWS that was not signed');
  await assert.rejects(at(NOW + 16 * 60_000).identify(exchange(sent), undefined), code('RequestTimeTooSkewed'));
});

test('keys that are not known, other regions and half a header are refused, each in its own words', async () => {
  const sent = signed('/bucket');
  const authorization = (text: string): Sent => ({ ...sent, headers: { ...sent.headers, Authorization: text } });
  await assert.rejects(signatures.identify(exchange(authorization(sent.headers['Authorization']!.replace('AKID', 'NOBODY'))), undefined), code('InvalidAccessKeyId'));
  await assert.rejects(signatures.identify(exchange(authorization(sent.headers['Authorization']!.replace('us-east-1', 'eu-west-1'))), undefined), code('AuthorizationHeaderMalformed'));
  await assert.rejects(signatures.identify(exchange(authorization('AWS4-HMAC-SHA256 Credential=x')), undefined), code('AuthorizationHeaderMalformed'));
  await assert.rejects(signatures.identify(exchange(authorization('Bearer x')), undefined), code('InvalidArgument'));
  assert.equal((await signatures.identify(exchange({ method: 'GET', path: '/bucket', headers: {} }), undefined)).holder, undefined, 'nobody is somebody too');
});

test('a body is what its digest says', async () => {
  const request = await signatures.identify(exchange(signed('/b/k', { method: 'PUT', body: 'hello' })), undefined);
  const nothing = (): void => undefined;
  assert.equal((await request.body(bodyOfBuffer(Buffer.from('hello')), nothing).collect(100)).toString(), 'hello');
  await assert.rejects(request.body(bodyOfBuffer(Buffer.from('hellO')), nothing).collect(100), code('XAmzContentSHA256Mismatch'));
});

const EMPTY = createHash('sha256').digest('hex');
const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** A body framed and signed as the developer guide has it, by code of this test alone. */
function framed(chunks: readonly Buffer[], trailers: Record<string, string> = {}): { sent: Sent; body: Buffer } {
  const decoded = chunks.reduce((sum, { length }) => sum + length, 0);
  const names = Object.keys(trailers);
  const form = names.length === 0 ? 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' : 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
  const sent = signed('/b/k', { method: 'PUT', headers: { 'X-Amz-Content-Sha256': form, 'X-Amz-Decoded-Content-Length': String(decoded), ...(names.length === 0 ? {} : { 'X-Amz-Trailer': names.join(',') }) } });
  const key = ['20260131', 'us-east-1', 's3', 'aws4_request'].reduce<Buffer>((k, part) => createHmac('sha256', k).update(part).digest(), Buffer.from(`AWS4${CREDENTIALS.secretAccessKey}`));
  const sign = (kind: string, previous: string, rest: string): string => createHmac('sha256', key).update(`AWS4-HMAC-SHA256-${kind}\n20260131T120000Z\n20260131/us-east-1/s3/aws4_request\n${previous}\n${rest}`).digest('hex');
  let previous = /Signature=([0-9a-f]+)/.exec(sent.headers['Authorization']!)![1]!;
  const parts: Buffer[] = [];
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    previous = sign('PAYLOAD', previous, `${EMPTY}\n${sha256(chunk)}`);
    parts.push(Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`), chunk);
    if (chunk.length > 0) parts.push(Buffer.from('\r\n'));
  }
  const lines = names.map((name) => `${name}:${trailers[name]}\n`).join('');
  if (names.length > 0) parts.push(Buffer.from(`${lines.replaceAll('\n', '\r\n')}x-amz-trailer-signature:${sign('TRAILER', previous, sha256(lines))}\r\n`));
  parts.push(Buffer.from('\r\n'));
  return { sent, body: Buffer.concat(parts) };
}

async function* pieces(data: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < data.length; i += size) yield data.subarray(i, i + size);
}

async function decoded(request: Signed, raw: Buffer, size: number, heard = new Map<string, string>()): Promise<Buffer> {
  const parts: Buffer[] = [];
  const body = request.body(bodyOfChunks(pieces(raw, size), raw.length), (trailers) => trailers.forEach((value, name) => heard.set(name, value)));
  for await (const chunk of body.chunks()) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

test('a body signed chunk by chunk comes out whole, however it is cut on its way, and its trailers are heard', async () => {
  const chunks = [randomBytes(8192), randomBytes(10_000), randomBytes(3)];
  const { sent, body } = framed(chunks, { 'x-amz-checksum-crc32': 'AAAAAA==' });
  for (const size of [1, 7, 1000, body.length]) {
    const heard = new Map<string, string>();
    assert.deepEqual(await decoded((await signatures.identify(exchange(sent), undefined)), body, size, heard), Buffer.concat(chunks), `in pieces of ${size}`);
    assert.deepEqual([...heard], [['x-amz-checksum-crc32', 'AAAAAA==']]);
  }
  const plain = framed(chunks);
  assert.deepEqual(await (await signatures.identify(exchange(plain.sent), undefined)).body(bodyOfBuffer(plain.body), () => undefined).collect(100_000), Buffer.concat(chunks));
});

test('no byte of a framed body can be changed, added, left out or moved', async () => {
  const chunks = [Buffer.from('first chunk'), Buffer.from('second chunk')];
  const { sent, body } = framed(chunks, { 'x-amz-checksum-crc32': 'AAAAAA==' });
  const identify = (): Promise<Signed> => signatures.identify(exchange(sent), undefined);
  for (let i = 0; i < body.length; i++) {
    const changed = Buffer.from(body);
    changed[i] = changed[i]! ^ 1;
    const outcome = await decoded(await identify(), changed, 1000).then((data) => data.toString(), (error: unknown) => error);
    // Line ends may be bare, which changes nothing that is signed.
    assert.ok(isStoreError(outcome) || outcome === 'first chunksecond chunk', `byte ${i}: ${String(outcome)}`);
  }
  for (const cut of [body.subarray(0, -20), body.subarray(0, 60), Buffer.concat([body, Buffer.from('x')]), Buffer.alloc(0)]) await assert.rejects(decoded(await identify(), cut, 1000), isStoreError);
  const [one, two] = [body.indexOf('first'), body.indexOf('second')].map((data) => body.lastIndexOf('\n', data - 3) + 1) as [number, number];
  const [first, second, rest] = [body.subarray(0, two), body.subarray(two, body.indexOf('0;chunk')), body.subarray(body.indexOf('0;chunk'))];
  assert.equal(one, 0);
  for (const moved of [[second, first, rest], [first, rest], [first, first, rest]]) await assert.rejects(decoded(await identify(), Buffer.concat(moved), 1000), isStoreError);
});

test('version 2 is verified in headers and in addresses, and its resources are those that are signed', async () => {
  const date = new Date(NOW).toUTCString();
  const sign = (text: string): string => createHmac('sha1', CREDENTIALS.secretAccessKey).update(text).digest('base64');
  const get = (path: string, resource: string): Sent => ({ method: 'GET', path, headers: { date, authorization: `AWS AKID:${sign(`GET\n\n\n${date}\n${resource}`)}` } });
  assert.equal((await signatures.identify(exchange(get('/b/k?acl', '/b/k?acl')), undefined)).holder?.accessKey, 'AKID');
  assert.equal((await signatures.identify(exchange(get('/b?prefix=x', '/b/')), undefined)).holder?.accessKey, 'AKID', 'botocore signs a bucket with a slash');
  assert.equal((await signatures.identify(exchange(get('/k', '/vb/k')), 'vb')).holder?.accessKey, 'AKID', 'the bucket in the host is signed');
  await assert.rejects(signatures.identify(exchange(get('/b/k?acl', '/b/k')), undefined), code('SignatureDoesNotMatch'));
  const expires = String(NOW / 1000 + 60);
  const address = `/b/k?AWSAccessKeyId=AKID&Expires=${expires}&Signature=${encodeURIComponent(sign(`GET\n\n\n${expires}\n/b/k`))}`;
  assert.equal((await signatures.identify(exchange({ method: 'GET', path: address, headers: {} }), undefined)).presigned, true);
  await assert.rejects(at(NOW + 61_000).identify(exchange({ method: 'GET', path: address, headers: {} }), undefined), code('AccessDenied'));
});

test("tempauth's users sign with account:user and their password", async () => {
  const request = aws4.sign({ service: 's3', region: 'us-east-1', host: 'h', path: '/', headers: { 'X-Amz-Date': '20260131T120000Z' } }, { accessKeyId: 'test:tester', secretAccessKey: 'testing' });
  const { holder } = await signatures.identify(exchange({ method: 'GET', path: '/', headers: texts(request.headers) }), undefined);
  assert.deepEqual([holder?.account, holder?.ownedAccounts, holder?.canonicalId], ['AUTH_test', ['AUTH_test'], 'test:tester']);
});

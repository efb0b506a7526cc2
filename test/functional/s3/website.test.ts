/** Buckets as websites against the real server: what a browser sees that signs nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { GoriProcess } from '../swift/gori-process.ts';
import { S3Session } from './session.ts';

interface Page {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

let gori: GoriProcess;
let owner: S3Session;

before(async () => {
  gori = await GoriProcess.start({ config: { s3: { website: { domains: ['web.example.com'], hosts: ['www.example.org'] } } } });
  owner = new S3Session(gori.endpoint);
  await site('pages', '<IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>oops.html</Key></ErrorDocument>');
  for (const key of ['index.html', 'guide/index.html', 'oops.html', 'caf%C3%A9.html']) await owner.well('PUT', `/pages/${key}`, { body: `this is ${key}`, headers: { 'content-type': 'text/html' } });
});

after(async () => {
  assert.deepEqual(gori.complaints, []);
  await gori[Symbol.asyncDispose]();
});

/** A bucket that anybody may read, and list unless `hidden`. */
async function site(bucket: string, configuration: string, { hidden = false } = {}): Promise<void> {
  await owner.well('PUT', `/${bucket}`);
  const statement = (Action: string, Resource: string): object => ({ Effect: 'Allow', Principal: '*', Action, Resource: `arn:aws:s3:::${Resource}` });
  const Statement = [statement('s3:GetObject', `${bucket}/*`), ...(hidden ? [] : [statement('s3:ListBucket', bucket)])];
  await owner.well('PUT', `/${bucket}?policy`, { body: JSON.stringify({ Version: '2012-10-17', Statement }) });
  await owner.well('PUT', `/${bucket}?website`, { body: `<WebsiteConfiguration>${configuration}</WebsiteConfiguration>` });
}

async function visit(host: string, path: string, { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {}): Promise<Page> {
  const { hostname, port } = new URL(gori.endpoint);
  const sent = httpRequest({ hostname, port, path, method, headers: { ...headers, host } }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString() };
}

const HOST = 'pages.web.example.com';

test('folders show their index, and a folder without its slash leads to it', async () => {
  for (const [path, text] of [['/', 'this is index.html'], ['/index.html', 'this is index.html'], ['/guide/', 'this is guide/index.html'], ['/caf%C3%A9.html', 'this is caf%C3%A9.html']] as const) {
    const page = await visit(HOST, path);
    assert.deepEqual([page.status, page.text, page.headers['content-type']], [200, text, 'text/html'], path);
  }
  const led = await visit(`${HOST}:8080`, '/guide');
  assert.deepEqual([led.status, led.headers.location], [302, '/guide/']);
  assert.deepEqual([(await visit(HOST, '/index.html', { headers: { range: 'bytes=0-3' } })).text, (await visit(HOST, '/', { method: 'HEAD' })).headers['content-length']], ['this', '18']);
  const { etag } = (await visit(HOST, '/')).headers;
  assert.equal((await visit(HOST, '/', { headers: { 'if-none-match': etag! } })).status, 304);
});

test('what is missing has the page of the website, with the status and in whole; or else one of ours', async () => {
  const page = await visit(HOST, '/nothing', { headers: { range: 'bytes=0-3', 'if-match': 'other' } });
  assert.deepEqual([page.status, page.text, page.headers['x-amz-error-code']], [404, 'this is oops.html', 'NoSuchKey']);
  await site('bare', '<IndexDocument><Suffix>i</Suffix></IndexDocument>', { hidden: true });
  const ours = await visit('bare.web.example.com', '/<b>');
  assert.equal(ours.status, 403);
  assert.match(ours.text, /<h1>403 Forbidden<\/h1>[^]*Code: AccessDenied/);
  await site('lost', '<IndexDocument><Suffix>i</Suffix></IndexDocument><ErrorDocument><Key>none</Key></ErrorDocument>');
  assert.match((await visit('lost.web.example.com', '/%3Cb%3E')).text, /Key: &lt;b&gt;[^]*Custom Error Document[^]*Key: none/);
});

test('rules and objects lead elsewhere', async () => {
  const rules = '<RoutingRules><RoutingRule><Condition><KeyPrefixEquals>old/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>new/</ReplaceKeyPrefixWith></Redirect></RoutingRule>'
    + '<RoutingRule><Condition><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals></Condition><Redirect><HostName>elsewhere.example.com</HostName><HttpRedirectCode>307</HttpRedirectCode></Redirect></RoutingRule></RoutingRules>';
  await site('moved', `<IndexDocument><Suffix>index.html</Suffix></IndexDocument>${rules}`);
  await owner.well('PUT', '/moved/here', { body: 'x', headers: { 'x-amz-website-redirect-location': 'https://example.net/there' } });
  const lead = async (path: string): Promise<string> => {
    const { status, headers } = await visit('moved.web.example.com', path);
    return `${status} ${headers.location}`;
  };
  assert.deepEqual([await lead('/old/a'), await lead('/nothing'), await lead('/here')], ['301 http://moved.web.example.com/new/a', '307 http://elsewhere.example.com/nothing', '301 https://example.net/there']);
  assert.equal((await owner.ask('GET', '/moved/here')).headers.get('x-amz-website-redirect-location'), 'https://example.net/there', 'over the API it is an object like others');
  await site('www.example.org', '<RedirectAllRequestsTo><HostName>example.org</HostName><Protocol>https</Protocol></RedirectAllRequestsTo>');
  assert.equal((await visit('www.example.org', '/a?b')).headers.location, 'https://example.org/a');
});

test('a website is for looking at, and only where there is one', async () => {
  assert.equal((await visit(HOST, '/index.html', { method: 'DELETE' })).status, 405);
  await owner.well('PUT', '/plain');
  const refusals: [host: string, code: string][] = [['plain.web.example.com', 'NoSuchWebsiteConfiguration'], ['nobody.web.example.com', 'NoSuchBucket'], ['web.example.com', 'InvalidBucketName']];
  for (const [host, code] of refusals) assert.equal((await visit(host, '/')).headers['x-amz-error-code'], code, host);
  assert.match(await owner.well('GET', '/pages?website'), /<Suffix>index.html<\/Suffix>.*<Key>oops.html<\/Key>/);
  await owner.well('DELETE', '/pages?website');
  assert.equal((await visit(HOST, '/')).status, 404);
  assert.equal((await owner.ask('GET', '/pages?website')).status, 404);
});

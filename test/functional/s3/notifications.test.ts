/** Events of buckets against the real server: what happens, by either dialect, is told to a webhook and to Redis, once it is back if it was away. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createPortServer, type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { GoriProcess } from '../swift/gori-process.ts';
import { S3Session, swiftSession, texts } from './session.ts';

interface EventRecord {
  readonly eventName: string;
  readonly userIdentity: { readonly principalId: string };
  readonly s3: { readonly configurationId: string; readonly bucket: { readonly name: string }; readonly object: { readonly key: string; readonly size?: number; readonly eTag?: string; readonly versionId?: string; readonly sequencer: string } };
}

const HOOK = 'arn:gori:sqs:us-east-1:hook:webhook';
const LIST = 'arn:gori:sqs:us-east-1:list:redis';
const noRedis = spawnSync('redis-server', ['--version']).error ? 'redis-server is not installed' : false;

let gori: GoriProcess;
let owner: S3Session;
let hook: Server;
let redis: ChildProcess | undefined;
let redisPort: number;
let isAway = false;
const heard: EventRecord[] = [];
const tests: string[] = [];

before(async () => {
  hook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const signed = request.headers['x-gori-signature'] === `sha256=${createHmac('sha256', 'shared').update(text).digest('hex')}`;
      response.writeHead(isAway || !signed ? 503 : 204).end();
      const { Records, Event } = JSON.parse(text) as { Records?: EventRecord[]; Event?: string };
      if (isAway || !signed) return;
      if (Event !== undefined) tests.push(Event);
      heard.push(...(Records ?? []));
    });
  });
  hook.listen(0, '127.0.0.1');
  await once(hook, 'listening');
  redisPort = await freePort();
  if (!noRedis) redis = spawn('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
  const { port } = hook.address() as AddressInfo;
  gori = await GoriProcess.start({
    config: { s3: { notifications: { webhooks: [{ name: 'hook', url: `http://127.0.0.1:${port}/events`, secret: 'shared' }], redis: [{ name: 'list', url: `redis://127.0.0.1:${redisPort}`, key: 'events' }], retrySeconds: 1 } } },
  });
  owner = new S3Session(gori.endpoint);
});

after(async () => {
  hook.close();
  redis?.kill();
  assert.deepEqual(gori.complaints, []);
  await gori[Symbol.asyncDispose]();
});

async function freePort(): Promise<number> {
  const server = createPortServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function watch(bucket: string, events: string[], { arn = HOOK, prefix = '' } = {}): Promise<void> {
  const filter = prefix === '' ? '' : `<Filter><S3Key><FilterRule><Name>prefix</Name><Value>${prefix}</Value></FilterRule></S3Key></Filter>`;
  await owner.well('PUT', `/${bucket}?notification`, { body: `<NotificationConfiguration><QueueConfiguration><Id>mine</Id><Queue>${arn}</Queue>${events.map((event) => `<Event>${event}</Event>`).join('')}${filter}</QueueConfiguration></NotificationConfiguration>` });
}

/** Waits until as many were heard of the bucket; in the order of what happened. */
async function events(bucket: string, count: number): Promise<string[]> {
  const ours = (): EventRecord[] => heard.filter(({ s3 }) => s3.bucket.name === bucket);
  for (let i = 0; ours().length < count && i < 200; i++) await sleep(50);
  return ours().toSorted((a, b) => (a.s3.object.sequencer < b.s3.object.sequencer ? -1 : 1)).map(({ eventName, s3 }) => `${eventName} ${s3.object.key}`);
}

test('what happens to objects is told, by whichever dialect it came, and what nobody asked for is not', async () => {
  await owner.well('PUT', '/told');
  await watch('told', ['s3:ObjectCreated:*', 's3:ObjectRemoved:*', 's3:ObjectTagging:*', 's3:ObjectAcl:Put'], { prefix: 'in/' });
  assert.deepEqual(tests, ['s3:TestEvent']);
  await owner.well('PUT', '/told/out', { body: 'unheard' });
  await owner.well('PUT', '/told/in/a%20b%2B', { body: 'four' });
  await owner.well('PUT', '/told/in/copy', { headers: { 'x-amz-copy-source': '/told/in/a%20b%2B' } });
  await owner.well('PUT', '/told/in/copy?tagging', { body: '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>' });
  await owner.well('PUT', '/told/in/copy?acl', { headers: { 'x-amz-acl': 'public-read' } });
  const [id] = texts(await owner.well('POST', '/told/in/parts?uploads'), 'UploadId');
  const { headers } = await owner.ask('PUT', `/told/in/parts?partNumber=1&uploadId=${id}`, { body: 'part' });
  await owner.well('POST', `/told/in/parts?uploadId=${id}`, { body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${headers.get('etag')}</ETag></Part></CompleteMultipartUpload>` });
  const swift = await swiftSession(gori);
  await swift('PUT', '/told/in/swift', { body: 'by Swift' });
  await swift('DELETE', '/told/in/swift');
  await owner.well('DELETE', '/told/in/copy');
  assert.deepEqual(await events('told', 8), [
    'ObjectCreated:Put in/a+b%2B', 'ObjectCreated:Copy in/copy', 'ObjectTagging:Put in/copy', 'ObjectAcl:Put in/copy', 'ObjectCreated:CompleteMultipartUpload in/parts',
    'ObjectCreated:Put in/swift', 'ObjectRemoved:Delete in/swift', 'ObjectRemoved:Delete in/copy',
  ]);
  const [first] = heard;
  assert.deepEqual([first!.s3.object.size, first!.s3.object.eTag, first!.s3.configurationId, first!.userIdentity.principalId], [4, '8cbad96aced40b3838dd9f07f6ef5772', 'mine', 'test:tester']);
});

test('of versions, those that are made, marked and ended are told, with their ids', async () => {
  await owner.well('PUT', '/kept');
  await owner.well('PUT', '/kept?versioning', { body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>' });
  await watch('kept', ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']);
  const first = (await owner.ask('PUT', '/kept/k', { body: '1' })).headers.get('x-amz-version-id')!;
  await owner.well('PUT', '/kept/k', { body: '2' });
  const marker = (await owner.ask('DELETE', '/kept/k')).headers.get('x-amz-version-id')!;
  await owner.well('DELETE', `/kept/k?versionId=${marker}`);
  await owner.well('DELETE', `/kept/k?versionId=${first}`);
  assert.deepEqual(await events('kept', 5), ['ObjectCreated:Put k', 'ObjectCreated:Put k', 'ObjectRemoved:DeleteMarkerCreated k', 'ObjectRemoved:Delete k', 'ObjectRemoved:Delete k']);
  const ids = heard.filter(({ s3 }) => s3.bucket.name === 'kept').toSorted((a, b) => (a.s3.object.sequencer < b.s3.object.sequencer ? -1 : 1)).map(({ s3 }) => s3.object.versionId);
  assert.deepEqual([ids[0], ids[2], ids[3], ids[4]], [first, marker, marker, first]);
});

test('what a destination did not take is told when it is back, over a restart too', async () => {
  await owner.well('PUT', '/later');
  await watch('later', ['s3:ObjectCreated:*']);
  isAway = true;
  await owner.well('PUT', '/later/one', { body: 'x' });
  await owner.well('PUT', '/later/two', { body: 'x' });
  await gori.restart();
  isAway = false;
  assert.deepEqual((await events('later', 2)).slice(0, 2), ['ObjectCreated:Put one', 'ObjectCreated:Put two']);
});

test('a list in Redis is told as well', { skip: noRedis }, async () => {
  await owner.well('PUT', '/redis');
  await watch('redis', ['s3:ObjectCreated:Put'], { arn: LIST });
  await owner.well('PUT', '/redis/k', { body: 'x' });
  const client = new Redis(redisPort, '127.0.0.1');
  const told: string[] = [];
  while (told.length < 2) told.push((await client.blpop('events', 10))![1]);
  client.disconnect();
  assert.equal((JSON.parse(told[0]!) as { Event: string }).Event, 's3:TestEvent');
  assert.equal((JSON.parse(told[1]!) as { Records: EventRecord[] }).Records[0]!.eventName, 'ObjectCreated:Put');
});

test('destinations that are not there, or do not answer, are refused', async () => {
  await owner.well('PUT', '/refused');
  const ask = (arn: string, headers: Record<string, string> = {}) => owner.ask('PUT', '/refused?notification', { headers, body: `<NotificationConfiguration><QueueConfiguration><Queue>${arn}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>` });
  isAway = true;
  assert.deepEqual([(await ask('arn:aws:sqs:us-east-1:1:q')).status, (await ask(HOOK)).status, (await ask(HOOK, { 'x-amz-skip-destination-validation': 'true' })).status], [400, 400, 200]);
  isAway = false;
  assert.match(await owner.well('GET', '/refused?notification'), /<Queue>arn:gori:sqs:us-east-1:hook:webhook<\/Queue>/);
  await owner.well('PUT', '/refused?notification', { body: '<NotificationConfiguration/>' });
  assert.doesNotMatch(await owner.well('GET', '/refused?notification'), /Queue/);
});

/** AWS's own SDK for JavaScript against the real server, as it comes: checksums in trailers, streams, uploads in parts, pages, conditions and errors. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import {
  CopyObjectCommand, CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand, DeleteObjectsCommand, GetObjectAttributesCommand, GetObjectCommand, HeadBucketCommand, HeadObjectCommand,
  ListMultipartUploadsCommand, paginateListObjectsV2, paginateListParts, PutBucketVersioningCommand, PutObjectCommand, S3Client, S3ServiceException, waitUntilBucketExists, CreateMultipartUploadCommand, UploadPartCommand, AbortMultipartUploadCommand, ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { GoriProcess } from '../swift/gori-process.ts';

let gori: GoriProcess;
let s3: S3Client;
const Bucket = 'sdk-bucket';

before(async () => {
  gori = await GoriProcess.start();
  s3 = new S3Client({ endpoint: gori.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: 'test:tester', secretAccessKey: 'testing' }, maxAttempts: 1 });
  await s3.send(new CreateBucketCommand({ Bucket }));
  await waitUntilBucketExists({ client: s3, minDelay: 1, maxWaitTime: 5 }, { Bucket });
});

after(async () => {
  s3.destroy();
  assert.deepEqual(gori.complaints, []);
  await gori[Symbol.asyncDispose]();
});

async function bytesOf(Key: string, more: { Range?: string; VersionId?: string } = {}): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from(await Body!.transformToByteArray());
}

/** The name and status of the error that a call ends with. */
async function refusal(call: Promise<unknown>): Promise<[name: string, status: number | undefined]> {
  const error = await call.then(() => assert.fail('it was not refused'), (reason: unknown) => reason);
  assert.ok(error instanceof S3ServiceException, String(error));
  return [error.name, error.$metadata.httpStatusCode];
}

test('an object goes in with the checksum that the SDK makes, and comes out checked, with what was said of it', async () => {
  const data = randomBytes(200_000);
  const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'a b/ü+%', Body: data, ContentType: 'text/x-odd', Metadata: { note: 'two words' }, CacheControl: 'no-cache' }));
  assert.ok(put.ChecksumCRC32 !== undefined);
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a b/ü+%', ChecksumMode: 'ENABLED' }));
  assert.deepEqual([head.ContentLength, head.ContentType, head.Metadata, head.CacheControl, head.ChecksumCRC32, head.ETag], [200_000, 'text/x-odd', { note: 'two words' }, 'no-cache', put.ChecksumCRC32, put.ETag]);
  assert.deepEqual(await bytesOf('a b/ü+%'), data);
  assert.deepEqual(await bytesOf('a b/ü+%', { Range: 'bytes=-10' }), data.subarray(-10));
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${encodeURIComponent('a b/ü+%')}` }));
  assert.deepEqual(await bytesOf('copy'), data);
  for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
    const stored = await s3.send(new PutObjectCommand({ Bucket, Key: algorithm, Body: data, ChecksumAlgorithm: algorithm })).catch((error: unknown) => {
      // The SDK leaves two of them to packages of native code.
      if (/CRC64NVME|CRC32C/.test(algorithm) && !(error instanceof S3ServiceException)) return undefined;
      throw error;
    });
    if (stored !== undefined) assert.deepEqual(await bytesOf(algorithm), data, algorithm);
  }
});

test('a stream of known length goes in frames with its checksum behind it; of a wrong length it is refused and leaves nothing', async () => {
  const data = randomBytes(3 << 20);
  const chunks = (): Readable => Readable.from((function* () { for (let at = 0; at < data.length; at += 65_536) yield data.subarray(at, at + 65_536); })());
  await s3.send(new PutObjectCommand({ Bucket, Key: 'stream', Body: chunks(), ContentLength: data.length }));
  assert.deepEqual(await bytesOf('stream'), data);
  await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: 'lie', Body: chunks(), ContentLength: data.length - 1 })));
  assert.deepEqual(await refusal(s3.send(new HeadObjectCommand({ Bucket, Key: 'lie' }))), ['NotFound', 404]);
});

test('a stream of unknown length goes up in parts, whole', async () => {
  const sent = createHash('sha256');
  const source = Readable.from((function* () { for (let i = 0; i < 280; i++) { const piece = randomBytes(65_536 - (i % 7)); sent.update(piece); yield piece; } })());
  const done = await new Upload({ client: s3, params: { Bucket, Key: 'large', Body: source }, queueSize: 3, partSize: 5 << 20 }).done();
  assert.match(done.ETag!, /-4"$/);
  assert.equal(createHash('sha256').update(await bytesOf('large')).digest('hex'), sent.digest('hex'));
  const attributes = await s3.send(new GetObjectAttributesCommand({ Bucket, Key: 'large', ObjectAttributes: ['ObjectParts', 'ObjectSize', 'Checksum'] }));
  assert.deepEqual([attributes.ObjectParts?.TotalPartsCount, attributes.ObjectSize], [4, (await s3.send(new HeadObjectCommand({ Bucket, Key: 'large' }))).ContentLength]);
  const second = await s3.send(new GetObjectCommand({ Bucket, Key: 'large', PartNumber: 2 }));
  assert.deepEqual([second.ContentLength, second.PartsCount], [5 << 20, 4]);
  await second.Body!.transformToByteArray();
  assert.deepEqual((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? [], []);
});

test('an upload that is aborted leaves nothing', async () => {
  const upload = new Upload({ client: s3, params: { Bucket, Key: 'aborted', Body: Readable.from((async function* () { for (;;) { yield randomBytes(1 << 20); await new Promise(setImmediate); } })()) }, partSize: 5 << 20 });
  upload.on('httpUploadProgress', () => void upload.abort());
  await assert.rejects(upload.done(), { name: 'AbortError' });
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of Uploads) await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  assert.deepEqual(await refusal(s3.send(new HeadObjectCommand({ Bucket, Key: 'aborted' }))), ['NotFound', 404]);
});

test('pages of a listing, and of parts, are all there is', async () => {
  const keys = Array.from({ length: 25 }, (_, i) => `page/${String(i).padStart(3, '0')} &<é`);
  await Promise.all(keys.map((Key) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))));
  const seen: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3, pageSize: 7 }, { Bucket, Prefix: 'page/' })) seen.push(...Contents.map(({ Key }) => Key!));
  assert.deepEqual(seen, keys);
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
  for (let PartNumber = 1; PartNumber <= 5; PartNumber++) await s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber, Body: String(PartNumber) }));
  const numbers: number[] = [];
  for await (const { Parts = [] } of paginateListParts({ client: s3, pageSize: 2 }, { Bucket, Key: 'parts', UploadId })) numbers.push(...Parts.map(({ PartNumber }) => PartNumber!));
  assert.deepEqual(numbers, [1, 2, 3, 4, 5]);
  await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'parts', UploadId }));
  const gone = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
  assert.deepEqual([gone.Deleted?.length, gone.Errors], [25, undefined]);
});

test('of sixteen that would all be the first, one is', async () => {
  for (let round = 0; round < 5; round++) {
    const Key = `race-${round}`;
    const names = await Promise.all(
      Array.from({ length: 16 }, (_, i) => s3.send(new PutObjectCommand({ Bucket, Key, Body: `writer ${i}`, IfNoneMatch: '*' })).then(() => `writer ${i}`, (error: unknown) => error as S3ServiceException)),
    );
    const winners = names.filter((name) => typeof name === 'string');
    assert.equal(winners.length, 1);
    for (const name of names) if (typeof name !== 'string') assert.ok(['PreconditionFailed', 'ConditionalRequestConflict'].includes(name.name), `${name.name} ${name.message}`);
    assert.equal((await bytesOf(Key)).toString(), winners[0]);
  }
  const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'race-0' }));
  const swaps = await Promise.allSettled(Array.from({ length: 16 }, (_, i) => s3.send(new PutObjectCommand({ Bucket, Key: 'race-0', Body: `swap ${i}`, IfMatch: ETag }))));
  assert.equal(swaps.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('errors have the names that programs look for', async () => {
  const Key = 'none';
  assert.deepEqual(await refusal(s3.send(new GetObjectCommand({ Bucket, Key }))), ['NoSuchKey', 404]);
  assert.deepEqual(await refusal(s3.send(new HeadObjectCommand({ Bucket, Key }))), ['NotFound', 404]);
  assert.deepEqual(await refusal(s3.send(new HeadBucketCommand({ Bucket: 'no-such-bucket' }))), ['NotFound', 404]);
  assert.deepEqual(await refusal(s3.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key }))), ['NoSuchBucket', 404]);
  assert.deepEqual(await refusal(s3.send(new CreateBucketCommand({ Bucket: 'Bad_Name' }))), ['InvalidBucketName', 400]);
  assert.deepEqual(await refusal(s3.send(new DeleteBucketCommand({ Bucket }))), ['BucketNotEmpty', 409]);
  assert.deepEqual(await refusal(s3.send(new UploadPartCommand({ Bucket, Key, UploadId: 'nope', PartNumber: 1, Body: 'x' }))), ['NoSuchUpload', 404]);
  assert.deepEqual(await refusal(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' }))), ['BadDigest', 400]);
  assert.deepEqual(await refusal(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ChecksumSHA256: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' }))), ['BadDigest', 400]);
  assert.deepEqual(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'race-1', Range: 'bytes=1000-' }))), ['InvalidRange', 416]);
  // Whoever may not write hears nothing of uploads.
  assert.equal((await fetch(`${gori.endpoint}/${Bucket}/${Key}?partNumber=1&uploadId=nope`, { method: 'PUT', headers: { 'x-amz-copy-source': `${Bucket}/race-1` } })).status, 403);
  const wrong = (accessKeyId: string, secretAccessKey: string): S3Client => new S3Client({ endpoint: gori.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });
  assert.deepEqual(await refusal(wrong('nobody', 'x').send(new GetObjectCommand({ Bucket, Key }))), ['InvalidAccessKeyId', 403]);
  assert.deepEqual(await refusal(wrong('test:tester', 'x').send(new GetObjectCommand({ Bucket, Key }))), ['SignatureDoesNotMatch', 403]);
});

test('versions are kept, and end one by one', async () => {
  const versions = { Bucket: 'sdk-versions' };
  await s3.send(new CreateBucketCommand(versions));
  await s3.send(new PutBucketVersioningCommand({ ...versions, VersioningConfiguration: { Status: 'Enabled' } }));
  const ids: string[] = [];
  for (const Body of ['one', 'two']) ids.push((await s3.send(new PutObjectCommand({ ...versions, Key: 'k', Body }))).VersionId!);
  const marker = await s3.send(new DeleteObjectCommand({ ...versions, Key: 'k' }));
  assert.equal(marker.DeleteMarker, true);
  assert.deepEqual(await refusal(s3.send(new GetObjectCommand({ ...versions, Key: 'k' }))), ['NoSuchKey', 404]);
  const old = await s3.send(new GetObjectCommand({ ...versions, Key: 'k', VersionId: ids[0]! }));
  assert.equal(await old.Body!.transformToString(), 'one');
  const listed = await s3.send(new ListObjectVersionsCommand(versions));
  assert.deepEqual([listed.Versions?.map(({ VersionId }) => VersionId), listed.DeleteMarkers?.map(({ VersionId }) => VersionId)], [ids.toReversed(), [marker.VersionId]]);
  for (const VersionId of [...ids, marker.VersionId!]) await s3.send(new DeleteObjectCommand({ ...versions, Key: 'k', VersionId }));
  await s3.send(new DeleteBucketCommand(versions));
});

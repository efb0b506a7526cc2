/** One namespace, two dialects: what is written by one is read, listed, copied and deleted by the other. */
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { GoriProcess } from '../swift/gori-process.ts';
import { S3Session, swiftSession, texts, type SwiftAsk } from './session.ts';

let gori: GoriProcess;
let s3: S3Session;
let swift: SwiftAsk;

before(async () => {
  gori = await GoriProcess.start();
  s3 = new S3Session(gori.endpoint);
  swift = await swiftSession(gori);
});

after(async () => {
  assert.deepEqual(gori.complaints, []);
  await gori[Symbol.asyncDispose]();
});

test('a container of Swift is a bucket for its owner, with metadata both ways', async () => {
  assert.equal((await swift('PUT', '/made-by-swift')).status, 201);
  await swift('PUT', '/made-by-swift/a%20b', { body: 'hello', headers: { 'X-Object-Meta-Colour': 'blue', 'Content-Type': 'text/x-odd' } });
  const seen = await s3.ask('GET', '/made-by-swift/a%20b');
  assert.deepEqual([seen.status, seen.body.toString(), seen.headers.get('x-amz-meta-colour'), seen.headers.get('content-type'), seen.headers.get('etag')], [200, 'hello', 'blue', 'text/x-odd', `"${hash('md5', 'hello', 'hex')}"`]);
  await s3.well('PUT', '/made-by-swift/from-s3', { body: 'hi', headers: { 'x-amz-meta-note': 'two' } });
  const shown = await swift('GET', '/made-by-swift/from-s3');
  assert.deepEqual([await shown.text(), shown.headers.get('x-object-meta-note')], ['hi', 'two']);
  assert.deepEqual(texts(await s3.well('GET', '/made-by-swift?list-type=2'), 'Key'), ['a b', 'from-s3']);
  assert.equal(await (await swift('GET', '/made-by-swift')).text(), 'a b\nfrom-s3\n');
  assert.ok(texts(await s3.well('GET', '/'), 'Name').includes('made-by-swift'));
  assert.equal((await swift('DELETE', '/made-by-swift/from-s3')).status, 204);
  assert.equal((await s3.ask('GET', '/made-by-swift/from-s3')).status, 404);
  await s3.well('DELETE', '/made-by-swift/a%20b');
  await s3.well('DELETE', '/made-by-swift');
  assert.equal((await swift('HEAD', '/made-by-swift')).status, 404);
});

test('an upload in parts is one object for Swift, without a container of parts to be seen, and its parts end with it', async () => {
  await s3.well('PUT', '/parts');
  const id = texts(await s3.well('POST', '/parts/big?uploads='), 'UploadId')[0]!;
  const pieces = [randomBytes(5 << 20), randomBytes(1000)];
  const tags: string[] = [];
  for (const [i, piece] of pieces.entries()) tags.push((await s3.ask('PUT', `/parts/big?partNumber=${i + 1}&uploadId=${id}`, { body: piece })).headers.get('etag')!);
  const list = tags.map((tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${tag}</ETag></Part>`).join('');
  const complete = (): Promise<string> => s3.well('POST', `/parts/big?uploadId=${id}`, { body: `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>` });
  const etag = `"${hash('md5', Buffer.concat(pieces.map((piece) => hash('md5', piece, 'buffer'))), 'hex')}-2"`;
  assert.deepEqual(texts(await complete(), 'ETag'), [etag]);
  assert.deepEqual(texts(await complete(), 'ETag'), [etag], 'and again');
  const whole = await swift('GET', '/parts/big');
  assert.deepEqual([whole.headers.get('etag'), Buffer.from(await whole.arrayBuffer()).equals(Buffer.concat(pieces))], [etag, true]);
  const range = await swift('GET', '/parts/big', { headers: { Range: `bytes=${(5 << 20) - 2}-${(5 << 20) + 1}` } });
  assert.deepEqual(Buffer.from(await range.arrayBuffer()), Buffer.concat(pieces).subarray((5 << 20) - 2, (5 << 20) + 2));
  assert.equal(await (await swift('GET', '')).text(), 'parts\n');
  await s3.well('DELETE', '/parts/big');
  await s3.well('DELETE', '/parts');
});

test("a static large object of Swift's is read by S3, whole and in ranges", async () => {
  await swift('PUT', '/slo');
  const pieces = [randomBytes(1000), randomBytes(2000)];
  for (const [i, piece] of pieces.entries()) await swift('PUT', `/slo/seg${i}`, { body: piece });
  const put = await swift('PUT', '/slo/whole?multipart-manifest=put', { body: JSON.stringify(pieces.map((_, i) => ({ path: `/slo/seg${i}` }))) });
  assert.equal(put.status, 201);
  assert.deepEqual((await s3.ask('GET', '/slo/whole')).body, Buffer.concat(pieces));
  const part = await s3.ask('GET', '/slo/whole', { headers: { Range: 'bytes=990-1009' } });
  assert.deepEqual([part.status, part.body], [206, Buffer.concat(pieces).subarray(990, 1010)]);
  assert.deepEqual(texts(await s3.well('GET', '/slo?prefix=whole'), 'Size'), ['3000']);
  for (const name of ['whole', 'seg0', 'seg1']) await s3.well('DELETE', `/slo/${name}`);
  await s3.well('DELETE', '/slo');
});

test("a dynamic large object of Swift's is what it makes: read, in ranges, copied whole, and nobody's who may not read its segments", async () => {
  await swift('PUT', '/dynamic');
  await swift('PUT', '/dynamic-segments');
  const pieces = [randomBytes(1000), randomBytes(2000), randomBytes(3)];
  for (const [i, piece] of pieces.entries()) await swift('PUT', `/dynamic-segments/a%20b/${i}`, { body: piece });
  assert.equal((await swift('PUT', '/dynamic/whole', { headers: { 'X-Object-Manifest': 'dynamic-segments/a%20b/', 'X-Object-Meta-Colour': 'blue' } })).status, 201);
  const whole = Buffer.concat(pieces);
  const tag = `"${hash('md5', pieces.map((piece) => hash('md5', piece, 'hex')).join(''), 'hex')}-N"`;
  const [got, head] = [await s3.ask('GET', '/dynamic/whole'), await s3.ask('HEAD', '/dynamic/whole')];
  assert.deepEqual(got.body, whole);
  for (const { status, headers } of [got, head]) assert.deepEqual([status, headers.get('content-length'), headers.get('etag'), headers.get('x-amz-meta-colour')], [200, '3003', tag, 'blue']);
  const range = await s3.ask('GET', '/dynamic/whole', { headers: { Range: 'bytes=990-1009' } });
  assert.deepEqual([range.status, range.headers.get('content-range'), range.body], [206, 'bytes 990-1009/3003', whole.subarray(990, 1010)]);
  assert.equal((await s3.ask('GET', '/dynamic/whole', { headers: { 'If-None-Match': tag } })).status, 304);
  assert.deepEqual(texts(await s3.well('GET', '/dynamic/whole?attributes', { headers: { 'x-amz-object-attributes': 'ObjectSize' } }), 'ObjectSize'), ['3003']);
  await s3.well('PUT', '/dynamic/copy', { headers: { 'x-amz-copy-source': 'dynamic/whole' } });
  const copy = await s3.ask('GET', '/dynamic/copy');
  assert.deepEqual([copy.body, copy.headers.get('etag')], [whole, `"${hash('md5', whole, 'hex')}"`]);
  // The right to read it is not the right to read what it names.
  const allow = (bucket: string): string => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` }] });
  const anybody = async (): Promise<unknown[]> => {
    const [read, seen] = [await fetch(`${gori.endpoint}/dynamic/whole`), await fetch(`${gori.endpoint}/dynamic/whole`, { method: 'HEAD' })];
    return [read.status, read.status === 200 ? (await read.arrayBuffer()).byteLength : undefined, seen.status];
  };
  await s3.well('PUT', '/dynamic?policy', { body: allow('dynamic') });
  assert.deepEqual(await anybody(), [403, undefined, 403]);
  await s3.well('PUT', '/dynamic-segments?policy', { body: allow('dynamic-segments') });
  assert.deepEqual(await anybody(), [200, 3003, 200]);
  // One that names itself is an end in itself, and one that leads nowhere is nothing.
  await swift('PUT', '/dynamic/self', { headers: { 'X-Object-Manifest': 'dynamic/self' } });
  assert.deepEqual([(await s3.ask('GET', '/dynamic/self')).status, (await s3.ask('GET', '/dynamic/self')).body.length], [200, 0]);
  await swift('PUT', '/dynamic/nowhere', { headers: { 'X-Object-Manifest': 'no-such-container/x' } });
  assert.equal((await s3.ask('GET', '/dynamic/nowhere')).status, 404);
  for (const name of ['whole', 'copy', 'self', 'nowhere']) await s3.well('DELETE', `/dynamic/${name}`);
  for (const i of pieces.keys()) await s3.well('DELETE', `/dynamic-segments/a%20b/${i}`);
  for (const bucket of ['dynamic', 'dynamic-segments']) await s3.well('DELETE', `/${bucket}`);
});

test("a static large object's tag is no MD5, in any answer, and one whose segments changed is refused before a byte", async () => {
  await swift('PUT', '/tags');
  await swift('PUT', '/tags/seg', { body: 'aaaa' });
  await swift('PUT', '/tags/whole?multipart-manifest=put', { body: JSON.stringify([{ path: '/tags/seg' }]) });
  const tag = `"${hash('md5', hash('md5', 'aaaa', 'hex'), 'hex')}-N"`;
  assert.equal((await s3.ask('HEAD', '/tags/whole')).headers.get('etag'), tag);
  assert.deepEqual(texts(await s3.well('GET', '/tags?prefix=whole'), 'ETag'), [tag]);
  assert.equal((await s3.ask('GET', '/tags/whole', { headers: { 'If-Match': tag } })).status, 200);
  assert.equal((await s3.ask('PUT', '/tags/whole', { body: 'x', headers: { 'If-Match': '"other"' } })).status, 412);
  await swift('PUT', '/tags/seg', { body: 'bbbb' });
  const refused = await s3.ask('GET', '/tags/whole');
  assert.deepEqual([refused.status, texts(refused.body.toString(), 'Code')], [409, ['OperationAborted']]);
  await s3.well('PUT', '/tags/whole', { body: 'x', headers: { 'If-Match': tag } });
  for (const name of ['whole', 'seg']) await s3.well('DELETE', `/tags/${name}`);
  await s3.well('DELETE', '/tags');
});

test("links of Swift's lead where their reader may go; a static one to one state only", async () => {
  await swift('PUT', '/links');
  await swift('PUT', '/link-targets');
  await swift('PUT', '/link-targets/o', { body: 'target' });
  await swift('PUT', '/links/soft', { headers: { 'X-Symlink-Target': 'link-targets/o' } });
  assert.equal((await swift('PUT', '/links/hard', { headers: { 'X-Symlink-Target': 'link-targets/o', 'X-Symlink-Target-Etag': hash('md5', 'target', 'hex') } })).status, 201);
  for (const name of ['soft', 'hard']) assert.equal((await s3.ask('GET', `/links/${name}`)).body.toString(), 'target', name);
  assert.deepEqual(texts(await s3.well('GET', '/links?prefix=hard'), 'Size'), ['6']);
  await s3.well('PUT', '/links?policy', { body: JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::links/*' }] }) });
  assert.equal((await fetch(`${gori.endpoint}/links/soft`)).status, 403);
  await swift('PUT', '/link-targets/o', { body: 'changed' });
  assert.equal((await s3.ask('GET', '/links/soft')).body.toString(), 'changed');
  assert.equal((await s3.ask('GET', '/links/hard')).status, 409);
  assert.equal((await s3.ask('HEAD', '/links/hard')).status, 409);
  await swift('PUT', '/links/a', { headers: { 'X-Symlink-Target': 'links/b' } });
  await swift('PUT', '/links/b', { headers: { 'X-Symlink-Target': 'links/a' } });
  assert.equal((await s3.ask('GET', '/links/a')).status, 400);
  for (const name of ['soft', 'hard', 'a', 'b']) await s3.well('DELETE', `/links/${name}`);
  await s3.well('DELETE', '/link-targets/o');
  for (const bucket of ['links', 'link-targets']) await s3.well('DELETE', `/${bucket}`);
});

test("a link into another account's bucket, with versions too, is read by whom its target lets", async () => {
  const owner = await gori.login('admin:admin', 'admin');
  const other = (method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Response> => fetch(`${owner.url}${path}`, { method, headers: { 'X-Auth-Token': owner.token, ...headers }, ...(body === undefined ? {} : { body }) });
  const theirs = new S3Session(gori.endpoint, 'admin:admin', 'admin');
  const account = owner.url.slice(owner.url.lastIndexOf('/') + 1);
  await swift('PUT', '/links-abroad');
  for (const bucket of ['abroad', 'abroad-versions']) {
    await theirs.well('PUT', `/${bucket}`);
    if (bucket.endsWith('versions')) await theirs.well('PUT', `/${bucket}?versioning`, { body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>' });
    await theirs.well('PUT', `/${bucket}/o`, { body: 'before' });
    await theirs.well('PUT', `/${bucket}/o`, { body: 'theirs' });
    // Swift lets whom its own lists let in; S3 asks its own at the target.
    await other('POST', `/${bucket}`, { 'X-Container-Read': 'test:tester' });
    assert.equal((await swift('PUT', `/links-abroad/${bucket}`, { headers: { 'X-Symlink-Target': `${bucket}/o`, 'X-Symlink-Target-Account': account } })).status, 201);
    const read = async (): Promise<[number, string]> => {
      const { status, body } = await s3.ask('GET', `/links-abroad/${bucket}`);
      return [status, status === 200 ? body.toString() : ''];
    };
    assert.deepEqual(await read(), [403, ''], bucket);
    await theirs.well('PUT', `/${bucket}/o?acl`, { headers: { 'x-amz-grant-read': 'id=test:tester' } });
    assert.deepEqual(await read(), [200, 'theirs'], `${bucket}, by a list`);
    await theirs.well('PUT', `/${bucket}/o?acl`, { headers: { 'x-amz-acl': 'private' } });
    await theirs.well('PUT', `/${bucket}?policy`, { body: JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/o` }] }) });
    assert.deepEqual(await read(), [200, 'theirs'], `${bucket}, by a policy`);
    await theirs.well('PUT', `/${bucket}?policy`, { body: JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` }, { Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/o` }] }) });
    assert.deepEqual(await read(), [403, ''], `${bucket}, against a policy`);
  }
});

test("what expires by Swift's word is gone for S3 too", async () => {
  await swift('PUT', '/expiring');
  const at = Math.floor(Date.now() / 1000) + 2;
  await swift('PUT', '/expiring/o', { body: 'short', headers: { 'X-Delete-At': String(at) } });
  assert.equal((await s3.ask('GET', '/expiring/o')).body.toString(), 'short');
  await s3.well('PUT', '/expiring/copy', { headers: { 'x-amz-copy-source': 'expiring/o' } });
  while (Date.now() < at * 1000) await new Promise((resolve) => setTimeout(resolve, at * 1000 - Date.now()));
  assert.deepEqual([(await s3.ask('GET', '/expiring/o')).status, (await s3.ask('HEAD', '/expiring/o')).status, (await s3.ask('GET', '/expiring/copy')).status], [404, 404, 200]);
  assert.equal((await s3.ask('PUT', '/expiring/o', { body: 'again', headers: { 'If-None-Match': '*' } })).status, 200);
  for (const name of ['o', 'copy']) await s3.well('DELETE', `/expiring/${name}`);
  await s3.well('DELETE', '/expiring');
});

test('versions are the same versions in both', async () => {
  await s3.well('PUT', '/versions-of-both');
  await s3.well('PUT', '/versions-of-both?versioning', { body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>' });
  const first = (await s3.ask('PUT', '/versions-of-both/o', { body: 'one' })).headers.get('x-amz-version-id')!;
  const second = (await swift('PUT', '/versions-of-both/o', { body: 'two' })).headers.get('x-object-version-id')!;
  assert.equal(await (await swift('GET', `/versions-of-both/o?version-id=${first}`)).text(), 'one');
  assert.equal((await s3.ask('GET', `/versions-of-both/o?versionId=${second}`)).body.toString(), 'two');
  assert.equal((await swift('DELETE', '/versions-of-both/o')).status, 204);
  const gone = await s3.ask('GET', '/versions-of-both/o');
  assert.deepEqual([gone.status, gone.headers.get('x-amz-delete-marker')], [404, 'true']);
  const listed = await s3.well('GET', '/versions-of-both?versions');
  const ids = texts(listed, 'VersionId');
  assert.deepEqual(ids.slice(1), [second, first]);
  assert.equal((await s3.ask('DELETE', '/versions-of-both')).status, 409);
  for (const id of ids) await s3.well('DELETE', `/versions-of-both/o?versionId=${id}`);
  await s3.well('DELETE', '/versions-of-both');
});

test('what is encrypted under the client key of S3 is nobody elses to read', async () => {
  await s3.well('PUT', '/secrets');
  const key = randomBytes(32);
  const headers = { 'x-amz-server-side-encryption-customer-algorithm': 'AES256', 'x-amz-server-side-encryption-customer-key': key.toString('base64'), 'x-amz-server-side-encryption-customer-key-md5': hash('md5', key, 'base64') };
  await s3.well('PUT', '/secrets/o', { body: 'hush', headers });
  assert.equal((await s3.ask('GET', '/secrets/o', { headers })).body.toString(), 'hush');
  assert.equal((await s3.ask('GET', '/secrets/o')).status, 400);
  assert.equal((await swift('GET', '/secrets/o')).status, 403);
  await s3.well('DELETE', '/secrets/o');
  await s3.well('DELETE', '/secrets');
});

test('bad input is refused in words of S3, and never by a 5xx', async () => {
  await s3.well('PUT', '/bad-input');
  const asked: readonly (readonly [string, string, { headers?: Record<string, string>; body?: string }?])[] = [
    ['GET', '/bad-input/%00'], ['PUT', `/bad-input/${'k'.repeat(1025)}`, { body: 'x' }], ['GET', '/bad-input?max-keys=-1'], ['GET', '/bad-input?encoding-type=x'], ['GET', '/bad-input?continuation-token=%2F&list-type=2'],
    ['POST', '/bad-input?delete', { body: '<!DOCTYPE x [<!ENTITY a "b">]><Delete/>' }], ['PUT', '/bad-input?policy', { body: '{' }], ['PUT', '/bad-input?versioning', { body: '<a'.repeat(5000) }],
    ['PUT', '/bad-input?lifecycle', { body: '<LifecycleConfiguration><Rule/></LifecycleConfiguration>' }], ['PUT', '/bad-input/o', { body: 'x', headers: { 'x-amz-tagging': 'a=1&a=2' } }], ['PUT', '/bad-input/o', { body: 'x', headers: { 'x-amz-meta-big': 'y'.repeat(3000) } }],
    ['PUT', '/bad-input/o', { headers: { 'x-amz-copy-source': 'nowhere' } }], ['PUT', '/bad-input/o?partNumber=0&uploadId=x', { body: 'x' }], ['POST', '/bad-input/o?uploadId=x', { body: '<CompleteMultipartUpload/>' }], ['GET', '/bad-input/o?versionId=zzz'], ['PUT', '/Bad_Name'], ['DELETE', '/'],
  ];
  for (const [method, path, options] of asked) {
    const { status, body } = await s3.ask(method, path, options);
    assert.ok(status >= 400 && status < 500, `${method} ${path.slice(0, 60)}: ${status}`);
    assert.equal(texts(body.toString(), 'Code').length, 1, path.slice(0, 60));
  }
  assert.equal((await s3.ask('GET', '/bad-input?analytics')).status, 501);
  await s3.well('DELETE', '/bad-input');
});

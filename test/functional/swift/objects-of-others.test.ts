/** Requests that touch several objects, over HTTP against the real server: each rule allowed and refused. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { pack } from 'tar-stream';
import { GoriProcess } from './gori-process.ts';

const gori = await GoriProcess.start();
after(() => gori[Symbol.asyncDispose]());
const owner = await gori.login();
const guest = await gori.login('test:tester3', 'testing3');
const reseller = await gori.login('admin:admin', 'admin');

type Headers = Record<string, string>;

async function ask(method: string, path: string, { headers = {}, body, token = owner.token }: { headers?: Headers; body?: string | Buffer; token?: string } = {}): Promise<Response> {
  return fetch(owner.url + path, { method, headers: { 'X-Auth-Token': token, ...headers }, redirect: 'manual', ...(body === undefined ? {} : { body: body as string }) });
}

async function status(...parameters: Parameters<typeof ask>): Promise<number> {
  const answer = await ask(...parameters);
  await answer.arrayBuffer();
  return answer.status;
}

const text = async (...parameters: Parameters<typeof ask>): Promise<string> => (await ask(...parameters)).text();
const md5 = (data: string): string => createHash('md5').update(data).digest('hex');

async function tarOf(files: readonly { name: string; data: string; pax?: Headers }[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, data, pax } of files) archive.entry({ name, ...(pax === undefined ? {} : { pax }) }, data);
  archive.finalize();
  return Buffer.concat(await Array.fromAsync(archive as unknown as AsyncIterable<Buffer>));
}

test('the segments of a static large object are read with the reader’s own right', async () => {
  for (const container of ['slo', 'slo-segments', 'slo-more']) await status('PUT', `/${container}`);
  await status('PUT', '/slo-segments/a', { body: 'aaaa' });
  await status('PUT', '/slo-more/b', { body: 'bbbb' });
  const manifest = JSON.stringify([{ path: 'slo-segments/a' }, { path: 'slo-more/b' }]);
  assert.equal(await status('PUT', '/slo/o?multipart-manifest=put', { body: manifest }), 201);
  assert.equal(await text('GET', '/slo/o'), 'aaaabbbb');
  await status('POST', '/slo', { headers: { 'X-Container-Read': 'test:tester3' } });
  assert.equal(await status('GET', '/slo/o', { token: guest.token }), 409);
  await status('POST', '/slo-segments', { headers: { 'X-Container-Read': 'test:tester3' } });
  // The first segment may be read: the answer has begun when the second may not, and breaks off.
  await assert.rejects(text('GET', '/slo/o', { token: guest.token }));
  await status('POST', '/slo-more', { headers: { 'X-Container-Read': 'test:tester3' } });
  assert.equal(await text('GET', '/slo/o', { token: guest.token }), 'aaaabbbb');
});

test('a manifest that lies, or changes under its reader, is refused', async () => {
  const put = (entries: unknown, headers: Headers = {}): Promise<Response> => ask('PUT', '/slo/lie?multipart-manifest=put', { body: JSON.stringify(entries), headers });
  const wrong = await put([{ path: 'slo-segments/a', etag: 'nope', size_bytes: 5 }, { path: 'slo-segments/none' }]);
  assert.equal(wrong.status, 400);
  assert.equal(await wrong.text(), 'Errors:\nslo-segments/a, Size Mismatch\nslo-segments/a, Etag Mismatch\nslo-segments/none, 404 Not Found\n');
  assert.equal((await put([{ path: 'slo-segments/a' }], { ETag: md5('other') })).status, 422);
  assert.equal((await put([{ path: 'slo-segments/a' }], { ETag: md5(md5('aaaa')) })).status, 201);
  assert.equal(await status('PUT', '/slo/x', { headers: { 'X-Static-Large-Object': 'true' }, body: '' }), 400);
  await status('PUT', '/slo-segments/a', { body: 'changed' });
  assert.equal(await status('GET', '/slo/lie'), 409);
  assert.equal(await status('HEAD', '/slo/lie'), 200);
  await status('PUT', '/slo-segments/a', { body: 'aaaa' });
});

test('one part of a static large object can be had by its number', async () => {
  const part = await ask('GET', '/slo/o?part-number=2');
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('x-parts-count'), '2');
  assert.equal(part.headers.get('content-range'), 'bytes 4-7/8');
  assert.equal(await part.text(), 'bbbb');
  assert.equal(await status('GET', '/slo/o?part-number=3'), 416);
  assert.equal(await status('GET', '/slo/o?part-number=0'), 400);
  assert.equal(await status('GET', '/slo/o?part-number=1', { headers: { Range: 'bytes=0-1' } }), 400);
});

test('a manifest is deleted with its segments, and stays where one of them may not be', async () => {
  await status('PUT', '/doomed');
  await status('PUT', '/doomed/s', { body: 'ssss' });
  await status('PUT', '/doomed/o?multipart-manifest=put', { body: JSON.stringify([{ path: 'doomed/s' }]) });
  await status('POST', '/doomed', { headers: { 'X-Container-Write': 'test:tester3', 'X-Container-Read': 'test:tester3' } });
  await status('PUT', '/doomed/mixed?multipart-manifest=put', { body: JSON.stringify([{ path: 'doomed/s' }, { path: 'slo-more/b' }]) });
  const json = { Accept: 'application/json' };
  const refused = (await (await ask('DELETE', '/doomed/mixed?multipart-manifest=delete', { headers: json, token: guest.token })).json()) as Record<string, unknown>;
  assert.equal(refused['Response Status'], '400 Bad Request');
  assert.deepEqual(refused['Errors'], [['/slo-more/b', '403 Forbidden']]);
  assert.equal(await status('HEAD', '/doomed/mixed'), 200);
  await status('PUT', '/doomed/s', { body: 'ssss' });
  const done = (await (await ask('DELETE', '/doomed/o?multipart-manifest=delete', { headers: json })).json()) as Record<string, unknown>;
  assert.deepEqual(done, { 'Response Status': '200 OK', 'Response Body': '', 'Number Deleted': 2, 'Number Not Found': 0, Errors: [] });
  const plain = (await (await ask('DELETE', '/slo-more/b?multipart-manifest=delete', { headers: json })).json()) as Record<string, unknown>;
  assert.equal(plain['Response Status'], '400 Bad Request');
  assert.equal(await status('HEAD', '/slo-more/b'), 200);
});

test('a dynamic large object of more than a page of segments has no length and no tag, and every byte', async () => {
  const names = Array.from({ length: 10_001 }, (_, i) => `dlo/s${String(i).padStart(5, '0')}`);
  const made = (await (await ask('PUT', '?extract-archive=tar', { body: await tarOf(names.map((name) => ({ name, data: name.slice(-1) }))), headers: { Accept: 'application/json' } })).json()) as Record<string, unknown>;
  assert.equal(made['Number Files Created'], 10_001);
  await status('PUT', '/slo/dynamic', { body: '', headers: { 'X-Object-Manifest': 'dlo/s' } });
  const whole = await ask('GET', '/slo/dynamic');
  assert.equal(whole.headers.get('content-length'), null);
  assert.equal(whole.headers.get('etag'), null);
  assert.equal(await whole.text(), names.map((name) => name.slice(-1)).join(''));
  const part = await ask('GET', '/slo/dynamic', { headers: { Range: 'bytes=9990-9994' } });
  assert.equal(part.status, 206);
  assert.equal(await part.text(), '01234');
  assert.equal(await status('COPY', '/slo/dynamic', { headers: { Destination: 'slo/copy' } }), 413);
  const gone = (await (await ask('POST', '?bulk-delete', { body: names.slice(0, 10_000).join('\n'), headers: { Accept: 'application/json', 'Content-Type': 'text/plain' } })).json()) as Record<string, unknown>;
  assert.equal(gone['Number Deleted'], 10_000);
  const tooMany = (await (await ask('POST', '?bulk-delete', { body: names.join('\n'), headers: { Accept: 'application/json', 'Content-Type': 'text/plain' } })).json()) as Record<string, unknown>;
  assert.equal(tooMany['Response Status'], '413 Request Entity Too Large');
});

test('an archive carries metadata in its extended attributes, and what it may not write it names', async () => {
  const archive = await tarOf([{ name: './tarred/a.txt', data: 'hello', pax: { 'SCHILY.xattr.user.mime_type': 'text/funny', 'SCHILY.xattr.user.meta.Lunch': 'burger', 'SCHILY.xattr.user.other': 'x' } }]);
  assert.match(await text('PUT', '?extract-archive=tar', { body: archive }), /Number Files Created: 1/);
  const head = await ask('HEAD', '/tarred/a.txt');
  assert.deepEqual([head.headers.get('content-type'), head.headers.get('x-object-meta-lunch')], ['text/funny', 'burger']);
  const refused = await text('PUT', '?extract-archive=tar', { body: archive, token: guest.token });
  assert.match(refused, /Response Status: 400 Bad Request/);
  assert.match(refused, /tarred\/a.txt, 403 Forbidden/);
  assert.match(await text('PUT', '?extract-archive=tar.bz2', { body: archive }), /Invalid Tar File/);
  assert.equal(await status('PUT', '?extract-archive=zip', { body: archive }), 400);
  assert.match(await text('PUT', '?extract-archive=tar', { body: archive, headers: { Accept: 'image/png' } }), /Response Status: 406/);
});

test('symbolic links lead as far as they may, to what they were made for', async () => {
  await status('PUT', '/links');
  await status('PUT', '/links/target', { body: 'target' });
  const link = (name: string, target: string, headers: Headers = {}): Promise<number> => status('PUT', `/links/${name}`, { body: '', headers: { 'X-Symlink-Target': target, ...headers } });
  assert.equal(await link('one', 'links/target'), 201);
  assert.equal(await link('two', 'links/one'), 201);
  assert.equal(await link('three', 'links/two'), 201);
  assert.equal(await text('GET', '/links/two'), 'target');
  assert.equal(await status('GET', '/links/three'), 409);
  assert.equal(await link('self', 'links/self'), 400);
  assert.equal(await link('bad', 'nowhere'), 412);
  assert.equal(await link('static', 'links/target', { 'X-Symlink-Target-Etag': md5('other') }), 409);
  assert.equal(await link('static', 'links/target', { 'X-Symlink-Target-Etag': md5('target') }), 201);
  const posted = await ask('POST', '/links/one', { headers: { 'X-Object-Meta-Of': 'link' } });
  assert.deepEqual([posted.status, posted.headers.get('location')], [307, new URL(`${owner.url}/links/target`).pathname]);
  await posted.text();
  await status('PUT', '/links/target', { body: 'changed' });
  assert.equal(await status('GET', '/links/static'), 409);
  assert.equal(await text('GET', '/links/one'), 'changed');
  await status('PUT', '/public', { headers: { 'X-Container-Read': 'test:tester3' } });
  await status('PUT', '/public/link', { body: '', headers: { 'X-Symlink-Target': 'links/target' } });
  assert.equal(await status('GET', '/public/link', { token: guest.token }), 403);
});

test('versions: the past is the owner’s, and a container goes when it has none', async () => {
  await status('PUT', '/kept', { headers: { 'X-Versions-Enabled': 'true', 'X-Container-Read': 'test:tester3' } });
  const first = (await ask('PUT', '/kept/o', { body: 'one' })).headers.get('x-object-version-id')!;
  await status('PUT', '/kept/o', { body: 'two' });
  assert.equal(await text('GET', `/kept/o?version-id=${first}`), 'one');
  assert.equal(await text('GET', '/kept/o', { token: guest.token }), 'two');
  assert.equal(await status('GET', `/kept/o?version-id=${first}`, { token: guest.token }), 403);
  assert.equal(await status('POST', `/kept/o?version-id=${first}`), 400);
  assert.equal(await status('GET', '/links/target?version-id=1'), 400);
  assert.equal(await status('POST', '/kept', { headers: { 'X-Versions-Location': 'links' } }), 204);
  assert.equal(await status('POST', '/kept', { headers: { 'X-Versions-Enabled': 'true' } }), 400);
  assert.equal(await status('DELETE', '/kept/o'), 204);
  assert.equal(await status('DELETE', '/kept'), 409);
  const versions = (await (await ask('GET', '/kept?versions')).json()) as { name: string; version_id: string }[];
  assert.equal(versions.length, 3);
  for (const { name, version_id } of versions) assert.equal(await status('DELETE', `/kept/${name}?version-id=${version_id}`), 204);
  assert.equal(await status('DELETE', '/kept'), 204);
});

test('quotas hold uploads, copies and manifests; what fits exactly is taken', async () => {
  await status('PUT', '/small', { headers: { 'X-Container-Meta-Quota-Bytes': '10', 'X-Container-Meta-Quota-Count': '2' } });
  assert.equal(await status('PUT', '/small/a', { body: '0123456789' }), 201);
  assert.equal(await status('PUT', '/small/b', { body: '1' }), 413);
  assert.equal(await status('COPY', '/slo/o', { headers: { Destination: 'small/b' } }), 413);
  assert.equal(await status('PUT', '/small/b', { body: '' }), 201);
  assert.equal(await status('PUT', '/small/c', { body: '' }), 413);
  assert.equal(await status('POST', '/small', { headers: { 'X-Container-Meta-Quota-Bytes': 'x' } }), 400);
  assert.equal(await status('POST', '', { headers: { 'X-Account-Quota-Count': '1' } }), 403);
  assert.equal(await status('POST', '', { headers: { 'X-Account-Quota-Bytes': 'x' }, token: reseller.token }), 400);
  assert.equal(await status('POST', '', { headers: { 'X-Account-Quota-Bytes': '0' }, token: reseller.token }), 204);
  assert.equal((await ask('HEAD', '')).headers.get('x-account-quota-bytes'), '0');
  assert.equal(await status('PUT', '/links/more', { body: '1' }), 413);
  assert.equal(await status('PUT', '/links/more', { body: '1', token: reseller.token }), 201);
  assert.equal(await status('POST', '', { headers: { 'X-Remove-Account-Quota-Bytes': 'x' }, token: reseller.token }), 204);
  const policy = (await ask('HEAD', '/links')).headers.get('x-storage-policy')!;
  await status('POST', '', { headers: { [`X-Account-Quota-Bytes-Policy-${policy}`]: '0' }, token: reseller.token });
  assert.equal(await text('PUT', '/links/more', { body: '12' }), 'Upload exceeds policy quota.');
  await status('POST', '', { headers: { [`X-Remove-Account-Quota-Bytes-Policy-${policy}`]: 'x' }, token: reseller.token });
  assert.equal(await status('PUT', '/links/more', { body: '12' }), 201);
});

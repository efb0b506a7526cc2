/** Real clients against a real server: what goes in by `swift`, `rclone` and `curl` comes out again, whatever it is called. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GoriProcess } from './gori-process.ts';
import { contentsOf, CONTROL_NAMES, differences, makeOddTree, ODD_NAMES, patterned } from './odd-tree.ts';
import { clientEnvironment, missing, run, runWell } from './programs.ts';

let gori: GoriProcess;
let scratch: string;
let source: string;
let env: NodeJS.ProcessEnv;

before(async () => {
  gori = await GoriProcess.start();
  scratch = await mkdtemp(path.join(tmpdir(), 'gori-clients-'));
  source = path.join(scratch, 'source');
  env = clientEnvironment(gori.endpoint);
  await makeOddTree(source, [...ODD_NAMES, ...CONTROL_NAMES]);
});

after(async () => {
  await gori[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
});

const back = (name: string): string => path.join(scratch, name);

describe('swift', { skip: missing('swift') }, () => {
  const swift = (...args: string[]): Promise<string> => runWell(['swift', ...args], { env, cwd: source });

  test('a tree of odd names goes up, is listed, and comes down the same', async () => {
    const wanted = await contentsOf(source);
    await swift('upload', 'swift-tree', '.');
    const listed = JSON.parse(await swift('list', 'swift-tree', '--json')) as { name: string; bytes: number; hash: string }[];
    assert.deepEqual(differences(wanted, new Map(listed.map(({ name, hash }) => [name, hash]))), []);
    await swift('download', 'swift-tree', '-D', back('swift-tree'));
    assert.deepEqual(differences(wanted, await contentsOf(back('swift-tree'))), []);
  });

  test('what is there already is not sent again', async () => {
    const timestamp = async (): Promise<string> => /X-Timestamp: (.*)/.exec(await swift('stat', 'swift-tree', 'constructor'))![1]!;
    const before = await timestamp();
    await swift('upload', '--skip-identical', 'swift-tree', 'constructor');
    assert.equal(await timestamp(), before);
  });

  test('metadata is set, shown and replaced, of objects, containers and accounts', async () => {
    await swift('post', 'swift-meta', '-r', '.r:*,.rlistings', '-m', 'Colour: light blue');
    await swift('upload', 'swift-meta', 'plain.txt', '-H', 'X-Object-Meta-Note: first', '-H', 'Content-Type: text/x-odd');
    assert.match(await swift('stat', 'swift-meta', 'plain.txt'), /Content Type: text\/x-odd\n[^]*Meta Note: first\n/);
    await swift('post', 'swift-meta', 'plain.txt', '-m', 'Other: second');
    const stat = await swift('stat', 'swift-meta', 'plain.txt');
    assert.match(stat, /Meta Other: second/);
    assert.doesNotMatch(stat, /Meta Note/);
    const container = await swift('stat', 'swift-meta');
    assert.match(container, /Meta Colour: light blue/);
    assert.match(container, /Read ACL: \.r:\*,\.rlistings/);
    await swift('post', '-m', 'Quarter: spring');
    assert.match(await swift('stat'), /Meta Quarter: spring/);
  });

  test('a copy has the bytes and the metadata of its source', async () => {
    await swift('copy', '-M', '-d', '/swift-copies/한국어 copy', 'swift-meta', 'plain.txt');
    await swift('copy', '-d', '/swift-copies/kept', '-m', 'More: third', 'swift-meta', 'plain.txt');
    await swift('download', 'swift-copies', '-D', back('swift-copies'));
    const original = await readFile(path.join(source, 'plain.txt'));
    assert.deepEqual(await readFile(path.join(back('swift-copies'), '한국어 copy')), original);
    const stat = await swift('stat', 'swift-copies', 'kept');
    assert.match(stat, /Meta Other: second/);
    assert.match(stat, /Meta More: third/);
    assert.doesNotMatch(await swift('stat', 'swift-copies', '한국어 copy'), /Meta Other/);
  });

  test('a large file goes up in segments and comes down whole, and its segments go with it', async () => {
    const large = path.join(scratch, 'large');
    await writeFile(large, patterned(10 * (1 << 20) + 123, 7));
    await swift('upload', 'swift-large', large, '-S', String(1 << 20), '--object-name', 'a large one');
    assert.equal((await swift('list', 'swift-large_segments')).trim().split('\n').length, 11);
    await swift('download', 'swift-large', 'a large one', '-o', back('large-back'));
    assert.deepEqual(await readFile(back('large-back')), await readFile(large));
    await swift('delete', 'swift-large', 'a large one');
    assert.equal(await swift('list', 'swift-large_segments'), '');
  });

  test('segments become a static or a dynamic large object as is asked, and segments of one container are kept in another', async () => {
    const large = path.join(scratch, 'kinds');
    await writeFile(large, patterned(3 * (1 << 20) + 5, 8));
    for (const [name, how] of [['static', ['--use-slo']], ['dynamic', []]] as const) {
      await swift('upload', 'swift-kinds', large, '-S', String(1 << 20), '--segment-container', 'swift-parts', '--object-name', name, ...how);
      const stat = await swift('stat', 'swift-kinds', name);
      assert.match(stat, /Content Length: 3145733/);
      if (name === 'static') assert.match(stat, /X-Static-Large-Object: True/i);
      await swift('download', 'swift-kinds', name, '-o', back(`kinds-${name}`));
      assert.deepEqual(await readFile(back(`kinds-${name}`)), await readFile(large));
    }
    await swift('delete', 'swift-kinds');
    assert.equal(await swift('list', 'swift-parts'), '');
  });

  test('capabilities are shown, and a temporary URL that it makes opens', async () => {
    const shown = await swift('capabilities');
    for (const name of ['bulk_delete', 'bulk_upload', 'slo', 'dlo', 'symlink', 'tempurl', 'object_versioning']) assert.match(shown, new RegExp(`Additional middleware: ${name}\\b`));
    assert.ok((JSON.parse(await swift('capabilities', '--json')) as { swift: object }).swift);
    await swift('post', '-m', 'Temp-URL-Key:k3y');
    await swift('upload', 'swift-temp', 'plain.txt');
    const { url } = await gori.login();
    for (const digest of ['sha1', 'sha256', 'sha512']) {
      const signed = (await swift('tempurl', '--digest', digest, 'GET', '60', `${new URL(url).pathname}/swift-temp/plain.txt`, 'k3y')).trim();
      assert.equal(await (await fetch(gori.endpoint + signed)).text(), await readFile(path.join(source, 'plain.txt'), 'utf8'), digest);
      assert.equal((await fetch(gori.endpoint + signed, { method: 'PUT', body: 'x' })).status, 401, digest);
    }
    const prefix = (await swift('tempurl', '--prefix-based', 'GET', '60', `${new URL(url).pathname}/swift-temp/pla`, 'k3y')).trim();
    assert.equal((await fetch(gori.endpoint + prefix.replace('/pla?', '/plain.txt?'))).status, 200, prefix);
    assert.equal((await fetch(gori.endpoint + prefix.replace('/pla?', '/other?'))).status, 401);
  });

  test('a download of what is not there fails in words', async () => {
    const { code, stderr } = await run(['swift', 'download', 'swift-meta', 'no such object'], { env, cwd: scratch });
    assert.equal(code, 1);
    assert.match(stderr, /not found/i);
  });

  test('everything is deleted, and nothing is left', async () => {
    for (const container of (await swift('list')).trim().split('\n')) if (container.startsWith('swift-')) await swift('delete', container);
    assert.doesNotMatch(await swift('list'), /swift-/);
  });
});

describe('rclone', { skip: missing('rclone') }, () => {
  const rclone = (...args: string[]): Promise<string> => runWell(['rclone', ...args], { env, cwd: source });

  test('a tree of odd names goes up, checks clean, and comes down the same', async () => {
    await rclone('copy', '--transfers', '8', '.', ':swift:rclone-tree');
    await rclone('check', '.', ':swift:rclone-tree');
    await rclone('copy', '--transfers', '8', ':swift:rclone-tree', back('rclone-tree'));
    assert.deepEqual(differences(await contentsOf(source), await contentsOf(back('rclone-tree'))), []);
  });

  test('a changed tree is synchronized: what is new comes, what is gone goes', async () => {
    const changed = path.join(scratch, 'changed');
    await makeOddTree(changed, ODD_NAMES.slice(0, 10));
    await writeFile(path.join(changed, 'plain.txt'), 'not what it was');
    await rclone('sync', changed, ':swift:rclone-tree');
    await rclone('check', changed, ':swift:rclone-tree');
    assert.equal((await rclone('lsf', '-R', '--files-only', ':swift:rclone-tree')).trim().split('\n').length, (await contentsOf(changed)).size);
  });

  test('a file is copied and moved on the server, and modification times are kept', async () => {
    await rclone('copyto', ':swift:rclone-tree/plain.txt', ':swift:rclone-tree/folder?/copy #1');
    await rclone('moveto', ':swift:rclone-tree/folder?/copy #1', ':swift:rclone-tree/moved 한');
    assert.equal(await rclone('cat', ':swift:rclone-tree/moved 한'), 'not what it was');
    const [entry] = JSON.parse(await rclone('lsjson', ':swift:rclone-tree/moved 한')) as { ModTime: string; Size: number }[];
    const [original] = JSON.parse(await rclone('lsjson', path.join(scratch, 'changed', 'plain.txt'))) as { ModTime: string }[];
    assert.equal(Date.parse(entry!.ModTime), Date.parse(original!.ModTime));
  });

  test('a large file goes up in chunks and comes down whole', async () => {
    const large = path.join(scratch, 'rclone-large');
    await writeFile(large, patterned(10 * (1 << 20) + 321, 9));
    await rclone('copyto', '--swift-chunk-size', '1Mi', large, ':swift:rclone-tree/large one');
    await rclone('copyto', ':swift:rclone-tree/large one', back('rclone-large-back'));
    assert.deepEqual(await readFile(back('rclone-large-back')), await readFile(large));
    assert.equal(await rclone('cat', '--offset', '5000000', '--count', '10', ':swift:rclone-tree/large one'), (await readFile(large)).subarray(5_000_000, 5_000_010).toString());
  });

  test('what its options ask of the server is had: one object and no more, a policy, a token of another login', async () => {
    const small = path.join(scratch, 'rclone-options');
    await writeFile(small, patterned(2 << 20, 12));
    await rclone('copyto', '--swift-no-large-objects', '--swift-chunk-size', '1Mi', small, ':swift:rclone-tree/one piece');
    await rclone('copyto', '--swift-no-chunk', small, ':swift:rclone-tree/no chunk');
    await rclone('copyto', '--swift-storage-policy', 'Policy-0', small, ':swift:rclone-policy/o');
    const { url, token } = await gori.login();
    assert.equal((await fetch(`${url}/rclone-tree/${encodeURIComponent('one piece')}`, { method: 'HEAD', headers: { 'X-Auth-Token': token } })).headers.get('x-object-manifest'), null);
    assert.equal((await fetch(`${url}/rclone-policy`, { method: 'HEAD', headers: { 'X-Auth-Token': token } })).headers.get('x-storage-policy'), 'Policy-0');
    const { code } = await run(['rclone', 'mkdir', '--swift-storage-policy', 'none', ':swift:rclone-none'], { env, cwd: source });
    assert.notEqual(code, 0, 'a policy that is not there is refused');
    assert.match(await rclone('lsf', '--swift-auth-token', token, '--swift-storage-url', url, ':swift:rclone-policy'), /^o\n$/);
    await rclone('purge', ':swift:rclone-policy');
  });

  test('an upload of unknown length comes in chunks', async () => {
    const data = patterned(3 << 20, 11);
    await runWell(['rclone', 'rcat', ':swift:rclone-tree/streamed'], { env, input: data });
    await rclone('copyto', ':swift:rclone-tree/streamed', back('streamed'));
    assert.deepEqual(await readFile(back('streamed')), data);
  });

  test('a tree is purged', async () => {
    await rclone('purge', ':swift:rclone-tree');
    assert.doesNotMatch(await rclone('lsd', ':swift:'), /rclone-tree\n/);
  });
});

describe('curl', { skip: missing('curl') }, () => {
  let url: string;
  let token: string;
  const curl = (...args: string[]): Promise<string> => runWell(['curl', '--silent', '--show-error', '--globoff', '--path-as-is', '-H', `X-Auth-Token: ${token}`, ...args], { env, cwd: source });
  const status = ['-o', '/dev/null', '-w', '%{http_code}'];

  before(async () => {
    ({ url, token } = await gori.login());
    assert.equal(await curl(...status, '-X', 'PUT', `${url}/curl`), '201');
  });

  test('every odd name goes up, comes down, and is deleted', async () => {
    for (const name of [...ODD_NAMES, ...CONTROL_NAMES, '.', '..', '../..', '/', '//a//b/', 'a/../b']) {
      const target = `${url}/curl/${encodeURIComponent(name)}`;
      assert.equal(await curl(...status, '-X', 'PUT', '--data-raw', name, target), '201', name);
      assert.equal(await curl(target), name);
    }
    const listed = JSON.parse(await curl(`${url}/curl?format=json`)) as { name: string }[];
    assert.equal(listed.length, ODD_NAMES.length + CONTROL_NAMES.length + 6);
    for (const { name } of listed) assert.equal(await curl(...status, '-X', 'DELETE', `${url}/curl/${encodeURIComponent(name)}`), '204', name);
    assert.equal(await curl(`${url}/curl`), '');
  });

  test('a large upload waits for 100 Continue, and a refused one is never sent', async () => {
    const large = path.join(scratch, 'curl-large');
    await writeFile(large, patterned(5 << 20, 3));
    assert.match((await run(['curl', '-sv', '-T', large, '-H', `X-Auth-Token: ${token}`, '-H', 'Expect: 100-continue', `${url}/curl/large`], { env })).stderr, /< HTTP\/1.1 100 Continue[^]*< HTTP\/1.1 201 Created/);
    const refused = await run(['curl', '-s', '-T', large, '-H', 'Expect: 100-continue', '-w', '%{http_code} %{size_upload}', '-o', '/dev/null', `${url}/curl/refused`], { env });
    assert.equal(refused.stdout, '401 0');
    await curl('-o', back('curl-large'), `${url}/curl/large`);
    assert.deepEqual(await readFile(back('curl-large')), await readFile(large));
  });

  test('a refusal reaches a client that is still sending', async () => {
    const large = path.join(scratch, 'curl-refused');
    await writeFile(large, patterned(30 << 20, 3));
    for (let i = 0; i < 5; i++) {
      const { stdout, stderr } = await run(['curl', '-sS', '-T', large, '-H', 'Expect:', '-w', '%{http_code}', '-o', '/dev/null', `${url}/curl/refused`], { env });
      assert.equal(stdout, '401', stderr);
    }
  });

  test('a download goes on where it broke off, and ranges and conditions hold', async () => {
    const data = await readFile(path.join(scratch, 'curl-large'));
    await writeFile(back('resumed'), data.subarray(0, 1_234_567));
    await curl('-C', '-', '-o', back('resumed'), `${url}/curl/large`);
    assert.deepEqual(await readFile(back('resumed')), data);
    const multiple = await curl('-r', '0-3,10-13', `${url}/curl/large`);
    assert.match(multiple, /Content-Range: bytes 10-13\/5242880/);
    assert.equal(await curl(...status, '-r', '99999999-', `${url}/curl/large`), '416');
    const etag = /etag: (\w+)/i.exec(await curl('-I', `${url}/curl/large`))![1]!;
    assert.equal(await curl(...status, '-H', `If-None-Match: ${etag}`, `${url}/curl/large`), '304');
    assert.equal(await curl(...status, '-H', 'If-Match: other', `${url}/curl/large`), '412');
  });

  test('a chunked upload without a length is stored whole', async () => {
    const data = patterned(200_000, 5);
    await runWell(['curl', '-sS', '-T', '-', '-H', `X-Auth-Token: ${token}`, '-H', 'Transfer-Encoding: chunked', `${url}/curl/chunked`], { env, input: data });
    await curl('-o', back('chunked'), `${url}/curl/chunked`);
    assert.deepEqual(await readFile(back('chunked')), data);
  });
});

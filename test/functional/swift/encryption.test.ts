/** Encryption at rest on the real process: clients see nothing of it, and neither does who reads the disks. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { GoriProcess } from './gori-process.ts';

const SECRET = 'a sentence that must not be on any disk';
/** Larger than what is kept in one record, and nothing like random. */
const LARGE = Buffer.from(`${SECRET}. `.repeat(200_000));

let folder: string;
let keyFile: string;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gori-keys-'));
  keyFile = path.join(folder, 'keys.yaml');
  await writeFile(keyFile, stringify({ active: 'a', secrets: { a: randomBytes(32).toString('base64') } }), { mode: 0o600 });
});

after(() => rm(folder, { recursive: true, force: true }));

async function filesWith(directory: string, texts: readonly string[]): Promise<string[]> {
  const names = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const found = await Promise.all(names.map(async ({ parentPath, name }) => {
    const data = await readFile(path.join(parentPath, name));
    return texts.filter((text) => data.includes(text)).map((text) => `${name}: ${text}`);
  }));
  return found.flat();
}

async function store(gori: GoriProcess): Promise<string> {
  const { url, token } = await gori.login();
  const ask = (method: string, target: string, headers: Record<string, string> = {}, body?: Buffer | string): Promise<Response> => fetch(`${url}/${target}`, { method, headers: { 'X-Auth-Token': token, ...headers }, ...(body === undefined ? {} : { body }) });
  assert.equal((await ask('PUT', 'c')).status, 201);
  assert.equal((await ask('PUT', 'c/small', { 'X-Object-Meta-Note': SECRET }, SECRET)).status, 201);
  const etag = hash('md5', LARGE, 'hex');
  assert.equal((await ask('PUT', 'c/large', { ETag: etag }, LARGE)).status, 201);
  const part = await ask('GET', 'c/large', { Range: 'bytes=4000001-4000099', 'If-Match': etag });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('etag'), etag);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), LARGE.subarray(4_000_001, 4_000_100));
  const rows = (await (await ask('GET', 'c?format=json')).json()) as { name: string; hash: string; bytes: number }[];
  assert.deepEqual(rows.map((row) => [row.name, row.hash, row.bytes]), [['large', etag, LARGE.length], ['small', hash('md5', SECRET, 'hex'), SECRET.length]]);
  const small = await ask('GET', 'c/small');
  assert.equal(small.headers.get('x-object-meta-note'), SECRET);
  assert.equal(await small.text(), SECRET);
  return etag;
}

test('nothing of bodies, metadata and tags is in any file of the cluster', async () => {
  await using gori = await GoriProcess.start({ config: { encryption: { enabled: true, keyFile } } });
  const etag = await store(gori);
  assert.deepEqual(await filesWith(path.join(gori.directory, 'data', 'devices'), [SECRET, SECRET.slice(5, 25), etag, hash('md5', SECRET, 'hex')]), []);
});

test('without encryption it is: the search finds what there is', async () => {
  await using gori = await GoriProcess.start();
  await store(gori);
  assert.ok((await filesWith(path.join(gori.directory, 'data', 'devices'), [SECRET])).length > 0);
});

test('a key file that others may read, or that is none, ends the start in one line', async () => {
  const start = async (): Promise<string> => {
    const config = path.join(folder, 'gori.yaml');
    await writeFile(config, stringify({ encryption: { enabled: true, keyFile }, proxy: { port: 0 }, data: path.join(folder, 'data') }));
    return promisify(execFile)(process.execPath, ['tools/gori.ts', 'server', '--config', config], { timeout: 20_000 }).then(() => 'it started', (error: { stderr: string }) => error.stderr.trim());
  };
  await chmod(keyFile, 0o644);
  assert.match(await start(), /^gori: the key file .*chmod 600$/);
  await chmod(keyFile, 0o600);
  for (const text of ['active: a', 'active: b\nsecrets: { a: "AAAA" }', 'a: [', stringify({ active: 'a', secrets: { a: 'c2hvcnQ=' } })]) {
    await writeFile(keyFile, text);
    const fault = await start();
    assert.match(fault, /^gori: the key file [^\n]+$/);
    assert.ok(!fault.includes('c2hvcnQ='));
  }
});

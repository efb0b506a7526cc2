/** A cluster in one process becomes one of several nodes, as docs/operations.md tells, while its data stays where it is and its clients see it all the time. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { stringify, parse } from 'yaml';
import { eventually, freePorts } from '../support/index.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const GORI = path.join(ROOT, 'tools', 'gori.ts');
const OBJECTS = 60;
const RINGS = ['account', 'container', 'object', 'object-1'];

async function gori(...words: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [GORI, ...words], { cwd: ROOT })).stdout;
}

/** A server on a folder with a configuration, until it is stopped. */
async function serve(stack: AsyncDisposableStack, folder: string, config: object, health: string): Promise<{ stop(): Promise<void> }> {
  const file = path.join(folder, 'gori.yaml');
  await writeFile(file, stringify({ data: '.', replicator: { intervalSeconds: 0.5 }, ...config }));
  const child = spawn(process.execPath, [GORI, 'server', '--config', file], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  stack.defer(stop);
  await eventually('the server answers', () => fetch(health).then(({ ok }) => ok, () => false), 30_000);
  return { stop };
}

test('one machine becomes three without copying through a client, and reads go on', { timeout: 240_000 }, async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'gori-grow-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [port, storagePort] = [await freePorts(1), await freePorts(1, ['127.0.0.1', '127.0.0.2', '127.0.0.3'])];
  const { auth, policies } = parse(await readFile(path.join(ROOT, 'examples', 'suite.yaml'), 'utf8')) as { auth: object; policies: object };
  const shared = { auth, policies };
  const one = path.join(folder, 'one');
  await mkdir(one);
  const base = `http://127.0.0.1:${port}`;

  const alone = await serve(stack, one, { ...shared, proxy: { port }, embedded: { partPower: 6 } }, `${base}/healthcheck`);
  const login = await fetch(`${base}/auth/v1.0`, { headers: { 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing' } });
  const headers = { 'X-Auth-Token': login.headers.get('x-auth-token')! };
  const container = `${login.headers.get('x-storage-url')!}/kept`;
  assert.equal((await fetch(container, { method: 'PUT', headers })).status, 201);
  for (let i = 0; i < OBJECTS; i++) assert.equal((await fetch(`${container}/${i}`, { method: 'PUT', headers, body: `body ${i}`.repeat(i * 100) })).status, 201);
  await alone.stop();

  const rings = path.join(one, 'rings');
  for (const ring of RINGS) {
    const builder = path.join(rings, `${ring}.builder`);
    await gori('ring', 'set-info', builder, '127.0.0.1:6200', `127.0.0.1:${storagePort}`, '--all');
    await gori('ring', 'write-ring', builder);
  }
  await serve(stack, one, { ...shared, proxy: { port }, storage: { host: '127.0.0.1', port: storagePort } }, `${base}/healthcheck`);
  const faults: string[] = [];
  const readAll = async (): Promise<void> => {
    for (let i = 0; i < OBJECTS; i++) {
      const answer = await fetch(`${container}/${i}`, { headers });
      if (answer.status !== 200 || (await answer.text()) !== `body ${i}`.repeat(i * 100)) faults.push(`${i}: ${answer.status}`);
    }
  };
  await readAll();

  for (const ring of RINGS) for (const number of [2, 3]) await gori('ring', 'add', path.join(rings, `${ring}.builder`), `r1z1${number}-127.0.0.${number}:${storagePort}/d1`, '200');
  for (const ring of RINGS) {
    await gori('ring', 'pretend-min-part-hours-passed', path.join(rings, `${ring}.builder`));
    await gori('ring', 'rebalance', path.join(rings, `${ring}.builder`));
  }
  for (const number of [2, 3]) {
    const home = path.join(folder, `node${number}`);
    await mkdir(path.join(home, 'rings'), { recursive: true });
    await cp(path.join(one, 'cluster.json'), path.join(home, 'cluster.json'));
    for (const file of await readdir(rings)) if (file.endsWith('.ring')) await cp(path.join(rings, file), path.join(home, 'rings', file));
    await serve(stack, home, { policies, roles: ['storage'], storage: { host: `127.0.0.${number}`, port: storagePort } }, `http://127.0.0.${number}:${storagePort}/healthcheck`);
  }
  let rolling = true;
  const reading = (async () => {
    while (rolling) await readAll();
  })();
  const said = await gori('rollout', '--data', one, '--proxy', `127.0.0.1:${port}`, '--grace', '1').finally(() => (rolling = false));
  await reading;
  await readAll();
  assert.deepEqual(faults, []);
  assert.match(said, /all has arrived/);
  const listed = await (await fetch(container, { headers })).text();
  assert.equal(listed.trim().split('\n').length, OBJECTS);
  for (const number of [2, 3]) {
    const recon = await gori('object', 'where', 'AUTH_test/kept', '--data', one, '--endpoint', base);
    assert.ok(recon.length > 0);
    assert.ok((await readdir(path.join(folder, `node${number}`, 'devices', 'd1'))).length > 0, `node${number} holds something`);
  }
});

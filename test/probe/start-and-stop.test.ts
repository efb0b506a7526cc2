import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually, freePorts, SwiftSession } from '../support/index.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  /** What it said on standard error so far. */
  readonly errors: () => string;
}

function start(data: string, port: number): Started {
  const child = spawn(process.execPath, ['tools/gori.ts', 'server', '--data', data, '--port', String(port), '--config', 'examples/suite.yaml'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return { child, exited, errors: () => errors };
}

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gori-start-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts and waits until it serves; killed at the end of the test if it still runs. */
async function serving(t: TestContext, data: string, port: number): Promise<Started> {
  const started = start(data, port);
  t.after(async () => {
    if (started.child.exitCode === null && started.child.signalCode === null) started.child.kill('SIGKILL');
    await started.exited;
  });
  await eventually('the server answers', async () => {
    assert.equal(started.child.exitCode, null, started.errors());
    return fetch(`http://127.0.0.1:${port}/healthcheck`).then(({ ok }) => ok, () => false);
  }, 30_000);
  return started;
}

function assertOneLine(text: string, pattern: RegExp): void {
  assert.equal(text.trim().split('\n').length, 1, text);
  assert.match(text, pattern);
}

test('SIGTERM finishes requests in flight, and ends with status 0', async (t) => {
  const folder = await scratch(t);
  const port = await freePorts(1);
  const server = await serving(t, folder, port);
  const base = `http://127.0.0.1:${port}`;
  const auth = await fetch(`${base}/auth/v1.0`, { headers: { 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing' } });
  const login = { url: auth.headers.get('x-storage-url')!, token: auth.headers.get('x-auth-token')! };
  await new SwiftSession(login).put('/c');
  const put = request(`${login.url}/c/o`, { method: 'PUT', headers: { 'X-Auth-Token': login.token, 'Content-Length': 200_000 } });
  const answered = once(put, 'response') as Promise<[{ statusCode: number }]>;
  await new Promise((written) => put.write(Buffer.alloc(100_000, 'a'), written));
  // The server has the request before it is told to stop: another one, sent later, has its answer.
  assert.equal((await fetch(`${base}/healthcheck`)).status, 200);
  server.child.kill('SIGTERM');
  await eventually('it takes no more connections', () => fetch(`${base}/healthcheck`).then(() => false, () => true));
  put.end(Buffer.alloc(100_000, 'b'));
  const [{ statusCode }] = await answered;
  assert.equal(statusCode, 201);
  assert.equal(await server.exited, 0, server.errors());
  await serving(t, folder, port);
  assert.equal((await new SwiftSession(login).get('/c/o'))?.length, 200_000, 'and what was acknowledged is there');
});

test('a port that is taken is one clear line and status 1', async (t) => {
  const port = await freePorts(1);
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const server = start(path.join(await scratch(t), 'data'), port);
  assert.equal(await server.exited, 1);
  assertOneLine(server.errors(), new RegExp(`127\\.0\\.0\\.1:${port}.*another process listens there`));
});

test('a folder that cannot be written is one clear line and status 1', async (t) => {
  const file = path.join(await scratch(t), 'file');
  await writeFile(file, '');
  const folder = path.join(file, 'data');
  const server = start(folder, await freePorts(1));
  assert.equal(await server.exited, 1);
  assertOneLine(server.errors(), new RegExp(`cannot use the data folder ${folder}`));
});

test('a second start on a folder in use says which process has it, and harms nothing', async (t) => {
  const folder = await scratch(t);
  const port = await freePorts(1);
  const first = await serving(t, folder, port);
  const second = start(folder, await freePorts(1));
  assert.equal(await second.exited, 1);
  assertOneLine(second.errors(), new RegExp(`is held by process ${first.child.pid} `));
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthcheck`)).status, 200);
});

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { ManualClock, silentLog } from '#common';
import { bearerOf, listingPath, objectPath } from '#storage-node/protocol';
import { MemoryListingEngine } from '../engine/listing/memory.ts';
import { MemoryObjectEngine } from '../engine/memory/memory-engine.ts';
import { startNodeServer, type NodeServerOptions } from './index.ts';

async function node(options: Partial<NodeServerOptions> = {}) {
  const engine = new MemoryObjectEngine({ clock: new ManualClock() });
  const devices = new Map([['d1', { objects: () => engine, listings: new MemoryListingEngine() }]]);
  const server = await startNodeServer({ devices, ip: '127.0.0.1', port: 0, secret: 'hush', log: silentLog(), ...options });
  const post = async (path: string, body: string | Buffer): Promise<{ status: number; code: unknown }> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method: 'POST', body: body as string, headers: { authorization: bearerOf('hush') } });
    return { status: response.status, code: ((await response.json()) as { code?: unknown } | null)?.code };
  };
  return { engine, server, post, [Symbol.asyncDispose]: () => server.close(1000) };
}

const hex = 'a'.repeat(32);

test('requests that make no sense are bad requests, and the next one is served', async () => {
  await using served = await node();
  const database = { kind: 'container', key: hex, path: '/a/c' };
  const createWith = { timestamp: 1, policy: 0 };
  const rows = [['o', 1, 0, 0, 1, 1, 0, '', '']];
  for (const [path, body] of [
    ['/v1/d1/objects/0/nothing', '{}'],
    ['/v2/d1/objects/0/stat', '{}'],
    [objectPath('d1', 0, 'stat'), 'no json'],
    [objectPath('d1', 0, 'stat'), 'null'],
    [objectPath('d1', 0, 'stat'), JSON.stringify({ key: 'xyz' })],
    [objectPath('d1', 0, 'put'), 'xxxxxxxxxxxxxxxxxx'],
    [objectPath('d1', 0, 'create'), ''],
    [objectPath('d1', 0, 'delete'), JSON.stringify({ key: hex, name: '/a/c/o', timestamp: -1 })],
    [listingPath('d1', 'info'), JSON.stringify({ database: { ...database, kind: 'bucket' } })],
    [listingPath('d1', 'merge'), JSON.stringify({ database, rows: [['\ud800', 1, 0, 0, 1, 1, 0, '', '']], createWith })],
    [listingPath('d1', 'merge'), JSON.stringify({ database, rows: [['o', 1.5, 0, 0, 1, 1, 0, '', '']], createWith })],
    [listingPath('d1', 'list'), JSON.stringify({ database, query: { limit: 'all' } })],
  ] as const)
    assert.deepEqual(await served.post(path, body), { status: 400, code: 'bad-request' }, `${path} ${body}`);
  assert.equal((await served.post(listingPath('d1', 'merge'), JSON.stringify({ database, rows, createWith }))).status, 200);
});

test('a put that breaks off, and a create that is never committed, leave nothing', async () => {
  await using served = await node();
  const head = encodeURIComponent(JSON.stringify({ key: hex, name: '/a/c/o', timestamp: 5 }));
  const headers = `host: x\r\nauthorization: ${bearerOf('hush')}\r\n`;
  for (const request of [
    `POST ${objectPath('d1', 0, 'put')} HTTP/1.1\r\n${headers}content-length: 1000\r\n\r\nabc`,
    `POST ${objectPath('d1', 0, 'create')} HTTP/1.1\r\n${headers}gori-head: ${head}\r\ntransfer-encoding: chunked\r\n\r\n8\r\nD\0\0\0\x03abc\r\n0\r\n\r\n`,
    `POST ${objectPath('d1', 0, 'create')} HTTP/1.1\r\n${headers}gori-head: ${head}\r\ntransfer-encoding: chunked\r\n\r\n8\r\nD\0\0\0\x03abc\r\n`,
  ]) {
    const socket = connect(served.server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end(request);
    await once(socket.resume(), 'close');
  }
  assert.equal(await served.engine.stat(Buffer.from(hex, 'hex')), undefined);
});

test('a peer that is silent too long is cut', async () => {
  await using served = await node({ idleTimeoutMs: 20 });
  const socket = connect(served.server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`POST ${objectPath('d1', 0, 'put')} HTTP/1.1\r\nhost: x\r\nauthorization: ${bearerOf('hush')}\r\ncontent-length: 1000\r\n\r\nabc`);
  await once(socket.resume(), 'close');
});

test('closing finishes what is in flight and takes no more', async () => {
  const served = await node();
  let proceed = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    served.engine.stat = () =>
      new Promise((answer) => {
        proceed = () => answer(undefined);
        resolve();
      });
  });
  const answer = served.post(objectPath('d1', 0, 'stat'), JSON.stringify({ key: hex }));
  await begun;
  const closed = served.server.close(5000);
  proceed();
  assert.equal((await answer).status, 200);
  await closed;
  await assert.rejects(served.post(objectPath('d1', 0, 'stat'), '{}'));
});

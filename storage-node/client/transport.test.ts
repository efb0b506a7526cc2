import assert from 'node:assert/strict';
import { randomBytes, createHash } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { isStoreError, ManualClock, silentLog, StoreError, type StoreErrorCode, type Timestamp } from '#common';
import { bearerOf, type ObjectEngine } from '#storage-node/protocol';
// The contract suites, models and server are met here only: the client itself knows nothing of them.
import { listingEngineContract } from '../engine/listing-engine.contract.ts';
import { listingReplicaContract } from '../engine/listing-replica.contract.ts';
import { objectEngineContract } from '../engine/object-engine.contract.ts';
import { objectReplicaContract } from '../engine/object-replica.contract.ts';
import { MemoryListingEngine } from '../engine/listing/memory.ts';
import { MemoryObjectEngine } from '../engine/memory/memory-engine.ts';
import { startNodeServer, type NodeServerOptions } from '../server/index.ts';
import { NodeClient, type DeviceClient, type NodeClientOptions } from './index.ts';

const key = createHash('md5').update('/a/c/o').digest();
const timestamp = 5 as Timestamp;

interface Pair extends AsyncDisposable {
  readonly device: DeviceClient;
  readonly engine: MemoryObjectEngine;
  readonly clock: ManualClock;
  readonly client: NodeClient;
  readonly port: number;
}

/** A node with one device `d1` of memory engines, and a client that has to go through HTTP. */
async function pair(options: { client?: Partial<NodeClientOptions>; server?: Partial<NodeServerOptions>; wrap?: (engine: ObjectEngine) => ObjectEngine } = {}): Promise<Pair> {
  const clock = new ManualClock();
  const engine = new MemoryObjectEngine({ clock });
  const served = options.wrap?.(engine) ?? engine;
  const devices = new Map([['d1', { objects: (policy: number) => (policy === 0 ? served : undefined), listings: new MemoryListingEngine() }]]);
  const server = await startNodeServer({ devices, ip: '127.0.0.1', port: 0, secret: 'hush', log: silentLog(), ...options.server });
  const client = new NodeClient({ secret: 'hush', ...options.client });
  const device = client.device({ ip: '127.0.0.1', port: server.port, device: 'd1' });
  const close = async (): Promise<void> => {
    client[Symbol.dispose]();
    await server.close(1000);
  };
  return { device, engine, clock, client, port: server.port, [Symbol.asyncDispose]: close };
}

function fails(promise: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  return assert.rejects(promise, (error) => isStoreError(error, code) || assert.fail(String(error)));
}

async function readAll(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** An engine's methods as an object of its own, to replace some of them. */
function bound(engine: ObjectEngine): ObjectEngine {
  return {
    stat: (key) => engine.stat(key),
    info: (key) => engine.info(key),
    open: (key) => engine.open(key),
    put: (request) => engine.put(request),
    create: (request) => engine.create(request),
    post: (request) => engine.post(request),
    delete: (request) => engine.delete(request),
    prepare: (request) => engine.prepare(request),
    abandon: (key, timestamp) => engine.abandon(key, timestamp),
    settle: (key, settled) => engine.settle(key, settled),
    pending: (options) => engine.pending(options),
    digests: (ranges) => engine.digests(ranges),
    states: (request) => engine.states(request),
    take: (states) => engine.take(states),
    history: (key) => engine.history(key),
  };
}

/** A server that does as it likes with its connections. */
async function rawServer(onConnection: (socket: Socket, count: number) => void): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket, sockets.size);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

objectEngineContract('the HTTP transport', async () => {
  const { device, clock, [Symbol.asyncDispose]: close } = await pair();
  return { engine: device.objects(0), wind: (ms: number) => clock.wind(ms), close: async () => close() };
});

objectReplicaContract('the HTTP transport', async () => {
  const { device, clock, [Symbol.asyncDispose]: close } = await pair();
  return { engine: device.objects(0), source: new MemoryObjectEngine({ clock }), close: async () => close() };
});

listingReplicaContract('the HTTP transport', async () => {
  const { device, [Symbol.asyncDispose]: close } = await pair();
  return { engine: device.listings, [Symbol.asyncDispose]: close };
});

listingEngineContract('the HTTP transport', async () => {
  const { device, [Symbol.asyncDispose]: close } = await pair();
  return { engine: device.listings, [Symbol.asyncDispose]: close };
});

test('a device of this process is its engines themselves', async () => {
  const engine = new MemoryObjectEngine({ clock: new ManualClock() });
  const listings = new MemoryListingEngine();
  const devices = new Map([['d1', { objects: (policy: number) => (policy === 0 ? engine : undefined), listings }]]);
  using client = new NodeClient({ secret: 'hush', local: { ip: '127.0.0.1', port: 6200, devices } });
  const local = client.device({ ip: '127.0.0.1', port: 6200, device: 'd1' });
  assert.equal(local.objects(0), engine);
  assert.equal(local.listings, listings);
  await fails(local.objects(7).stat(key), 'device-unavailable');
  await fails(client.device({ ip: '127.0.0.1', port: 6200, device: 'd2' }).listings.unreported(1), 'device-unavailable');
});

test('a stranger without the secret is refused, and learns only that the node is healthy', async () => {
  await using node = await pair();
  using stranger = new NodeClient({ secret: 'guess' });
  await fails(stranger.device({ ip: '127.0.0.1', port: node.port, device: 'd1' }).objects(0).stat(key), 'unauthenticated');
  const writing = stranger.device({ ip: '127.0.0.1', port: node.port, device: 'd1' }).objects(0).create({ key, name: '/a/c/o', timestamp, sizeHint: undefined });
  await fails(writing, 'unauthenticated');
  assert.equal(await (await fetch(`http://127.0.0.1:${node.port}/healthcheck`)).text(), 'OK');
  assert.equal((await fetch(`http://127.0.0.1:${node.port}/status`)).status, 401);
});

test('a device or policy that the node has not is unavailable', async () => {
  await using node = await pair();
  await fails(node.device.objects(7).stat(key), 'device-unavailable');
  await fails(node.client.device({ ip: '127.0.0.1', port: node.port, device: 'd9' }).listings.unreported(1), 'device-unavailable');
});

test('faults of an engine cross the wire with code and message', async () => {
  const full = new StoreError('device-full', 'no room', { detail: { freeBytes: 0 } });
  await using node = await pair({
    wrap: (engine) => ({ ...bound(engine), stat: () => Promise.reject(full), info: () => Promise.reject(new Error('a bug')) }),
  });
  await assert.rejects(node.device.objects(0).stat(key), { code: 'device-full', message: 'no room', detail: { freeBytes: 0 } });
  await fails(node.device.objects(0).info(key), 'internal');
});

test('a connection refused, a silent node and one that hangs up are device-unavailable', async () => {
  const closed = await rawServer(() => undefined);
  await closed[Symbol.asyncDispose]();
  await using silent = await rawServer(() => undefined);
  await using rude = await rawServer((socket) => socket.destroy());
  using client = new NodeClient({ secret: 'hush', responseTimeoutMs: 50 });
  for (const { port } of [closed, silent, rude]) await fails(client.device({ ip: '127.0.0.1', port, device: 'd1' }).objects(0).stat(key), 'device-unavailable');
});

test('a kept connection that the peer closed is tried once more on a new one', async () => {
  let requests = 0;
  await using node = await rawServer((socket, connections) => {
    socket.on('data', () => {
      requests++;
      // The first connection answers one request and hangs up at its second, as a peer does whose idle time ran out.
      if (connections === 1 && requests === 2) socket.resetAndDestroy();
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: keep-alive\r\n\r\nnull');
    });
  });
  using client = new NodeClient({ secret: 'hush' });
  const engine = client.device({ ip: '127.0.0.1', port: node.port, device: 'd1' }).objects(0);
  assert.equal(await engine.stat(key), undefined);
  assert.equal(await engine.stat(key), undefined);
  assert.equal(requests, 3);
});

test('an answer that breaks off is a fault, never a short object', async () => {
  await using node = await rawServer((socket) => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc')));
  using client = new NodeClient({ secret: 'hush' });
  await fails(client.device({ ip: '127.0.0.1', port: node.port, device: 'd1' }).objects(0).open(key), 'device-unavailable');
});

test('data that turns out corrupt half way through a read says so', async () => {
  await using node = await pair({
    wrap: (engine) => ({
      ...bound(engine),
      open: async () => ({
        info: { timestamp, deleted: false, metaTimestamp: timestamp, sizeBytes: 1 << 20, name: '/a/c/o', metadata: {} },
        data: undefined,
        async *read() {
          yield Buffer.alloc(1000);
          throw new StoreError('corrupt', 'a block whose CRC is wrong');
        },
        [Symbol.asyncDispose]: async () => undefined,
      }),
    }),
  });
  await using reader = await node.device.objects(0).open(key);
  await fails(readAll(reader!.read(0, 1 << 20)), 'corrupt');
});

test('a writer whose connection is cut leaves nothing, and the node goes on', async () => {
  await using node = await pair();
  const engine = node.device.objects(0);
  const writer = await engine.create({ key, name: '/a/c/o', timestamp, sizeHint: undefined });
  await writer.write(randomBytes(500_000));
  await writer.abort();
  assert.equal(await engine.stat(key), undefined);
  assert.equal((await engine.put({ key, name: '/a/c/o', timestamp, metadata: {}, data: Buffer.from('x') })).outcome, 'committed');
});

test('a device that fails in the middle of a write is heard by the writer', async () => {
  await using node = await pair({
    wrap: (engine) => ({
      ...bound(engine),
      create: async (request) => {
        const writer = await engine.create(request);
        return { write: async () => Promise.reject(new StoreError('device-full', 'no room')), commit: (metadata) => writer.commit(metadata), abort: () => writer.abort() };
      },
    }),
  });
  const writer = await node.device.objects(0).create({ key, name: '/a/c/o', timestamp, sizeHint: undefined });
  await fails(
    (async () => {
      for (let i = 0; i < 100; i++) await writer.write(randomBytes(1 << 20));
      await writer.commit({});
    })(),
    'device-full',
  );
  await writer.abort();
});

test('a lease that was let go by its idle time reads no more', async () => {
  await using node = await pair({ server: { leaseIdleMs: 1 } });
  const engine = node.device.objects(0);
  const data = randomBytes(2_000_000);
  await engine.put({ key, name: '/a/c/o', timestamp, metadata: { ETag: 'x' }, data });
  await using reader = await engine.open(key);
  const open = async (): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${node.port}/status`, { headers: { authorization: bearerOf('hush') } });
    return ((await response.json()) as { openReaders: number }).openReaders;
  };
  while ((await open()) > 0);
  await fails(readAll(reader!.read(0, data.length)), 'device-unavailable');
});

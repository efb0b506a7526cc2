import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { silentLog } from '../log.ts';
import { cacheContract } from './cache.contract.ts';
import { memoryCache } from './memory.ts';
import { redisCache } from './redis.ts';

cacheContract('memory', () => {
  let nowMs = 1;
  const cache = memoryCache({ maxEntries: 1000, nowMs: () => nowMs });
  const pass = (ms: number): Promise<void> => Promise.resolve(void (nowMs += ms));
  return Promise.resolve({ cache, pass, close: () => Promise.resolve(cache[Symbol.asyncDispose]()) });
});

test('memory: keeps no more entries than it may', async () => {
  const cache = memoryCache({ maxEntries: 10 });
  for (let i = 0; i < 100; i++) await cache.set(`k${i}`, { i }, 60_000);
  assert.equal(await cache.get('k0'), undefined);
  assert.deepEqual(await cache.get('k99'), { i: 99 });
});

const missing = spawnSync('redis-server', ['--version']).error ? 'redis-server is not installed' : false;
const servers: { process: ChildProcess; url: string }[] = [];

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function startRedis(): Promise<void> {
  const port = await freePort();
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('Ready to accept connections')) resolve();
    });
  });
  servers.push({ process: child, url: `redis://127.0.0.1:${port}` });
}

before(async () => {
  if (!missing) await Promise.all([startRedis(), startRedis(), startRedis()]);
});
after(() => {
  for (const server of servers) server.process.kill();
});

/** Far apart on the circle, as names of accounts and containers are; `k1`, `k2`, ... lie close together. */
const keyOf = (i: number): string => `key of ${hash('sha256', String(i))}`;

/** How many of those keys a server holds. */
async function keysOf(url: string): Promise<number> {
  const client = new Redis(url);
  try {
    return (await client.keys('*:key of *')).filter((key) => key.startsWith(`test${opened - 1}:`)).length;
  } finally {
    client.disconnect();
  }
}

let opened = 0;
async function openRedis(): Promise<ReturnType<typeof redisCache>> {
  const cache = redisCache({ servers: servers.map((server) => server.url), prefix: `test${opened++}:`, timeoutMs: 1000, log: silentLog() });
  // Connected to all of its servers once keys enough to lie on each of them come back.
  const warm = Array.from({ length: 60 }, (_, i) => `warm-${i}`);
  for (let i = 0; i < 1000; i++) {
    await Promise.all(warm.map((key) => cache.set(key, { ok: true }, 1000)));
    const answers = await Promise.all(warm.map((key) => cache.get(key)));
    if (answers.every((answer) => answer !== undefined)) return cache;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the cache servers do not answer');
}

cacheContract(
  'redis on three servers',
  async () => {
    const cache = await openRedis();
    return { cache, pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)), close: () => Promise.resolve(cache[Symbol.asyncDispose]()) };
  },
  { skip: missing },
);

test('redis: a lost server costs only its own keys, and no request fails', { skip: missing }, async () => {
  await using cache = await openRedis();
  for (let i = 0; i < 60; i++) await cache.set(keyOf(i), { i }, 60_000);
  const held = await Promise.all(servers.map(({ url }) => keysOf(url)));
  const at = held.indexOf(Math.max(...held));
  const [lost] = servers.splice(at, 1) as [(typeof servers)[number]];
  lost.process.kill('SIGKILL');
  await once(lost.process, 'exit');
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => cache.get<{ i: number }>(keyOf(i))));
  const kept = answers.filter((answer, i) => answer?.i === i).length;
  assert.ok(held[at]! > 0 && held[at]! < 60, `the lost server had ${held[at]} of 60 keys`);
  assert.equal(kept, 60 - held[at]!);
  await cache.set('after', { ok: true }, 1000);
});

/**
 * A cache in one or several Redis servers (ioredis), shared by every proxy that names the same servers. Each key lives on one
 * server, chosen by consistent hashing (Karger et al., 1997), so that adding or losing a server moves only its share.
 * A server that does not answer counts as one that forgot: requests go on without it.
 */
import ConsistentHash from 'consistent-hash';
import { Redis } from 'ioredis';
import type { Log } from '../log.ts';
import type { Cache } from './cache.ts';

export interface RedisCacheOptions {
  /** `redis://[user:password@]host:port[/db]` each. */
  servers: readonly string[];
  /** Put before every key. */
  prefix: string;
  /** Longest wait for an answer before it counts as "not there". */
  timeoutMs: number;
  log: Log;
}

export function redisCache(options: RedisCacheOptions): Cache {
  const circle = new ConsistentHash();
  const clients = new Map(options.servers.map((server) => [server, connect(server, options)]));
  for (const server of clients.keys()) circle.add(server);
  const clientOf = (key: string): Redis => clients.get(circle.get(key))!;
  const quietly = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      options.log.debug({ err: error }, 'cache server did not answer');
      return undefined;
    }
  };
  return {
    get: async <T extends object>(key: string) => {
      const text = await quietly(clientOf(key).get(options.prefix + key));
      return text ? (JSON.parse(text) as T) : undefined;
    },
    set: async (key, value, ttlMs) => {
      await quietly(clientOf(key).set(options.prefix + key, JSON.stringify(value), 'PX', Math.max(1, Math.round(ttlMs))));
    },
    delete: async (key) => {
      await quietly(clientOf(key).del(options.prefix + key));
    },
    [Symbol.asyncDispose]: () => {
      for (const client of clients.values()) client.disconnect();
      return Promise.resolve();
    },
  };
}

function connect(server: string, { timeoutMs, log }: RedisCacheOptions): Redis {
  const client = new Redis(server, {
    commandTimeout: timeoutMs,
    connectTimeout: timeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(100 * attempt, 2000),
  });
  let down = false;
  client.on('error', (error) => {
    if (!down) log.warn({ err: error, server: new URL(server).host }, 'cache server is not reachable; going on without it');
    down = true;
  });
  client.on('ready', () => {
    if (down) log.info({ server: new URL(server).host }, 'cache server is back');
    down = false;
  });
  return client;
}

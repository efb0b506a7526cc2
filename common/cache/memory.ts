/** A cache in this process (lru-cache), bounded in number. */
import { LRUCache } from 'lru-cache';
import type { Cache } from './cache.ts';

export function memoryCache(options: { maxEntries: number; nowMs?: () => number }): Cache {
  const entries = new LRUCache<string, object>({ max: options.maxEntries, ...(options.nowMs ? { perf: { now: options.nowMs }, ttlResolution: 0 } : {}) });
  return {
    get: <T extends object>(key: string) => Promise.resolve(entries.get(key) as T | undefined),
    set: (key, value, ttlMs) => {
      entries.set(key, value, { ttl: ttlMs });
      return Promise.resolve();
    },
    delete: (key) => {
      entries.delete(key);
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(entries.clear()),
  };
}

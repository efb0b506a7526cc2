/** Shared and private caches behind one port. */
export type { Cache } from './cache.ts';
export { memoryCache } from './memory.ts';
export { redisCache, type RedisCacheOptions } from './redis.ts';

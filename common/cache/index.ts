/** Shared and private caches behind one port. The Redis one has a door of its own, so that who does not use it does not load its client. */
export type { Cache } from './cache.ts';
export { memoryCache } from './memory.ts';

/** Bodies on their way in. */
export * from './body.ts';
export * from './slabs.ts';

/** Bodies on their way in and out. */
export * from './begun.ts';
export * from './body.ts';
export * from './slabs.ts';

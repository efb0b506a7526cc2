/** What proxies and storage nodes say to each other: the ports that every device answers, and their wire. */
export type * from './listing-engine.ts';
export type * from './listing-replica.ts';
export type * from './object-engine.ts';
export type * from './object-replica.ts';
export * from './frames.ts';
export * from './listing-merge.ts';
export * from './listing-wire.ts';
export * from './name-order.ts';
export * from './object-row.ts';
export * from './replica-wire.ts';
export * from './state-digest.ts';
export * from './wire.ts';

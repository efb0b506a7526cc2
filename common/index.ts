/** The ground everyone stands on: errors, time, logs, lifecycle. Imports nothing of ours. */
export * from './clock.ts';
export { concurrently } from './concurrently.ts';
export { loadConfig, parseConfig, type Config, type ConfigOverrides } from './config.ts';
export * from './daemon.ts';
export * from './errors.ts';
export * from './timestamp.ts';
export * from './lifecycle.ts';
export * from './log.ts';

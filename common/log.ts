/** Structured log lines (pino) on standard error, so that standard output stays free for what a command prints. */
import { pino, type Logger } from 'pino';

export type Log = Logger;
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A log of one process. Lines leave in blocks of 4 KiB or at the latest after a second; errors leave at once. */
export function createLog(options: { level: LogLevel; name?: string }): Log {
  const destination = pino.destination({ fd: 2, minLength: options.level === 'silent' ? 0 : 4096, sync: false, periodicFlush: 1000 });
  return pino({ level: options.level, base: options.name === undefined ? null : { name: options.name }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** A log that says nothing: for tests and short commands. */
export function silentLog(): Log {
  // Without a destination of its own each would open one, and sync it when the process ends.
  return pino({ level: 'silent' }, { write: () => undefined });
}

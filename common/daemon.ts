/**
 * The one shape of all daemons: work (a pass over what they look after), wait (between passes that found all done), status (for anyone to
 * read), throttle (of those on a storage node in its device-rounds.ts: they stand back for clients, and leave a device that fails alone).
 */
import type { Clock } from './clock.ts';
import { isStoreError } from './errors.ts';
import type { Log } from './log.ts';

export interface PassResult {
  /** What was done, by kind, e.g. `{ sent: 12, failed: 1 }`. */
  readonly done: Readonly<Record<string, number>>;
  /** More work of the same kind waits: the next pass follows at once. */
  readonly more: boolean;
}

export interface Daemon {
  readonly name: string;
  /** Between passes that found all done. */
  readonly intervalMs: number;
  pass(signal: AbortSignal): Promise<PassResult>;
  /** What else there is to say of it, as JSON: how far it is, what lies before it. */
  report?(): Readonly<Record<string, unknown>>;
}

export interface DaemonStatus {
  readonly name: string;
  passes: number;
  lastPassAtMs: number | undefined;
  lastPassTookMs: number | undefined;
  lastDone: PassResult['done'];
  /** Of all passes. */
  readonly totals: Record<string, number>;
  lastFault: string | undefined;
  readonly report: () => Readonly<Record<string, unknown>>;
}

/** Runs a daemon until the signal aborts; the promise resolves when its last pass has ended. A pass that fails is reported and tried again. */
export function runDaemon(daemon: Daemon, { clock, signal, log }: { clock: Clock; signal: AbortSignal; log: Log }): { status: DaemonStatus; ended: Promise<void> } {
  const report = (): Readonly<Record<string, unknown>> => daemon.report?.() ?? {};
  const status: DaemonStatus = { name: daemon.name, passes: 0, lastPassAtMs: undefined, lastPassTookMs: undefined, lastDone: {}, totals: {}, lastFault: undefined, report };
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      let more = false;
      const beganMs = clock.nowMs();
      try {
        const { done, more: waiting } = await daemon.pass(signal);
        more = waiting;
        for (const [kind, count] of Object.entries(done)) status.totals[kind] = (status.totals[kind] ?? 0) + count;
        Object.assign(status, { passes: status.passes + 1, lastPassAtMs: clock.nowMs(), lastPassTookMs: clock.nowMs() - beganMs, lastDone: done, lastFault: undefined });
      } catch (error) {
        status.lastFault = error instanceof Error ? error.message : String(error);
        log[isStoreError(error) ? 'warn' : 'error']({ err: error, daemon: daemon.name }, 'a pass failed; the next one tries again');
      }
      if (!more) await clock.sleep(daemon.intervalMs, signal).catch(() => undefined);
    }
  };
  return { status, ended: loop() };
}

export type DaemonReport = Omit<DaemonStatus, 'report'> & { readonly report: Readonly<Record<string, unknown>> };

/** What daemons did, by their names, as values. */
export function reportOf(daemons: readonly DaemonStatus[]): Record<string, DaemonReport> {
  return Object.fromEntries(daemons.map(({ report, ...status }) => [status.name, { ...status, report: report() }]));
}

/** The one shape of all daemons: a pass over what they look after, a wait, again; with a status that anyone may read. */
import { isStoreError, type Clock, type Log } from '#common';

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
}

export interface DaemonStatus {
  readonly name: string;
  passes: number;
  lastPassAtMs: number | undefined;
  lastDone: PassResult['done'];
  lastFault: string | undefined;
}

/** Runs a daemon until the signal aborts; the promise resolves when its last pass has ended. A pass that fails is reported and tried again. */
export function runDaemon(daemon: Daemon, { clock, signal, log }: { clock: Clock; signal: AbortSignal; log: Log }): { status: DaemonStatus; ended: Promise<void> } {
  const status: DaemonStatus = { name: daemon.name, passes: 0, lastPassAtMs: undefined, lastDone: {}, lastFault: undefined };
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      let more = false;
      try {
        const result = await daemon.pass(signal);
        more = result.more;
        Object.assign(status, { passes: status.passes + 1, lastPassAtMs: clock.nowMs(), lastDone: result.done, lastFault: undefined });
      } catch (error) {
        status.lastFault = error instanceof Error ? error.message : String(error);
        log[isStoreError(error) ? 'warn' : 'error']({ err: error, daemon: daemon.name }, 'a pass failed; the next one tries again');
      }
      if (!more) await clock.sleep(daemon.intervalMs, signal).catch(() => undefined);
    }
  };
  return { status, ended: loop() };
}

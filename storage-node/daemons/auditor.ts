/**
 * The auditor: reads all that a node's devices hold, again and again, so that rot is found before a reader, or a dead device, needs what has rotted. What
 * it finds is quarantined, and comes back from the other replicas. It reads so many bytes a second of each device and no more, and
 * stands back for clients.
 */
import type { Daemon } from '#common';
import type { AuditStep } from '#storage-node/engine';
import type { NodeContext, ObjectPlace } from './context.ts';
import { DeviceRounds } from './device-rounds.ts';

/** What it needs of a volume engine. */
export interface Auditable {
  audit(bytes: number): Promise<AuditStep>;
  /** Requests of clients so far; only ever grows. */
  readonly requests: number;
}

export interface AuditorOptions extends NodeContext {
  readonly objects: () => Iterable<ObjectPlace<Auditable>>;
  /** Of each device. */
  readonly bytesPerSecond: number;
  /** Between two looks at the whole of a device. */
  readonly intervalMs: number;
  /** See DeviceRounds. */
  readonly restRatio?: number;
}

/** How the audit of a device stands. */
interface AuditReport {
  /** Looks at all of it that were finished; the last one, and how long that took. */
  passes: number;
  lastPassAtMs: number | undefined;
  lastPassTookMs: number | undefined;
  /** When the one under way began; undefined between two. */
  beganAtMs: number | undefined;
  /** Of the one under way, or the last one. */
  records: number;
  bytes: number;
  /** Of all of them, since the process began. */
  damaged: number;
  brokenGroups: number;
  unindexed: number;
}

const STEP_BYTES = 4 << 20;
const MS_PER_SECOND = 1000;
/** A pass over the devices ends after so long, to be seen in reports; the audits go on in the next. */
const TURN_MS = 10_000;

export function auditor(options: AuditorOptions): Daemon {
  const { clock, bytesPerSecond, intervalMs } = options;
  const rounds = new DeviceRounds({ daemon: 'auditor', ...options });
  const reports = new Map<string, AuditReport>();
  const isDue = ({ beganAtMs, lastPassAtMs }: AuditReport): boolean => beganAtMs !== undefined || lastPassAtMs === undefined || clock.nowMs() - lastPassAtMs >= intervalMs;

  const turn = async ({ device, policy, engine }: ObjectPlace<Auditable>, signal: AbortSignal): Promise<void> => {
    const id = `${device}/${policy}`;
    let report = reports.get(id);
    if (!report) reports.set(id, (report = { passes: 0, lastPassAtMs: undefined, lastPassTookMs: undefined, beganAtMs: undefined, records: 0, bytes: 0, damaged: 0, brokenGroups: 0, unindexed: 0 }));
    if (!isDue(report)) return;
    if (report.beganAtMs === undefined) Object.assign(report, { beganAtMs: clock.nowMs(), records: 0, bytes: 0 });
    for (const endMs = clock.nowMs() + TURN_MS; clock.nowMs() < endMs && !signal.aborted; ) {
      const startMs = clock.nowMs();
      const step = await rounds.step(engine, signal, () => engine.audit(STEP_BYTES));
      for (const field of ['records', 'bytes', 'damaged', 'brokenGroups', 'unindexed'] as const) report[field] += step[field];
      if (step.done) {
        Object.assign(report, { passes: report.passes + 1, lastPassAtMs: clock.nowMs(), lastPassTookMs: clock.nowMs() - report.beganAtMs!, beganAtMs: undefined });
        return;
      }
      const restMs = (step.bytes / bytesPerSecond) * MS_PER_SECOND - (clock.nowMs() - startMs);
      if (restMs > 0) await clock.sleep(restMs, signal).catch(() => undefined);
    }
  };

  const sum = (field: 'damaged' | 'brokenGroups' | 'unindexed'): number => [...reports.values()].reduce((total, report) => total + report[field], 0);
  return {
    name: 'auditor',
    intervalMs: Math.min(intervalMs, 60_000),
    pass: async (signal) => {
      const before = { damaged: sum('damaged'), brokenGroups: sum('brokenGroups'), unindexed: sum('unindexed') };
      // Each device has its own disk to read from.
      const failed = await Promise.all([...options.objects()].map((place) => rounds.visit([place], signal, (one) => turn(one, signal))));
      const done = { damaged: sum('damaged') - before.damaged, brokenGroups: sum('brokenGroups') - before.brokenGroups, unindexed: sum('unindexed') - before.unindexed, failed: failed.reduce((a, b) => a + b, 0) };
      return { done, more: [...reports.values()].some(({ beganAtMs }) => beganAtMs !== undefined) && !signal.aborted && done.failed === 0 };
    },
    report: () => ({ devices: Object.fromEntries(reports), resting: rounds.resting }),
  };
}

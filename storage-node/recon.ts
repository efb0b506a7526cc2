/** How a storage node is, in one report: drive states, what waits on them, what its daemons did last. The parts are named as Swift's recon has them. */
import { readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { reportOf, type Clock, type DaemonReport, type DaemonStatus } from '#common';
import type { NodeDevice } from './main.ts';

export interface DriveReport {
  /** `fenced`: takes no writes after errors of its disk. `unavailable`: could not be opened. */
  readonly state: 'serving' | 'fenced' | 'full' | 'unavailable';
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** Records and files set aside because they were damaged. */
  readonly quarantined: number;
  /** Object writes whose container rows are not known to be listed. */
  readonly asyncPending: number;
  readonly policies: Readonly<Record<number, object>>;
}

export type Recon = Readonly<Record<string, unknown>> & {
  /** Wall clock, ms since the epoch: whoever asks compares. */
  readonly time: number;
  readonly devices: Readonly<Record<string, DriveReport>>;
  readonly daemons: Readonly<Record<string, DaemonReport>>;
  /** What the rings call the node, `ip:port`. */
  readonly address: string;
  /** Versions of the rings in force, by file. */
  readonly rings: Readonly<Record<string, number>>;
};

export interface ReconSources {
  readonly devices: readonly { readonly name: string; readonly directory: string }[];
  readonly opened: ReadonlyMap<string, NodeDevice>;
  readonly daemons: readonly DaemonStatus[];
  readonly address: { readonly ip: string; readonly port: number } | undefined;
  readonly rings?: { versions(): Readonly<Record<string, number>> } | undefined;
  readonly clock: Clock;
}

export async function reconOf({ devices, opened, daemons, address, rings, clock }: ReconSources): Promise<Recon> {
  const drives = await Promise.all(devices.map(async ({ name, directory }) => [name, await driveReport(directory, opened.get(name))] as const));
  return {
    time: clock.nowMs(),
    devices: Object.fromEntries(drives),
    daemons: reportOf(daemons),
    address: address === undefined ? '' : `${address.ip}:${address.port}`,
    rings: rings?.versions() ?? {},
  };
}

async function driveReport(directory: string, device: NodeDevice | undefined): Promise<DriveReport> {
  const space = await statfs(directory).catch(() => undefined);
  const sizes = { sizeBytes: (space?.blocks ?? 0) * (space?.bsize ?? 0), freeBytes: (space?.bavail ?? 0) * (space?.bsize ?? 0) };
  const quarantined = (await readdir(join(directory, 'quarantine')).catch(() => [])).filter((name) => name.endsWith('.json') || name.endsWith('.v')).length;
  if (device === undefined) return { state: 'unavailable', ...sizes, quarantined, asyncPending: 0, policies: {} };
  const vitals = device.device.policies.map((policy) => [policy, device.device.objects(policy).vitals()] as const);
  const state = vitals.some(([, { fenced }]) => fenced) ? 'fenced' : vitals.some(([, { low }]) => low) ? 'full' : 'serving';
  const asyncPending = vitals.reduce((sum, [, { pending }]) => sum + pending, 0);
  return { state, ...sizes, quarantined, asyncPending, policies: Object.fromEntries(vitals) };
}

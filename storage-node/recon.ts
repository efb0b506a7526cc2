/** How a storage node is, in one report: drive states, what waits on them, what its daemons did last. The parts are named as Swift's recon has them. */
import { readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { reportOf, type Clock, type DaemonReport, type DaemonStatus } from '#common';
import type { Fence, Fences } from './fences.ts';
import type { NodeDevice } from './main.ts';
import { isMounted } from './mounted.ts';

export interface DriveReport {
  /** `fenced`: not served, after errors of its disk or at an operator's word. `unavailable`: could not be opened, or waits to be at the next start. `unmounted`: no file system is mounted there, and one should be. */
  readonly state: 'serving' | 'fenced' | 'full' | 'unavailable' | 'unmounted';
  /** Why it is fenced, and since when. */
  readonly reason?: string;
  readonly sinceMs?: number;
  /** Keys whose state here was damaged, and has not come back. */
  readonly damaged?: number;
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
  readonly mountCheck?: boolean | undefined;
  readonly fences?: Fences;
}

export async function reconOf({ devices, opened, daemons, address, rings, clock, mountCheck, fences }: ReconSources): Promise<Recon> {
  const drives = await Promise.all(devices.map(async ({ name, directory }) => [name, await driveReport(directory, { device: opened.get(name), fence: fences?.get(name), mountCheck: mountCheck === true })] as const));
  return {
    time: clock.nowMs(),
    devices: Object.fromEntries(drives),
    daemons: reportOf(daemons),
    address: address === undefined ? '' : `${address.ip}:${address.port}`,
    rings: rings?.versions() ?? {},
  };
}

async function driveReport(directory: string, { device, fence, mountCheck }: { device: NodeDevice | undefined; fence: Fence | undefined; mountCheck: boolean }): Promise<DriveReport> {
  const space = await statfs(directory).catch(() => undefined);
  const sizes = { sizeBytes: (space?.blocks ?? 0) * (space?.bsize ?? 0), freeBytes: (space?.bavail ?? 0) * (space?.bsize ?? 0) };
  const quarantined = (await readdir(join(directory, 'quarantine')).catch(() => [])).filter((name) => name.endsWith('.json') || name.endsWith('.v')).length;
  if (fence !== undefined) return { state: 'fenced', reason: fence.reason, sinceMs: fence.sinceMs, ...sizes, quarantined, asyncPending: 0, policies: {} };
  if (device === undefined) return { state: mountCheck && !(await isMounted(directory)) ? 'unmounted' : 'unavailable', ...sizes, quarantined, asyncPending: 0, policies: {} };
  const vitals = device.device.policies.map((policy) => [policy, device.device.objects(policy).vitals()] as const);
  const state = vitals.some(([, { fenced }]) => fenced) ? 'fenced' : vitals.some(([, { low }]) => low) ? 'full' : 'serving';
  const asyncPending = vitals.reduce((sum, [, { pending }]) => sum + pending, 0);
  const damaged = vitals.reduce((sum, [, vital]) => sum + vital.damaged, 0);
  return { state, ...sizes, quarantined, asyncPending, damaged, policies: Object.fromEntries(vitals) };
}

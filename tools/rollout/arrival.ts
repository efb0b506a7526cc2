/** How far what moves has come, from the reports of all storage nodes. */
import type { Ring } from '#ring';
import type { Recon } from '#storage-node';

/** A ring by which partitions move, with where its replicators report. */
export interface MovingRing {
  /** `account.ring`, `object-1.ring`. */
  readonly file: string;
  readonly ring: Ring;
}

export interface Arrival {
  readonly moving: number;
  readonly arrived: number;
  /** Devices that have not reported that all has arrived, and why. */
  readonly waiting: readonly string[];
}

interface Report {
  readonly version: number;
  readonly moving: number;
  readonly arrived: number;
  readonly sinceMs?: number;
}

interface Sources {
  /** By address. A node that did not answer is left out. */
  readonly recons: ReadonlyMap<string, Recon>;
  /** By address: from when on all processes had the ring, in ms of the node's own clock. */
  readonly sinceMs: ReadonlyMap<string, number>;
}

/** What has arrived by one ring: all of it where nobody is waited for. */
export function arrivalOf({ file, ring }: MovingRing, { recons, sinceMs }: Sources): Arrival {
  const waiting: string[] = [];
  let moving = 0;
  let arrived = 0;
  for (const [id, partitions] of movingTo(ring)) {
    const device = ring.devices[id]!;
    const address = `${device.ip}:${device.port}`;
    const recon = recons.get(address);
    const report = recon && reportOf(recon, file, device.device);
    moving += partitions;
    if (recon === undefined) waiting.push(`${address}/${device.device} does not answer`);
    else if (report?.version !== ring.version) waiting.push(`${address}/${device.device} has not looked yet`);
    else {
      arrived += report.arrived;
      if (report.sinceMs === undefined) waiting.push(`${address}/${device.device}: ${report.arrived} of ${report.moving} partitions have arrived`);
      else if (report.sinceMs <= (sinceMs.get(address) ?? Infinity)) waiting.push(`${address}/${device.device} looks again`);
    }
  }
  return { moving, arrived, waiting };
}

/** By device that is to hold some of them: how many partitions that move. */
function movingTo(ring: Ring): Map<number, number> {
  const counts = new Map<number, number>();
  for (let at = 0; at < ring.partitionCount; at++) {
    for (const { id } of ring.move(ring.asPartition(at))?.after ?? []) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

function reportOf({ daemons }: Recon, file: string, device: string): Report | undefined {
  const [, kind, policy = '0'] = /^(account|container|object)(?:-(\d+))?\.ring$/.exec(file) ?? [];
  if (kind !== 'object') return (daemons['database-replicator']?.report as { arrivals?: Record<string, Report> } | undefined)?.arrivals?.[`${device}/${kind ?? ''}`];
  return (daemons['object-replicator']?.report as { devices?: Record<string, { arrivals?: Report }> } | undefined)?.devices?.[`${device}/${policy}`]?.arrivals;
}

/**
 * The object replicator: for each partition that a device holds it compares digests with the other primaries, then the states where they
 * differ, and sends whole states to whoever lacks them. Where all agree, a pass is one request to each peer, whatever the devices hold.
 *
 * It only ever sends. Of those that hold the newest state of a key one is chosen by the key, the same by all, so that a device that is
 * filled anew is filled by all of its peers at once, each with a part. What a device holds of partitions that are not its own (it stood in,
 * or the ring changed) it sends home, and forgets once every primary has it.
 */
import type { Daemon, PassResult } from '#common';
import type { ObjectEngine, LocalReplica } from '#storage-node/protocol';
import type { ClusterContext, NodeAddress, ObjectPlace } from '../context.ts';
import { DeviceRounds } from '../device-rounds.ts';
import { Arrivals } from './arrivals.ts';
import { DevicePass, type DeviceMemory, type DeviceReport } from './device-pass.ts';

export interface ObjectReplicatorOptions extends ClusterContext {
  readonly objects: () => Iterable<ObjectPlace<ReplicatedEngine>>;
  readonly address: NodeAddress;
  readonly reclaimAgeMs: number;
  /** States as young as this are still on their way from a proxy. Default 10 s. */
  readonly graceMs?: number;
}

export type ReplicatedEngine = ObjectEngine & LocalReplica & { readonly requests?: number };

export function objectReplicator(options: ObjectReplicatorOptions): Daemon {
  const rounds = new DeviceRounds({ daemon: 'object-replicator', ...options });
  const memories = new Map<string, DeviceMemory>();
  const reports = new Map<string, DeviceReport>();
  return {
    name: 'object-replicator',
    intervalMs: options.intervalMs ?? 30_000,
    pass: async (signal): Promise<PassResult> => {
      const done = { shipped: 0, released: 0, damaged: 0, failed: 0, unreachable: 0 };
      done.failed = await rounds.visit(options.objects(), signal, async (place) => {
        const id = `${place.device}/${place.policy}`;
        let memory = memories.get(id);
        if (!memory) memories.set(id, (memory = { clean: new Map(), waited: new Map(), arrivals: new Arrivals() }));
        const report = await new DevicePass({ options, place, memory, rounds, signal }).run();
        const last = reports.get(id);
        reports.set(id, { ...report, inSyncAtMs: report.inSyncAtMs ?? last?.inSyncAtMs, firstPassAtMs: last?.firstPassAtMs ?? report.atMs });
        done.shipped += report.shipped;
        done.released += report.released;
        done.damaged += report.damaged;
        done.unreachable += report.unreachable.length;
      });
      return { done, more: done.shipped + done.released > 0 && !signal.aborted };
    },
    report: () => ({ devices: Object.fromEntries(reports), resting: rounds.resting }),
  };
}

/** Tells accounts what their containers hold: reports the totals of this node's container databases that changed since they were last told. */
import type { HybridClock } from '#common';
import { hashPath, quorumSize, type HashSalt, type Ring } from '#ring';
import type { NodeClient } from '#storage-node/client';
import { isAlive, type DatabaseInfo, type ListingEngine, type ListingRow } from '#storage-node/protocol';
import type { Daemon } from './daemon.ts';

export interface ContainerUpdaterOptions {
  /** The listing engines of this node's devices; asked for at each pass. */
  readonly engines: () => Iterable<ListingEngine>;
  readonly accountRing: () => Ring;
  readonly salt: HashSalt;
  readonly nodes: NodeClient;
  readonly timestamps: HybridClock;
  readonly intervalMs?: number;
}

const BATCH = 500;

export function containerUpdater(options: ContainerUpdaterOptions): Daemon {
  return {
    name: 'container-updater',
    intervalMs: options.intervalMs ?? 3000,
    pass: async (signal) => {
      const done = { reported: 0, failed: 0 };
      let more = false;
      for (const engine of options.engines()) {
        const infos = await engine.unreported(BATCH);
        let failed = 0;
        for (const info of infos) {
          if (signal.aborted) break;
          const told = await report(options, info);
          if (told) engine.reported(info);
          else failed++;
          done[told ? 'reported' : 'failed']++;
        }
        more ||= infos.length === BATCH && failed === 0;
      }
      return { done, more };
    },
  };
}

/** True when a majority of the account's primaries has the container's row. */
async function report({ accountRing, salt, nodes, timestamps }: ContainerUpdaterOptions, info: DatabaseInfo): Promise<boolean> {
  const [, account = '', container = ''] = info.path.split('/', 3);
  const ring = accountRing();
  const key = hashPath(salt, account);
  const primaries = ring.primaries(ring.partition(key));
  const alive = isAlive(info);
  const row: ListingRow = {
    name: container,
    timestamp: alive ? info.putTimestamp : info.deleteTimestamp,
    deleted: !alive,
    metaTimestamp: timestamps.now(),
    bytes: info.totals.bytes,
    count: info.totals.objects,
    policy: info.policy,
    etag: '',
    contentType: '',
  };
  const database = { kind: 'account' as const, key, path: `/${account}` };
  // An account that was never used is made by its first container; a deleted one stays so.
  const createWith = { timestamp: info.createdAt, policy: 0 };
  const answers = await Promise.allSettled(primaries.map((device) => nodes.device(device).listings.merge({ database, rows: [row], createWith })));
  return answers.filter((answer) => answer.status === 'fulfilled').length >= quorumSize(primaries.length);
}

/** Tells accounts what their containers hold: reports the totals of this node's container databases that changed since they were last told. */
import type { Daemon, HybridClock } from '#common';
import { hashPath } from '#ring';
import { isAlive, type DatabaseInfo, type ListingEngine, type ListingRow } from '#storage-node/protocol';
import type { ClusterContext, ListingPlace } from './context.ts';
import { DeviceRounds } from './device-rounds.ts';

export interface ContainerUpdaterOptions extends ClusterContext {
  readonly listings: () => Iterable<ListingPlace<Pick<ListingEngine, 'unreported' | 'reported'>>>;
  readonly timestamps: HybridClock;
}

const BATCH = 500;

export function containerUpdater(options: ContainerUpdaterOptions): Daemon {
  const rounds = new DeviceRounds({ daemon: 'container-updater', ...options });
  return {
    name: 'container-updater',
    intervalMs: options.intervalMs ?? 3000,
    pass: async (signal) => {
      const done = { reported: 0, failed: 0 };
      let more = false;
      done.failed += await rounds.visit(options.listings(), signal, async ({ engine }) => {
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
      });
      return { done, more };
    },
    report: () => ({ resting: rounds.resting }),
  };
}

/** True when a majority of the account's primaries has the container's row. */
async function report({ rings, nodes, timestamps }: ContainerUpdaterOptions, info: DatabaseInfo): Promise<boolean> {
  const [, account = '', container = ''] = info.path.split('/', 3);
  const ring = rings.account;
  const key = hashPath(rings.salt, account);
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
  return answers.filter((answer) => answer.status === 'fulfilled').length >= ring.quorum(ring.partition(key));
}

/**
 * Sends the container rows of writes whose proxy did not get to it: the durable async-pending records of this node's devices.
 * A write may have reached this device alone before its proxy died: it is first brought to a majority of its primaries, so that
 * nothing is listed that a read does not find. A row counts as sent when a majority of the container's primaries has it.
 */
import { type Daemon, isStoreError } from '#common';
import { hashPath } from '#ring';
import { bringUpToDate, compareStates } from '#storage-node/client';
import { changedAt, isAlive, rowOfObject, splitName, type ObjectEngine, type PendingRow } from '#storage-node/protocol';
import type { ClusterContext, ObjectPlace } from './context.ts';
import { DeviceRounds } from './device-rounds.ts';

export interface ObjectUpdaterOptions extends ClusterContext {
  readonly objects: () => Iterable<ObjectPlace<Pick<ObjectEngine, 'pending' | 'settle' | 'open' | 'info'>>>;
  /** A proxy has this long to settle a write itself. */
  readonly graceMs?: number;
}

const BATCH = 500;

export function objectUpdater(options: ObjectUpdaterOptions): Daemon {
  const rounds = new DeviceRounds({ daemon: 'object-updater', ...options });
  const waiting = new Map<string, number>();
  return {
    name: 'object-updater',
    intervalMs: options.intervalMs ?? 5000,
    pass: async (signal) => {
      const done = { sent: 0, failed: 0, orphaned: 0 };
      let more = false;
      done.failed += await rounds.visit(options.objects(), signal, async (place) => {
        const { engine } = place;
        const rows = await engine.pending({ olderThanMs: options.graceMs ?? 10_000, limit: BATCH });
        waiting.set(`${place.device}/${place.policy}`, rows.length);
        let failed = 0;
        for (const row of rows) {
          if (signal.aborted) break;
          const outcome = (await isOnMajority(options, place, row)) ? await sendRow(options, place.policy, row) : 'failed';
          done[outcome]++;
          if (outcome === 'failed') failed++;
          else engine.settle(row.key, changedAt(row.info));
        }
        more ||= rows.length === BATCH && failed === 0;
      });
      return { done, more };
    },
    report: () => ({ pendingAtLastPass: Object.fromEntries(waiting), atMost: BATCH, resting: rounds.resting }),
  };
}

/** Whether a majority of the object's primaries holds the pending write, or something newer, after those that lag were brought to it. */
async function isOnMajority({ rings, nodes }: ObjectUpdaterOptions, { policy, engine }: ObjectPlace<Pick<ObjectEngine, 'open' | 'info'>>, { key, info }: PendingRow): Promise<boolean> {
  const ring = rings.object(policy);
  const primaries = ring.primaries(ring.partition(key)).map((device) => nodes.device(device).objects(policy));
  const need = ring.quorum(ring.partition(key));
  const states = await Promise.allSettled(primaries.map((primary) => primary.stat(key)));
  const lagging = primaries.filter((_, i) => states[i]?.status === 'fulfilled' && compareStates(states[i].value, info) < 0);
  const holding = states.filter((state) => state.status === 'fulfilled').length - lagging.length;
  if (holding >= need) return true;
  const { holders, newer } = await bringUpToDate({ key, from: engine, to: lagging });
  return holding + holders + newer >= need;
}

async function sendRow({ rings, nodes, log }: ObjectUpdaterOptions, policy: number, { info }: PendingRow): Promise<'sent' | 'failed' | 'orphaned'> {
  const { account, container } = splitName(info.name);
  const ring = rings.container;
  const key = hashPath(rings.salt, account, container);
  const primaries = ring.primaries(ring.partition(key));
  const database = { kind: 'container' as const, key, path: `/${account}/${container}` };
  const rows = [rowOfObject(info, policy)];
  const answers = await Promise.allSettled(primaries.map((device) => nodes.device(device).listings.merge({ database, rows })));
  const heard = answers.filter((answer) => answer.status === 'fulfilled');
  const need = ring.quorum(ring.partition(key));
  if (heard.filter(({ value }) => value !== undefined && isAlive(value)).length >= need) return 'sent';
  const faults = answers.flatMap((answer) => (answer.status === 'rejected' && !isStoreError(answer.reason) ? [answer.reason as unknown] : []));
  if (faults.length > 0) throw faults[0];
  if (heard.filter(({ value }) => value === undefined || !isAlive(value)).length < need) return 'failed';
  log.warn({ object: info.name }, 'an object of a container that is gone: it stays on its devices, unlisted');
  return 'orphaned';
}

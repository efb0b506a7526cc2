/**
 * Sends the container rows of writes whose proxy did not get to it: the durable async-pending records of this node's devices.
 * A write may have reached this device alone before its proxy died: it is first brought to a majority of its primaries, so that
 * nothing is listed that a read does not find. A row counts as sent when a majority of the container's primaries has it.
 */
import { isStoreError, type Log } from '#common';
import { hashPath, quorumSize, type HashSalt, type Ring } from '#ring';
import { bringUpToDate, compareStates, type NodeClient } from '#storage-node/client';
import { isAlive, rowOfObject, splitName, type ObjectEngine, type PendingRow } from '#storage-node/protocol';
import type { Daemon } from './daemon.ts';

export interface ObjectUpdaterOptions {
  /** The engines of this node's devices, with their policies; asked for at each pass. */
  readonly engines: () => Iterable<{ readonly policy: number; readonly engine: ObjectEngine }>;
  readonly containerRing: () => Ring;
  readonly objectRing: (policy: number) => Ring;
  readonly salt: HashSalt;
  readonly nodes: NodeClient;
  readonly log: Log;
  readonly intervalMs?: number;
  /** A proxy has this long to settle a write itself. */
  readonly graceMs?: number;
}

const BATCH = 500;

export function objectUpdater(options: ObjectUpdaterOptions): Daemon {
  return {
    name: 'object-updater',
    intervalMs: options.intervalMs ?? 5000,
    pass: async (signal) => {
      const done = { sent: 0, failed: 0, orphaned: 0 };
      let more = false;
      for (const { policy, engine } of options.engines()) {
        const rows = await engine.pending({ olderThanMs: options.graceMs ?? 10_000, limit: BATCH });
        let failed = 0;
        for (const row of rows) {
          if (signal.aborted) break;
          const outcome = (await isOnMajority(options, policy, engine, row)) ? await sendRow(options, policy, row) : 'failed';
          done[outcome]++;
          if (outcome === 'failed') failed++;
          else engine.settle(row.key, row.info.metaTimestamp > row.info.timestamp ? row.info.metaTimestamp : row.info.timestamp);
        }
        more ||= rows.length === BATCH && failed === 0;
      }
      return { done, more };
    },
  };
}

/** Whether a majority of the object's primaries holds the pending write, or something newer, after those that lag were brought to it. */
async function isOnMajority({ objectRing, nodes }: ObjectUpdaterOptions, policy: number, engine: ObjectEngine, { key, info }: PendingRow): Promise<boolean> {
  const ring = objectRing(policy);
  const primaries = ring.primaries(ring.partition(key)).map((device) => nodes.device(device).objects(policy));
  const need = quorumSize(primaries.length);
  const states = await Promise.allSettled(primaries.map((primary) => primary.stat(key)));
  const lagging = primaries.filter((_, i) => states[i]?.status === 'fulfilled' && compareStates(states[i].value, info) < 0);
  const holding = states.filter((state) => state.status === 'fulfilled').length - lagging.length;
  return holding >= need || holding + (await bringUpToDate({ key, from: engine, to: lagging })) >= need;
}

async function sendRow({ containerRing, salt, nodes, log }: ObjectUpdaterOptions, policy: number, { info }: PendingRow): Promise<'sent' | 'failed' | 'orphaned'> {
  const { account, container } = splitName(info.name);
  const ring = containerRing();
  const key = hashPath(salt, account, container);
  const primaries = ring.primaries(ring.partition(key));
  const database = { kind: 'container' as const, key, path: `/${account}/${container}` };
  const rows = [rowOfObject(info, policy)];
  const answers = await Promise.allSettled(primaries.map((device) => nodes.device(device).listings.merge({ database, rows })));
  const heard = answers.filter((answer) => answer.status === 'fulfilled');
  const need = quorumSize(primaries.length);
  if (heard.filter(({ value }) => value !== undefined && isAlive(value)).length >= need) return 'sent';
  const faults = answers.flatMap((answer) => (answer.status === 'rejected' && !isStoreError(answer.reason) ? [answer.reason as unknown] : []));
  if (faults.length > 0) throw faults[0];
  if (heard.filter(({ value }) => value === undefined || !isAlive(value)).length < need) return 'failed';
  log.warn({ object: info.name }, 'an object of a container that is gone: it stays on its devices, unlisted');
  return 'orphaned';
}

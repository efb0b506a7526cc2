/** Why an object is as it is: what each of its devices holds, what became of it there, and what a read therefore answers. For operators. */
import { isStoreError } from '#common';
import { compareStates } from '#storage-node/client';
import type { HistoryEntry, ObjectInfo } from '#storage-node/protocol';
import type { Cluster } from './cluster.ts';
import type { Containers } from './containers.ts';
import { DELETE_AT, isExpired } from './metadata.ts';
import type { ObjectName } from './objects.ts';
import type { Placements, Replica } from './placement.ts';
import { whereabouts, type Whereabouts } from './where.ts';

export interface Explanation extends Whereabouts {
  /** A sentence each: what a read answers, and why. */
  readonly verdict: readonly string[];
  /** By device, the oldest first. */
  readonly histories: Readonly<Record<string, readonly HistoryEntry[]>>;
}

interface Look {
  readonly device: string;
  readonly isPrimary: boolean;
  /** `unreachable` with the fault's words. */
  readonly info: ObjectInfo | undefined | { readonly unreachable: string };
}

/** Throws `container-not-found`. */
export async function explain({ cluster, placements, containers }: { cluster: Cluster; placements: Placements; containers: Containers }, name: ObjectName): Promise<Explanation> {
  const { policy } = await containers.summary(name);
  const placement = placements.object(name.account, name.container, name.object, policy);
  const where = await whereabouts({ placements, containers }, name);
  const handoffs = [...placement.handoffs()].slice(0, placement.replicas.length);
  const replicas = [...placement.replicas, ...handoffs];
  const histories: Record<string, readonly HistoryEntry[]> = {};
  const looks = await Promise.all(
    replicas.map(async (replica, at): Promise<Look> => {
      const device = where.holdings[at]!.device;
      const engine = replica.client.objects(policy);
      histories[device] = await engine.history(placement.key).catch(() => []);
      return { device, isPrimary: placement.replicas.includes(replica), info: await infoOf(replica, policy, placement.key) };
    }),
  );
  return { ...where, histories, verdict: verdictOf(looks, { need: placement.need, nowMs: cluster.clock.nowMs(), consistency: cluster.policies.byIndex(policy).consistency }) };
}

async function infoOf(replica: Replica, policy: number, key: Buffer): Promise<Look['info']> {
  try {
    return await replica.client.objects(policy).info(key);
  } catch (error) {
    if (!isStoreError(error)) throw error;
    return { unreachable: error.message };
  }
}

export function verdictOf(looks: readonly Look[], { need, nowMs, consistency }: { need: number; nowMs: number; consistency: 'strong' | 'available' }): string[] {
  const primaries = looks.filter(({ isPrimary }) => isPrimary);
  const answering = primaries.flatMap(({ device, info }) => (isUnreachable(info) ? [] : [{ device, info }]));
  const lines = primaries.flatMap(({ device, info }) => (isUnreachable(info) ? [`${device} cannot be asked: ${info.unreachable}`] : []));
  if (consistency === 'strong' && answering.length < need) {
    return [`503: ${answering.length} of ${primaries.length} primaries answer, and ${need} are needed`, ...lines];
  }
  const newest = answering.reduce<ObjectInfo | undefined>((best, { info }) => (compareStates(info, best) > 0 ? info : best), undefined);
  if (newest === undefined) {
    const elsewhere = looks.filter(({ isPrimary, info }) => !isPrimary && info !== undefined && !isUnreachable(info));
    lines.unshift('404: no primary has ever heard of it, or all have forgotten it');
    return [...lines, ...elsewhere.map(({ device }) => `${device}, a handoff, holds it: the replicator brings it to the primaries`)];
  }
  const holding = answering.filter(({ info }) => compareStates(info, newest) === 0).length;
  lines.unshift(answerFor(newest, nowMs));
  lines.push(`${holding} of ${primaries.length} primaries hold the newest state; ${need} make a majority${holding < need && consistency === 'strong' ? ': whoever reads it brings it to one first' : ''}`);
  for (const { device, info } of answering) if (compareStates(info, newest) < 0) lines.push(`${device} ${info === undefined ? 'has nothing' : 'has an older state'}: a read or the replicator brings the newest`);
  return lines;
}

function answerFor(newest: ObjectInfo, nowMs: number): string {
  if (newest.deleted) return '404: the newest state is a deletion';
  if (isExpired(newest.metadata, nowMs)) return `404: it expired (X-Delete-At ${newest.metadata[DELETE_AT] ?? ''}); the expirer takes it off the disks`;
  return `200: ${newest.sizeBytes} bytes`;
}

function isUnreachable(info: Look['info']): info is { readonly unreachable: string } {
  return info !== undefined && 'unreachable' in info;
}

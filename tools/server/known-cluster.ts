/** The cluster that a folder belongs to, for commands that look at it from outside. */
import path from 'node:path';
import { StoreError } from '#common';
import { RingSet } from '#ring';
import { readIdentity, type ClusterIdentity } from './identity.ts';

export interface KnownCluster {
  readonly identity: ClusterIdentity;
  readonly rings: RingSet;
  /** `ip:port` of every storage node that a ring names, sorted. */
  readonly nodes: readonly string[];
}

/** Throws `bad-request` where the folder is no cluster's. */
export async function identityOf(folder: string): Promise<ClusterIdentity> {
  const identity = await readIdentity(folder);
  if (identity === undefined) throw new StoreError('bad-request', `no cluster.json in ${folder}`);
  return identity;
}

export async function knownCluster(folder: string): Promise<KnownCluster> {
  const identity = await identityOf(folder);
  const rings = await RingSet.open({ folder: path.join(folder, 'rings'), salt: identity.salt });
  const devices = rings.all().flatMap(([, ring]) => ring.devices);
  return { identity, rings, nodes: [...new Set(devices.flatMap((device) => (device ? [`${device.ip}:${device.port}`] : [])))].sort() };
}

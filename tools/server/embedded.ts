/** The first start of a whole cluster in one process: a folder, an identity, devices d1, d2, ... and rings over them. */
import { constants, existsSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { isStoreError, StoreError, systemClock, type Config } from '#common';
import { PolicySet, RingBuilder, ringFileName, saveBuilder, saveRing } from '#ring';
import { newIdentity, readIdentity, writeIdentity, type ClusterIdentity } from './identity.ts';

/** Makes the data folder; one clear line where it cannot be. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    // One folder at a time: where a file system takes no folders and says that the parent is missing (/proc does), Node's
    // recursive mkdir tries for ever.
    if (!existsSync(folder)) {
      const parent = path.dirname(folder);
      if (!existsSync(parent)) await makeFolder(parent);
      await mkdir(folder, { mode: 0o700 });
    }
    await access(folder, constants.W_OK);
  } catch (error) {
    if (isStoreError(error)) throw error;
    throw new StoreError('unavailable', `cannot use the data folder ${folder}: ${(error as Error).message}`, { cause: error });
  }
}

/** The cluster's identity; at the first start, made together with rings over this process's devices. */
export async function ensureCluster(config: Config): Promise<ClusterIdentity> {
  await makeFolder(config.data);
  const held = await readIdentity(config.data);
  if (held !== undefined) return held;
  if (!config.roles.includes('proxy') || !config.roles.includes('storage')) {
    throw new StoreError('unavailable', `${config.data} belongs to no cluster yet: copy cluster.json and rings/ of the cluster there first`);
  }
  await makeFolder(path.join(config.data, 'devices'));
  const rings = path.join(config.data, 'rings');
  await makeFolder(rings);
  await makeRings(config, rings);
  const identity = newIdentity();
  await writeIdentity(config.data, identity);
  return identity;
}

export function policiesOf(config: Config): PolicySet {
  return config.policies === undefined ? new PolicySet() : new PolicySet(config.policies.map((policy) => ({ ...policy, type: 'replication' as const })));
}

/** Rings that spread replicas over the devices of this machine. Builders are kept beside them, so that devices can be added later. */
async function makeRings(config: Config, folder: string): Promise<void> {
  const objectRings = [...policiesOf(config)].map(({ index }) => ({
    file: ringFileName('object', index),
    replicas: config.policies?.find((policy) => policy.index === index)?.replicas ?? config.embedded.replicas,
  }));
  const rings = [{ file: ringFileName('account'), replicas: config.embedded.replicas }, { file: ringFileName('container'), replicas: config.embedded.replicas }, ...objectRings];
  for (const { file, replicas } of rings) {
    const builder = RingBuilder.create({ partPower: config.embedded.partPower, replicas: Math.min(replicas, config.embedded.devices), minPartHours: 1, clock: systemClock });
    for (let i = 1; i <= config.embedded.devices; i++) {
      builder.add({ region: 1, zone: i, ip: config.storage?.host ?? '127.0.0.1', port: config.storage?.port ?? 6200, device: `d${i}`, weight: 100 });
    }
    // Seeds differ, so that an account, its containers and their objects do not all lean on the same devices.
    builder.rebalance({ seed: rings.findIndex((ring) => ring.file === file) + 1 });
    await saveBuilder(path.join(folder, file.replace(/\.ring$/, '.builder')), builder);
    await saveRing(path.join(folder, file), builder.toRing());
  }
}

/** The folder of a cluster of processes on one machine: a folder for each node and proxy, with its configuration, log and process id. */
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { StoreError, systemClock } from '#common';
import { RingBuilder, ringFileName, saveBuilder, saveRing } from '#ring';
import { makeFolder, newIdentity, writeIdentity } from '../server/index.ts';

export interface ClusterPlan {
  readonly nodes: number;
  readonly devicesPerNode: number;
  readonly proxies: number;
  readonly replicas: number;
  readonly partPower: number;
  /** Of the first proxy; the next ones follow. */
  readonly port: number;
  /** Of the first node; the next ones follow. */
  readonly storagePort: number;
  /** A configuration file whose `auth`, `policies`, `cache`, `limits` and `log` every process gets. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Member {
  readonly name: string;
  readonly role: 'node' | 'proxy';
  readonly host: string;
  readonly port: number;
}

const PLAN = 'members.json';

/** Makes the folder of a new cluster: identity, rings, and what each process needs of them. */
export async function layOut(folder: string, plan: ClusterPlan): Promise<Member[]> {
  await makeFolder(folder);
  if ((await readdir(folder)).length > 0) throw new StoreError('bad-request', `${folder} is not empty; a new cluster wants a folder of its own`);
  const members = membersOf(plan);
  const rings = path.join(folder, 'rings');
  await mkdir(rings);
  await buildRings(rings, plan, members.filter(({ role }) => role === 'node'));
  const identity = newIdentity();
  await writeIdentity(folder, identity);
  for (const member of members) {
    const home = path.join(folder, member.name);
    await mkdir(path.join(home, 'rings'), { recursive: true, mode: 0o700 });
    await writeIdentity(home, identity);
    await distributeRings(rings, path.join(home, 'rings'));
    await writeFile(path.join(home, 'gori.yaml'), stringify(configOf(plan, member)), { mode: 0o600 });
  }
  await writeFile(path.join(folder, PLAN), `${JSON.stringify(members, null, 2)}\n`);
  return members;
}

/** The members of the cluster in the folder. */
export async function readMembers(folder: string): Promise<Member[]> {
  try {
    return JSON.parse(await readFile(path.join(folder, PLAN), 'utf8')) as Member[];
  } catch (error) {
    throw new StoreError('bad-request', `there is no cluster in ${folder}; gori cluster create makes one`, { cause: error });
  }
}

/** Gives a member the rings of the cluster as they are now. */
export async function distributeRings(from: string, to: string): Promise<void> {
  for (const file of await readdir(from)) if (file.endsWith('.ring')) await copyFile(path.join(from, file), path.join(to, file));
}

function membersOf(plan: ClusterPlan): Member[] {
  const nodes = Array.from({ length: plan.nodes }, (_, i) => ({ name: `node${i + 1}`, role: 'node' as const, host: `127.0.0.${i + 1}`, port: plan.storagePort + i }));
  const proxies = Array.from({ length: plan.proxies }, (_, i) => ({ name: `proxy${i + 1}`, role: 'proxy' as const, host: '127.0.0.1', port: plan.port + i }));
  return [...nodes, ...proxies];
}

async function buildRings(folder: string, plan: ClusterPlan, nodes: readonly Member[]): Promise<void> {
  const policies = (plan.config['policies'] as { index: number }[] | undefined)?.map(({ index }) => index) ?? [0];
  const files = [ringFileName('account'), ringFileName('container'), ...policies.map((index) => ringFileName('object', index))];
  for (const [seed, file] of files.entries()) {
    const builder = RingBuilder.create({ partPower: plan.partPower, replicas: Math.min(plan.replicas, plan.nodes * plan.devicesPerNode), minPartHours: 1, clock: systemClock });
    nodes.forEach((node, i) => {
      for (let d = 1; d <= plan.devicesPerNode; d++) builder.add({ region: 1, zone: i + 1, ip: node.host, port: node.port, device: `d${d}`, weight: 100 });
    });
    builder.rebalance({ seed });
    await saveBuilder(path.join(folder, file.replace(/\.ring$/, '.builder')), builder);
    await saveRing(path.join(folder, file), builder.toRing());
  }
}

function configOf(plan: ClusterPlan, member: Member): Record<string, unknown> {
  const { auth, policies, cache, limits, log } = plan.config;
  const shared = Object.fromEntries(Object.entries({ auth, policies, cache, limits, log }).filter(([, value]) => value !== undefined));
  const own = member.role === 'node' ? { roles: ['storage'], storage: { host: member.host, port: member.port } } : { roles: ['proxy'], proxy: { host: member.host, port: member.port } };
  return { data: '.', ...own, ...shared };
}

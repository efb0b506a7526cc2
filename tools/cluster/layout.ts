/** The folder of a cluster of processes on one machine: a folder for each node and proxy, with its configuration, log and process id. */
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { StoreError, systemClock } from '#common';
import { loadBuilder, RingBuilder, ringFileName, saveBuilder, saveRing } from '#ring';
import { identityOf, makeFolder, newIdentity, writeIdentity, type ClusterIdentity } from '../server/index.ts';

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
  /** The first three numbers of the members' addresses, where each is a host of its own: nodes are .1 and on, proxies .101 and on. Default: loopback. */
  readonly network?: string;
  /** A configuration file whose `auth`, `policies`, `replicator`, `cache`, `limits` and `log` every process gets. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Member {
  readonly name: string;
  readonly role: 'node' | 'proxy';
  readonly host: string;
  readonly port: number;
}

const MEMBERS = 'members.json';
const PLAN = 'plan.json';

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
  for (const member of members) await layOutMember(folder, { plan, member, identity });
  await writeFile(path.join(folder, PLAN), JSON.stringify(plan), { mode: 0o600 });
  await writeMembers(folder, members);
  return members;
}

async function layOutMember(folder: string, { plan, member, identity }: { plan: ClusterPlan; member: Member; identity: ClusterIdentity }): Promise<void> {
  const home = path.join(folder, member.name);
  await mkdir(path.join(home, 'rings'), { recursive: true, mode: 0o700 });
  await writeIdentity(home, identity);
  await distributeRings(path.join(folder, 'rings'), path.join(home, 'rings'));
  await writeFile(path.join(home, 'gori.yaml'), stringify(configOf(plan, member)), { mode: 0o600 });
}

/**
 * Makes one node more, its devices in the rings: partitions move to it once these are rolled out. Throws `bad-request` while what moved before is
 * not settled.
 */
export async function layOutNode(folder: string): Promise<Member> {
  const members = await readMembers(folder);
  const plan = JSON.parse(await readFile(path.join(folder, PLAN), 'utf8')) as ClusterPlan;
  const identity = await identityOf(folder);
  const nodes = members.filter(({ role }) => role === 'node');
  // Never a number that was used: the folder of a node that went is there still.
  const number = Math.max(0, ...(await readdir(folder)).map((name) => Number(/^node(\d+)$/.exec(name)?.[1] ?? 0))) + 1;
  const member = nodeOf(plan, number - 1);
  await editRings(folder, (builder) => addDevices(builder, plan, { node: member, zone: number }));
  await layOutMember(folder, { plan, member, identity });
  await writeMembers(folder, [...nodes, member, ...members.filter(({ role }) => role === 'proxy')]);
  return member;
}

/** Takes a node's devices out of the rings: partitions move away from it once these are rolled out; it is a member until `forget`. */
export async function emptyNode(folder: string, { host, port }: Member): Promise<void> {
  await editRings(folder, (builder) => {
    for (const device of builder.devices) if (device.ip === host && device.port === port) builder.remove(device.id);
  });
}

/** The member is none any more; its folder stays. */
export async function forget(folder: string, gone: Member): Promise<void> {
  await writeMembers(folder, (await readMembers(folder)).filter(({ name }) => name !== gone.name));
}

async function editRings(folder: string, edit: (builder: RingBuilder) => void): Promise<void> {
  const rings = path.join(folder, 'rings');
  for (const file of await readdir(rings)) {
    if (!file.endsWith('.builder')) continue;
    const builder = await loadBuilder(path.join(rings, file), systemClock);
    edit(builder);
    // Nothing else moves, and what does has two assignments: there is nothing to wait for.
    builder.pretendMinPartHoursPassed();
    builder.rebalance({ gradual: true });
    await saveBuilder(path.join(rings, file), builder);
    await saveRing(path.join(rings, file.replace(/\.builder$/, '.ring')), builder.toRing());
  }
}

async function writeMembers(folder: string, members: readonly Member[]): Promise<void> {
  await writeFile(path.join(folder, MEMBERS), `${JSON.stringify(members, null, 2)}\n`);
}

/** The members of the cluster in the folder. */
export async function readMembers(folder: string): Promise<Member[]> {
  try {
    return JSON.parse(await readFile(path.join(folder, MEMBERS), 'utf8')) as Member[];
  } catch (error) {
    throw new StoreError('bad-request', `there is no cluster in ${folder}; gori cluster create makes one`, { cause: error });
  }
}

/** Gives a member the rings of the cluster as they are now. */
export async function distributeRings(from: string, to: string): Promise<void> {
  for (const file of await readdir(from)) if (file.endsWith('.ring')) await copyFile(path.join(from, file), path.join(to, file));
}

function membersOf(plan: ClusterPlan): Member[] {
  const nodes = Array.from({ length: plan.nodes }, (_, i) => nodeOf(plan, i));
  const proxyHost = (i: number): string => (plan.network === undefined ? '127.0.0.1' : `${plan.network}.${101 + i}`);
  const proxies = Array.from({ length: plan.proxies }, (_, i) => ({ name: `proxy${i + 1}`, role: 'proxy' as const, host: proxyHost(i), port: plan.port + i }));
  return [...nodes, ...proxies];
}

function nodeOf({ storagePort, network = '127.0.0' }: ClusterPlan, i: number): Member {
  return { name: `node${i + 1}`, role: 'node', host: `${network}.${i + 1}`, port: storagePort + i };
}

function addDevices(builder: RingBuilder, { devicesPerNode }: ClusterPlan, { node, zone }: { node: Member; zone: number }): void {
  for (let d = 1; d <= devicesPerNode; d++) builder.add({ region: 1, zone, ip: node.host, port: node.port, device: `d${d}`, weight: 100 });
}

async function buildRings(folder: string, plan: ClusterPlan, nodes: readonly Member[]): Promise<void> {
  const policies = (plan.config['policies'] as { index: number }[] | undefined)?.map(({ index }) => index) ?? [0];
  const files = [ringFileName('account'), ringFileName('container'), ...policies.map((index) => ringFileName('object', index))];
  for (const [seed, file] of files.entries()) {
    const builder = RingBuilder.create({ partPower: plan.partPower, replicas: Math.min(plan.replicas, plan.nodes * plan.devicesPerNode), minPartHours: 1, clock: systemClock });
    nodes.forEach((node, i) => addDevices(builder, plan, { node, zone: i + 1 }));
    builder.rebalance({ seed });
    await saveBuilder(path.join(folder, file.replace(/\.ring$/, '.builder')), builder);
    await saveRing(path.join(folder, file), builder.toRing());
  }
}

function configOf(plan: ClusterPlan, member: Member): Record<string, unknown> {
  const { auth, policies, replicator, cache, limits, log } = plan.config;
  const shared = Object.fromEntries(Object.entries({ auth, policies, replicator, cache, limits, log }).filter(([, value]) => value !== undefined));
  const own = member.role === 'node' ? { roles: ['storage'], storage: { host: member.host, port: member.port } } : { roles: ['proxy'], proxy: { host: member.host, port: member.port } };
  return { data: '.', ...own, ...shared };
}

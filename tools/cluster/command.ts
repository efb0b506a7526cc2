/** `gori cluster`: storage nodes and proxies as separate processes on one machine, to try what happens when some of them fail. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { parse } from 'yaml';
import { StoreError } from '#common';
import { sayingFaults } from '../faults/index.ts';
import { run as rollOut } from '../rollout/command.ts';
import { distributeRings, emptyNode, forget, layOut, layOutNode, readMembers, type Member } from './layout.ts';
import { isHealthy, runningPid, signal, start } from './processes.ts';

interface CreateOptions {
  readonly nodes: number;
  readonly devices: number;
  readonly proxies: number;
  readonly replicas: number;
  readonly partPower: number;
  readonly port: number;
  readonly storagePort: number;
  readonly config?: string;
}

export function clusterCommand(): Command {
  const cluster = new Command('cluster').description('storage nodes and proxies as separate processes on this machine, for trying failures');
  cluster
    .command('create')
    .description('lay out a new cluster and start it')
    .argument('<dir>', 'an empty folder, or one that does not exist')
    .option('--nodes <n>', 'storage nodes', natural, 4)
    .option('--devices <n>', 'devices of each node', natural, 1)
    .option('--proxies <n>', 'proxies', natural, 1)
    .option('--replicas <n>', 'copies of everything', natural, 3)
    .option('--part-power <n>', 'partition power of the rings', natural, 10)
    .option('--port <n>', 'of the first proxy', natural, 8080)
    .option('--storage-port <n>', 'of the first node', natural, 6201)
    .option('--config <file>', 'auth, policies, cache, limits and log for every process')
    .action((dir: string, options: CreateOptions) => sayingFaults(() => create(path.resolve(dir), options)));
  cluster
    .command('add-node')
    .description('start one node more, and let partitions move to it while the cluster serves')
    .argument('<dir>', 'the folder of the cluster')
    .option('--grace <seconds>', 'how long requests by the rings before may still be under way', natural, 30)
    .action((dir: string, options: { grace: number }) => sayingFaults(async () => void (await addNode(path.resolve(dir), options))));
  cluster
    .command('remove-node')
    .description('let partitions move away from a node while the cluster serves, and stop it')
    .argument('<dir>', 'the folder of the cluster')
    .argument('<node>', 'e.g. node2; it may be down, for good')
    .option('--grace <seconds>', 'how long requests by the rings before may still be under way', natural, 30)
    .action((dir: string, node: string, options: { grace: number }) => sayingFaults(() => removeNode(path.resolve(dir), node, options)));
  cluster
    .command('rollout')
    .description('bring the rings in <dir>/rings to all members, wait until what moves has arrived, and settle it')
    .argument('<dir>', 'the folder of the cluster')
    .option('--grace <seconds>', 'how long requests by the rings before may still be under way', natural, 30)
    .action((dir: string, options: { grace: number }) => sayingFaults(() => roll(path.resolve(dir), options)));
  const each = (name: string, description: string, act: (folder: string, member: Member) => Promise<string>): void => {
    cluster
      .command(name)
      .description(description)
      .argument('<dir>', 'the folder of the cluster')
      .argument('[members...]', 'which, e.g. node2 proxy1; all by default')
      .action((dir: string, names: string[]) => sayingFaults(() => forEach(path.resolve(dir), names, act)));
  };
  each('start', 'start members', (folder, member) => start(folder, member));
  each('stop', 'stop members in order: requests in flight finish', (folder, member) => signal(folder, member, 'SIGTERM'));
  each('kill', 'kill members at once (SIGKILL)', (folder, member) => signal(folder, member, 'SIGKILL'));
  each('freeze', 'stop members in their tracks (SIGSTOP)', (folder, member) => signal(folder, member, 'SIGSTOP'));
  each('thaw', 'let frozen members go on (SIGCONT)', (folder, member) => signal(folder, member, 'SIGCONT'));
  each('push-rings', 'give members the rings in <dir>/rings', async (folder, member) => {
    await distributeRings(path.join(folder, 'rings'), path.join(folder, member.name, 'rings'));
    return 'given';
  });
  each('status', 'which members run and answer', async (folder, member) => {
    const pid = await runningPid(folder, member);
    const state = pid === undefined ? 'down' : (await isHealthy(member)) ? `up ${pid}` : `silent ${pid}`;
    return `${state.padEnd(14)} ${member.host}:${member.port}`;
  });
  return cluster;
}

async function create(folder: string, options: CreateOptions): Promise<void> {
  const config = options.config === undefined ? {} : ((parse(await readFile(options.config, 'utf8')) ?? {}) as Record<string, unknown>);
  const { devices: devicesPerNode, ...rest } = options;
  if (options.nodes < 1 || devicesPerNode < 1 || options.proxies < 1) throw new StoreError('bad-request', 'a cluster has at least one node, device and proxy');
  await layOut(folder, { ...rest, devicesPerNode, config });
  await forEach(folder, [], start);
}

/** `say` hears what is done. */
interface ChangeOptions {
  readonly grace: number;
  readonly say?: (text: string) => void;
}

export async function addNode(folder: string, options: ChangeOptions): Promise<Member> {
  const member = await layOutNode(folder);
  (options.say ?? console.log)(`${member.name.padEnd(8)} ${await start(folder, member)}`);
  await roll(folder, options);
  return member;
}

export async function removeNode(folder: string, name: string, options: ChangeOptions): Promise<void> {
  const member = (await readMembers(folder)).find((known) => known.role === 'node' && known.name === name);
  if (member === undefined) throw new StoreError('bad-request', `the cluster has no node ${name}`);
  await emptyNode(folder, member);
  await roll(folder, options);
  await signal(folder, member, 'SIGTERM');
  await forget(folder, member);
  (options.say ?? console.log)(`${name.padEnd(8)} is no member any more; what it held is in ${path.join(folder, name)}`);
}

async function roll(folder: string, { grace, say }: ChangeOptions): Promise<void> {
  const proxies = (await readMembers(folder)).filter(({ role }) => role === 'proxy').map(({ host, port }) => `${host}:${port}`);
  await rollOut(folder, proxies, { graceMs: grace * 1000, ...(say && { say }) });
}

/** Nodes come up before proxies and go down after them. */
async function forEach(folder: string, names: readonly string[], act: (folder: string, member: Member) => Promise<string>): Promise<void> {
  const members = await readMembers(folder);
  const unknown = names.filter((name) => !members.some((member) => member.name === name));
  if (unknown.length > 0) throw new StoreError('bad-request', `the cluster has no ${unknown.join(', ')}; it has ${members.map(({ name }) => name).join(' ')}`);
  for (const member of members) {
    if (names.length > 0 && !names.includes(member.name)) continue;
    console.log(`${member.name.padEnd(8)} ${await act(folder, member)}`);
  }
}

function natural(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('not a whole number');
  return value;
}

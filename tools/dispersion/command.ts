/**
 * `gori dispersion`: is what should be on a device there? `populate` puts a small object, and a container, into a sample of the partitions, once; `report` asks each of
 * their devices whether it has its copy. As swift-dispersion-populate and -report. Status 0 all copies are there, 1 some are not, 2 it could not look.
 */
import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { concurrently, StoreError } from '#common';
import type { RingSet} from '#ring';
import { type HashSalt, type Ring } from '#ring';
import { NodeClient } from '#storage-node/client';
import { sayingFaults } from '../faults/index.ts';
import { knownCluster } from '../server/index.ts';
import { dispersionOf, dispersionWords, type Sampled } from './report.ts';
import { sampleNames } from './sample.ts';

interface Options {
  readonly data: string;
  readonly endpoint: string;
  readonly user?: string;
  readonly key?: string;
  readonly policy: string;
  readonly coverage: string;
  readonly json?: boolean;
}

interface Session {
  readonly url: string;
  readonly account: string;
  readonly token: string;
}

interface Stage extends Session {
  readonly salt: HashSalt;
  readonly secret: string;
  readonly rings: RingSet;
  readonly objects: Ring;
  readonly policy: number;
  readonly container: string;
}

const TIMEOUT_MS = 30_000;
const PREFIX = 'dispersion_';
const AT_ONCE = 16;

export function dispersionCommand(): Command {
  const dispersion = new Command('dispersion').description('are the copies where they should be? A sample of the partitions, asked of the devices');
  const shared = (command: Command): Command =>
    command
      .option('--data <dir>', 'a folder with cluster.json and rings/ of the cluster', 'data')
      .option('--endpoint <url>', 'a proxy', 'http://127.0.0.1:8080')
      .option('--user <account:user>', 'who keeps the sample (default: the one of credentials.json)')
      .option('--key <key>', 'of that user')
      .option('--policy <index>', 'storage policy of the objects', '0');
  shared(dispersion.command('populate').description('put the sample: to do it again is harmless'))
    .option('--coverage <percent>', 'of the partitions', '1')
    .action((options: Options) => sayingFaults(() => populate(options), 2));
  shared(dispersion.command('report').description('ask every device of the sample for its copy'))
    .option('--json', 'print JSON')
    .action((options: Options) => sayingFaults(() => report(options), 2));
  return dispersion;
}

async function populate(options: Options): Promise<void> {
  const coverage = Number(options.coverage);
  if (!(coverage > 0 && coverage <= 100)) throw new StoreError('bad-request', 'a coverage is a percentage: more than 0, at most 100');
  const stage = await open(options);
  const { rings, salt, account, container, objects } = stage;
  await put(stage, container, { 'X-Storage-Policy': await policyName(stage) });
  const names = sampleNames(objects, { salt, coverage, prefix: '', account, container });
  await concurrently(names, AT_ONCE, (name) => put(stage, `${container}/${name}`));
  const containers = sampleNames(rings.container, { salt, coverage, prefix: PREFIX, account });
  await concurrently(containers, AT_ONCE, (name) => put(stage, name));
  console.log(`${names.length} objects in ${container} and ${containers.length} containers ${PREFIX}<n> of ${account}`);
}

async function report(options: Options): Promise<void> {
  const stage = await open(options);
  const { salt, account, container, rings, objects, policy } = stage;
  using nodes = new NodeClient({ secret: stage.secret });
  const sampled = (await list(stage, container)).map((object): Sampled => ({ path: [account, container, object] }));
  const containers = (await list(stage, '', PREFIX)).filter((name) => /^dispersion_\d+$/.test(name)).map((name): Sampled => ({ path: [account, name] }));
  if (sampled.length === 0) throw new StoreError('bad-request', 'there is no sample: gori dispersion populate puts one');
  const found = {
    objects: await dispersionOf(objects, { salt, sampled, isThere: async (device, key) => (await nodes.device(device).objects(policy).stat(key))?.deleted === false }),
    containers: await dispersionOf(rings.container, { salt, sampled: containers, isThere: async (device, key, { path: [owner, name] }) => (await nodes.device(device).listings.info({ kind: 'container', key, path: `/${owner}/${name}` })) !== undefined }),
  };
  console.log(options.json === true ? JSON.stringify(found) : [dispersionWords('objects', found.objects), dispersionWords('containers', found.containers)].join('\n'));
  process.exitCode = [found.objects, found.containers].every(({ copiesFound, copiesExpected }) => copiesFound === copiesExpected) ? 0 : 1;
}

async function open(options: Options): Promise<Stage> {
  const folder = path.resolve(options.data);
  const { identity, rings } = await knownCluster(folder);
  const policy = Number(options.policy);
  const session = await login(options, folder);
  return { ...session, salt: identity.salt, secret: identity.secret, rings, policy, objects: rings.object(policy), container: `${PREFIX}objects_${policy}` };
}

async function login({ endpoint, user, key }: Options, folder: string): Promise<Session> {
  const known = user === undefined ? await readFile(path.join(folder, 'credentials.json'), 'utf8').then((text) => JSON.parse(text) as { account: string; user: string; key: string }, () => undefined) : undefined;
  const name = user ?? (known && `${known.account}:${known.user}`);
  if (name === undefined) throw new StoreError('bad-request', 'name a user who may keep the sample: --user account:user --key key');
  const answer = await ask(`${endpoint}/auth/v1.0`, { headers: { 'X-Auth-User': name, 'X-Auth-Key': key ?? known?.key ?? '' } });
  const url = answer.headers.get('x-storage-url');
  const token = answer.headers.get('x-auth-token');
  if (!answer.ok || url === null || token === null) throw new StoreError('bad-request', `${endpoint} gives ${name} no token: ${answer.status}`);
  return { url, token, account: decodeURIComponent(url.slice(url.lastIndexOf('/') + 1)) };
}

/** The policy's name, as the proxy tells it. */
async function policyName({ url, policy, token }: Stage): Promise<string> {
  const info = (await (await ask(new URL('/info', url).href, { headers: { 'X-Auth-Token': token } })).json()) as { swift?: { policies?: readonly { name: string; default?: boolean }[] } };
  const policies = info.swift?.policies ?? [];
  return policies[policy]?.name ?? policies.find((known) => known.default === true)?.name ?? 'Policy-0';
}

async function put({ url, token }: Session, name: string, headers: Record<string, string> = {}): Promise<void> {
  const answer = await ask(`${url}/${name}`, { method: 'PUT', headers: { 'X-Auth-Token': token, ...headers }, body: '' });
  if (!answer.ok) throw new StoreError('unavailable', `PUT ${name} was answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`);
}

async function list({ url, token }: Session, container: string, prefix = ''): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const query = new URLSearchParams({ prefix, limit: '1000', marker: names.at(-1) ?? '' });
    const answer = await ask(`${url}${container === '' ? '' : `/${container}`}?${query.toString()}`, { headers: { 'X-Auth-Token': token } });
    if (answer.status === 404) return names;
    if (!answer.ok) throw new StoreError('unavailable', `GET ${container} was answered ${answer.status}`);
    const page = (await answer.text()).split('\n').filter((line) => line !== '');
    if (page.length === 0) return names;
    names.push(...page);
  }
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new StoreError('unavailable', `${url} does not answer: ${String((error as Error).cause ?? error)}`, { cause: error });
  }
}

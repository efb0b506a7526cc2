/**
 * `gori drive`: devices that are not to be served. A node fences a device by itself when its disk fails again and again; an operator fences one that is about to be
 * pulled, and lets back one that is well. Status 0 done, 1 something is fenced (list), 2 it could not be done.
 */
import path from 'node:path';
import { Command } from 'commander';
import { StoreError } from '#common';
import { readFences, writeFences, type Fence } from '#storage-node';
import { bearerOf } from '#storage-node/protocol';
import { sayingFaults } from '../faults/index.ts';
import { identityOf, knownCluster } from '../server/index.ts';

interface Options {
  readonly data: string;
  readonly json?: boolean;
  readonly reason?: string;
}

const TIMEOUT_MS = 5000;
const DATA = ['--data <dir>', 'a folder with cluster.json and rings/ of the cluster', 'data'] as const;

export function driveCommand(): Command {
  const drive = new Command('drive').description('devices that are fenced: not served, not written, until an operator lets them back');
  drive.command('list').description('all fenced devices of the cluster').option(...DATA).option('--json', 'print JSON').action((options: Options) => sayingFaults(() => list(options), 2));
  drive.command('fence').description('serve nobody from the device any more').argument('<drive>', 'ip:port/device, as gori recon calls it').option(...DATA).option('--reason <text>', 'what others should know').action((name: string, options: Options) => sayingFaults(() => change(name, true, options), 2));
  drive.command('release').description('serve from the device again; one that was not opened is opened when its node starts').argument('<drive>', 'ip:port/device; only the device where the node is stopped and its folder is --data').option(...DATA).action((name: string, options: Options) => sayingFaults(() => change(name, false, options), 2));
  return drive;
}

async function list(options: Options): Promise<void> {
  const { nodes, identity } = await knownCluster(path.resolve(options.data));
  const bearer = bearerOf(identity.secret);
  const answers = await Promise.all(nodes.map(async (node) => ({ node, fences: await ask<Record<string, Fence>>(node, bearer, 'GET', '').catch((error: unknown) => String(error)) })));
  const fenced = answers.flatMap(({ node, fences }) => (typeof fences === 'string' ? [] : Object.entries(fences).map(([device, fence]) => ({ drive: `${node}/${device}`, ...fence }))));
  const silent = answers.flatMap(({ node, fences }) => (typeof fences === 'string' ? [node] : []));
  if (options.json === true) console.log(JSON.stringify({ fenced, silent }));
  else console.log([...fenced.map(({ drive, sinceMs, reason }) => `${drive}  fenced since ${new Date(sinceMs).toISOString()}: ${reason}`), ...silent.map((node) => `${node}  no answer`)].join('\n') || 'no device is fenced');
  process.exitCode = silent.length > 0 ? 2 : fenced.length > 0 ? 1 : 0;
}

async function change(name: string, fenced: boolean, { data, reason }: Options): Promise<void> {
  const [, node, device] = /^(?:(.+:\d+)\/)?([^/]+)$/.exec(name) ?? [];
  if (device === undefined) throw new StoreError('bad-request', `${name} is no device: ip:port/device`);
  if (node !== undefined) {
    await ask(node, bearerOf((await identityOf(path.resolve(data))).secret), 'PUT', `/${encodeURIComponent(device)}`, { fenced, reason });
  } else {
    const file = path.join(path.resolve(data), 'fences.json');
    const fences = await readFences(file);
    if (fenced) fences.set(device, { sinceMs: Date.now(), reason: reason ?? 'an operator says so' });
    else if (!fences.delete(device)) throw new StoreError('bad-request', `${device} is not fenced by ${file}`);
    await writeFences(file, Object.fromEntries(fences));
  }
  console.log(`${name} is ${fenced ? 'fenced' : 'let back'}${node === undefined ? ' when its node starts' : ''}`);
}

async function ask<Answer>(node: string, authorization: string, method: string, below: string, body?: object): Promise<Answer> {
  const answer = await fetch(`http://${node}/fences${below}`, { method, headers: { authorization }, signal: AbortSignal.timeout(TIMEOUT_MS), ...(body && { body: JSON.stringify(body) }) }).catch((error: unknown) => {
    throw new StoreError('unavailable', `${node} does not answer: ${String((error as Error).cause ?? error)}`);
  });
  const said = (await answer.json()) as Answer & { message?: string };
  if (!answer.ok) throw new StoreError('bad-request', `${node}: ${said.message ?? answer.status}`);
  return said;
}

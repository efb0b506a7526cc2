/**
 * `gori drive`: devices that are not to be served. A node fences a device by itself when its disk fails again and again; an operator fences one that is about to be
 * pulled, and lets back one that is well. Status 0 done, 1 something is fenced (list), 2 it could not be done.
 */
import path from 'node:path';
import { Command } from 'commander';
import { isStoreError, StoreError } from '#common';
import { RingSet } from '#ring';
import { readFences, writeFences, type Fence } from '#storage-node';
import { bearerOf } from '#storage-node/protocol';
import { readIdentity } from '../server/index.ts';

interface Options {
  readonly data: string;
  readonly json?: boolean;
  readonly reason?: string;
}

const TIMEOUT_MS = 5000;
const DATA = ['--data <dir>', 'a folder with cluster.json and rings/ of the cluster', 'data'] as const;

export function driveCommand(): Command {
  const drive = new Command('drive').description('devices that are fenced: not served, not written, until an operator lets them back');
  drive.command('list').description('all fenced devices of the cluster').option(...DATA).option('--json', 'print JSON').action((options: Options) => guarded(() => list(options)));
  drive.command('fence').description('serve nobody from the device any more').argument('<drive>', 'ip:port/device, as gori recon calls it').option(...DATA).option('--reason <text>', 'what others should know').action((name: string, options: Options) => guarded(() => change(name, true, options)));
  drive.command('release').description('serve from the device again; one that was not opened is opened when its node starts').argument('<drive>', 'ip:port/device; only the device where the node is stopped and its folder is --data').option(...DATA).action((name: string, options: Options) => guarded(() => change(name, false, options)));
  return drive;
}

async function list(options: Options): Promise<void> {
  const { nodes, bearer } = await clusterOf(options.data);
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
    const { bearer } = await clusterOf(data);
    await ask(node, bearer, 'PUT', `/${encodeURIComponent(device)}`, { fenced, reason });
  } else {
    const file = path.join(path.resolve(data), 'fences.json');
    const fences = await readFences(file);
    if (fenced) fences.set(device, { sinceMs: Date.now(), reason: reason ?? 'an operator says so' });
    else if (!fences.delete(device)) throw new StoreError('bad-request', `${device} is not fenced by ${file}`);
    await writeFences(file, Object.fromEntries(fences));
  }
  console.log(`${name} is ${fenced ? 'fenced' : 'let back'}${node === undefined ? ' when its node starts' : ''}`);
}

async function clusterOf(data: string): Promise<{ nodes: string[]; bearer: string }> {
  const folder = path.resolve(data);
  const identity = await readIdentity(folder);
  if (identity === undefined) throw new StoreError('bad-request', `no cluster.json in ${folder}`);
  const rings = await RingSet.open({ folder: path.join(folder, 'rings'), salt: identity.salt });
  const devices = rings.all().flatMap(([, ring]) => ring.devices);
  return { nodes: [...new Set(devices.flatMap((device) => (device ? [`${device.ip}:${device.port}`] : [])))].sort(), bearer: bearerOf(identity.secret) };
}

async function ask<Answer>(node: string, authorization: string, method: string, below: string, body?: object): Promise<Answer> {
  const answer = await fetch(`http://${node}/fences${below}`, { method, headers: { authorization }, signal: AbortSignal.timeout(TIMEOUT_MS), ...(body && { body: JSON.stringify(body) }) }).catch((error: unknown) => {
    throw new StoreError('unavailable', `${node} does not answer: ${String((error as Error).cause ?? error)}`);
  });
  const said = (await answer.json()) as Answer & { message?: string };
  if (!answer.ok) throw new StoreError('bad-request', `${node}: ${said.message ?? answer.status}`);
  return said;
}

async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isStoreError(error)) throw error;
    console.error(`gori: ${error.message}`);
    process.exitCode = 2;
  }
}

/** `gori recon`: how every storage node of a cluster is, asked of each by HTTP. Ends with status 1 where something wants looking after, 2 where it could not ask. */
import path from 'node:path';
import { Command } from 'commander';
import { bearerOf } from '#storage-node/protocol';
import type { Recon } from '#storage-node';
import { sayingFaults } from '../faults/index.ts';
import { knownCluster } from '../server/index.ts';
import { textTable } from '../ring/terminal.ts';
import { ringTroubles, troublesOf } from './troubles.ts';

interface NodeRecon {
  readonly node: string;
  /** Undefined where it did not answer. */
  readonly recon: Recon | undefined;
  readonly fault: string | undefined;
  /** How far its clock is ahead of ours, in ms. */
  readonly skewMs: number;
}

const TIMEOUT_MS = 5000;

export function reconCommand(): Command {
  return new Command('recon')
    .description('how the storage nodes of a cluster are: drives, replication, what waits, what was quarantined')
    .option('--data <dir>', 'a folder with cluster.json and rings/ of the cluster', 'data')
    .option('--json', 'print JSON')
    .action(async (options: { data: string; json?: boolean }) => {
      await sayingFaults(async () => {
        const answers = await gather(path.resolve(options.data));
        const troubles = answers.flatMap(({ node, recon, fault, skewMs }) => troublesOf(recon, { fault, skewMs, nowMs: Date.now() }).map((text) => `${node}: ${text}`)).concat(ringTroubles(answers));
        console.log(options.json ? JSON.stringify({ nodes: answers, troubles }, null, 2) : [tables(answers), ...(troubles.length > 0 ? ['', ...troubles] : [])].join('\n'));
        process.exitCode = troubles.length > 0 ? 1 : 0;
      }, 2);
    });
}

async function gather(folder: string): Promise<NodeRecon[]> {
  const { identity, nodes } = await knownCluster(folder);
  return Promise.all(nodes.map((node) => ask(node, bearerOf(identity.secret))));
}

async function ask(node: string, authorization: string): Promise<NodeRecon> {
  const beganMs = Date.now();
  try {
    const answer = await fetch(`http://${node}/recon`, { headers: { authorization }, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) return { node, recon: undefined, fault: `answered ${answer.status}`, skewMs: 0 };
    const recon = (await answer.json()) as Recon;
    return { node, recon, fault: undefined, skewMs: Math.round(recon.time - (beganMs + Date.now()) / 2) };
  } catch (error) {
    return { node, recon: undefined, fault: String((error as Error).cause ?? error), skewMs: 0 };
  }
}

/** Drives of all nodes in one table, then daemons by node. */
function tables(answers: readonly NodeRecon[]): string {
  const drives = answers.flatMap(({ node, recon }) => Object.entries(recon?.devices ?? {}).map(([name, drive]) => [
    `${node}/${name}`, drive.state, drive.sizeBytes === 0 ? '' : `${Math.round((100 * drive.freeBytes) / drive.sizeBytes)}%`, drive.asyncPending, drive.quarantined, drive.damaged ?? 0, lagOf(recon!, name),
  ]));
  const nodes = answers.map(({ node, recon, skewMs }) => [node, recon === undefined ? 'no answer' : 'answers', recon === undefined ? '' : `${skewMs} ms`, Object.entries(recon?.rings ?? {}).map(([file, version]) => `${file.replace('.ring', '')} ${version}`).join(', ')]);
  const daemons = answers.flatMap(({ node, recon }) => Object.values(recon?.daemons ?? {}).map(({ name, passes, lastPassAtMs, lastPassTookMs, lastFault }) => [
    node, name, passes, lastPassAtMs === undefined ? 'never' : `${Math.round((recon!.time - lastPassAtMs) / 1000)} s ago`, `${((lastPassTookMs ?? 0) / 1000).toFixed(1)} s`, lastFault ?? '',
  ]));
  return [
    textTable(['node', 'state', 'clock', 'rings'], nodes),
    textTable(['drive', 'state', 'free', 'pending', 'quarantined', 'damaged', 'in sync'], drives),
    textTable(['node', 'daemon', 'passes', 'last pass', 'took', 'fault'], daemons),
  ].join('\n\n');
}

/** When the object replicator last saw that others have all that the drive has. */
function lagOf(recon: Recon, drive: string): string {
  const { devices = {} } = (recon.daemons['object-replicator']?.report ?? {}) as { devices?: Readonly<Record<string, { inSyncAtMs?: number }>> };
  const own = Object.entries(devices).filter(([place]) => place.startsWith(`${drive}/`)).map(([, { inSyncAtMs }]) => inSyncAtMs);
  if (own.length === 0) return '';
  return own.some((atMs) => atMs === undefined) ? 'never' : `${Math.round((recon.time - Math.min(...(own as number[]))) / 1000)} s ago`;
}

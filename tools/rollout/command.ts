/** `gori rollout`: new rings for a cluster that serves meanwhile. */
import path from 'node:path';
import cliProgress from 'cli-progress';
import { Command } from 'commander';
import { StoreError, systemClock, untilSignalled } from '#common';
import { sayingFaults } from '../faults/index.ts';
import { identityOf } from '../server/index.ts';
import { rollout, type RolloutOptions } from './rollout.ts';

interface Options {
  readonly data: string;
  readonly proxy: readonly string[];
  readonly grace: number;
}

const MS_PER_MINUTE = 60_000;

export function rolloutCommand(): Command {
  return new Command('rollout')
    .description('bring the rings in <data>/rings to every node and proxy, wait until what moves has arrived, and settle it')
    .option('--data <dir>', 'a folder with the cluster.json of the cluster, and rings/ with builders and rings', 'data')
    .requiredOption('--proxy <host:port...>', 'every proxy of the cluster')
    .option('--grace <seconds>', 'how long requests by the rings before may still be under way', Number, 30)
    .addHelpText('after', '\nIt can be broken off and begun again at any time.')
    .action(({ data, proxy, grace }: Options) => sayingFaults(() => run(path.resolve(data), proxy, { graceMs: grace * 1000 })));
}

/** Rolls out the rings of a data folder, with a bar where somebody watches. Throws as `rollout` does. */
export async function run(folder: string, proxies: readonly string[], options: Pick<RolloutOptions, 'graceMs' | 'pollMs'> & { say?: (text: string) => void } = {}): Promise<void> {
  const signal = untilSignalled();
  const identity = await identityOf(folder);
  const watched = process.stderr.isTTY;
  const bar = new cliProgress.SingleBar({ format: 'arrived {bar} {percentage}% {left} {waiting}', stream: process.stderr, clearOnComplete: true, hideCursor: true }, cliProgress.Presets.shades_classic);
  const beganMs = Date.now();
  if (watched) bar.start(100, 0, { left: '', waiting: '' });
  try {
    await rollout({
      say: (text) => console.log(text),
      ...options, folder: path.join(folder, 'rings'), proxies, secret: identity.secret, clock: systemClock, signal,
      onProgress: (done, waiting) => bar.update(Math.floor(100 * done), { left: timeLeft(done, Date.now() - beganMs), waiting: waiting[0] ?? '' }),
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new StoreError('unavailable', 'broken off; rolled out again, it goes on', { cause: error });
  } finally {
    if (watched) bar.stop();
  }
}

function timeLeft(done: number, tookMs: number): string {
  return done <= 0 || done >= 1 ? '' : `about ${Math.ceil((tookMs * (1 - done)) / done / MS_PER_MINUTE)} min left`;
}

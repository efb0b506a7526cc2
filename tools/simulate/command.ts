/** `gori simulate`: lives of whole clusters in one process, with faults and a judge; see test/simulation, which it runs. Ends with status 1 where a promise was broken. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Command } from 'commander';

const PROGRAM = path.join(import.meta.dirname, '..', '..', 'test', 'simulation', 'main.ts');

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('simulate clusters whose nodes, disks, clocks and networks fail, and check what their clients were told')
    .option('--seed <n>', 'of the first one; the same seed is the same story (default: drawn)')
    .option('--seeds <n>', 'how many, each with the next seed', '1')
    .option('--operations <n>', 'requests of clients in each', '500')
    .option('--workers <n>', 'threads (default: one a core, four at most)')
    .option('--seconds <n>', 'begin none later than this')
    .option('--plant <fault>', 'plant a fault, to see that it is found: see test/simulation/plants.ts')
    .option('--history', 'tell the final reads, too, of one that fails')
    .action(async (options: Record<string, string | true>) => {
      const words = Object.entries(options).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, value]));
      const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: 'inherit' });
      const [code] = (await once(child, 'exit')) as [number | null];
      process.exitCode = code ?? 1;
    });
}

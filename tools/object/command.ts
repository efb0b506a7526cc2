/** `gori object where`: which devices a name lives on, and what each of them really holds. */
import { Command } from 'commander';
import type { Whereabouts } from '#proxy/core';
import { askProxy } from './proxy.ts';

interface Options {
  readonly data: string;
  readonly endpoint: string;
  readonly json?: boolean;
}

export function objectCommand(): Command {
  const object = new Command('object').description('look at what is stored');
  object
    .command('where')
    .description('partition, primaries, handoffs, and what each of them holds')
    .argument('<name>', 'ACCOUNT[/CONTAINER[/OBJECT]]')
    .option('--data <dir>', 'a folder with the cluster.json of the cluster', 'data')
    .option('--endpoint <url>', 'a proxy of the cluster', 'http://127.0.0.1:8080')
    .option('--json', 'print JSON')
    .action(where);
  return object;
}

async function where(name: string, options: Options): Promise<void> {
  const body = await askProxy<Whereabouts>('where', name, options);
  if (body !== undefined) console.log(options.json ? JSON.stringify(body, null, 2) : describe(body));
}

export function describe({ key, partition, policy, holdings }: Whereabouts): string {
  const lines = holdings.map(({ role, device, state, timestamp, bytes, rows, fault }) =>
    [role.padEnd(8), device.padEnd(36), state.padEnd(12), timestamp ?? '', bytes === undefined ? '' : `${bytes} bytes`, rows === undefined ? '' : `${rows} rows`, fault ?? ''].join(' ').trimEnd(),
  );
  return [`key ${key}, partition ${partition}, policy ${policy}`, ...lines].join('\n');
}

/** `gori object where`: which devices a name lives on, and what each of them really holds. */
import path from 'node:path';
import { Command } from 'commander';
import type { Whereabouts } from '#proxy/core';
import { bearerOf } from '#storage-node/protocol';
import { readIdentity } from '../server/index.ts';

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
  const [account = '', container, ...rest] = name.replace(/^\//, '').split('/');
  const object = rest.length > 0 ? rest.join('/') : undefined;
  const identity = await readIdentity(path.resolve(options.data));
  if (identity === undefined) return fail(`no cluster.json in ${options.data}`);
  const query = new URLSearchParams({ account, ...(container && { container }), ...(object && { object }) });
  const answer = await fetch(`${options.endpoint}/.gori/where?${query.toString()}`, { headers: { authorization: bearerOf(identity.secret) }, signal: AbortSignal.timeout(30_000) }).catch(
    (error: unknown) => fail(`no proxy answers at ${options.endpoint}: ${String((error as Error).cause ?? error)}`),
  );
  if (answer === undefined) return;
  const body = (await answer.json()) as Whereabouts | { fault: string };
  if ('fault' in body) return fail(body.fault);
  console.log(options.json ? JSON.stringify(body, null, 2) : describe(body));
}

function describe({ key, partition, policy, holdings }: Whereabouts): string {
  const lines = holdings.map(({ role, device, state, timestamp, bytes, rows, fault }) =>
    [role.padEnd(8), device.padEnd(36), state.padEnd(12), timestamp ?? '', bytes === undefined ? '' : `${bytes} bytes`, rows === undefined ? '' : `${rows} rows`, fault ?? ''].join(' ').trimEnd(),
  );
  return [`key ${key}, partition ${partition}, policy ${policy}`, ...lines].join('\n');
}

function fail(message: string): undefined {
  console.error(`gori: ${message}`);
  process.exitCode = 1;
}

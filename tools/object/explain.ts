/** `gori explain`: why an object is as it is: what its devices hold, what became of it there and when, and what a read answers. */
import { Command } from 'commander';
import { formatTimestamp } from '#common';
import type { Explanation } from '#proxy/core';
import type { HistoryEntry } from '#storage-node/protocol';
import { describe } from './command.ts';
import { askProxy, fail } from './proxy.ts';

interface Options {
  readonly data: string;
  readonly endpoint: string;
  readonly json?: boolean;
}

export function explainCommand(): Command {
  return new Command('explain')
    .description('why an object is as it is: who holds it, what became of it and when, what a read answers')
    .argument('<name>', 'ACCOUNT/CONTAINER/OBJECT')
    .option('--data <dir>', 'a folder with the cluster.json of the cluster', 'data')
    .option('--endpoint <url>', 'a proxy of the cluster', 'http://127.0.0.1:8080')
    .option('--json', 'print JSON')
    .action(async (name: string, options: Options) => {
      if (name.replace(/^\//, '').split('/').length < 3) return fail(`${name} is no ACCOUNT/CONTAINER/OBJECT`);
      const body = await askProxy<Explanation>('explain', name, options);
      if (body !== undefined) console.log(options.json ? JSON.stringify(body, null, 2) : report(body));
    });
}

export function report(explanation: Explanation): string {
  const histories = Object.entries(explanation.histories).flatMap(([device, entries]) => (entries.length === 0 ? [] : ['', `on ${device}`, ...entries.map(line)]));
  return [describe(explanation), '', ...explanation.verdict, ...histories].join('\n');
}

function line({ event, timestamp, atMs, sizeBytes, conditional, inForce, again, place, reason }: HistoryEntry): string {
  const at = atMs === undefined ? 'at an unknown time' : new Date(atMs).toISOString();
  const notes = [event === 'written' ? `${sizeBytes} bytes` : '', conditional ? 'under a condition' : '', again ? 'once more' : '', inForce ? 'in force' : '', reason ?? ''].filter((note) => note !== '');
  return `  ${at}  ${event.padEnd(11)} ${formatTimestamp(timestamp)}  ${place}${notes.length > 0 ? `  (${notes.join(', ')})` : ''}`;
}

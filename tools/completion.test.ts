import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Command } from 'commander';
import { completionScript } from './completion.ts';

const program = new Command('gori').option('--verbose');
program.command('server').option('--data <dir>').option('--port <n>');
program.addCommand(new Command('ring').addCommand(new Command('rebalance').option('--seed <n>')).addCommand(new Command('remove')));

/** What bash offers for the words so far, the last of them being typed. */
function offered(...words: string[]): string[] {
  const script = `${completionScript(program, 'bash')}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _gori; echo "\${COMPREPLY[@]}"`;
  return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim().split(' ').filter(Boolean).sort();
}

test('commands, their commands and their options are offered where they may stand', () => {
  assert.deepEqual(offered('gori', ''), ['--help', '--verbose', 'ring', 'server']);
  assert.deepEqual(offered('gori', 's'), ['server']);
  assert.deepEqual(offered('gori', 'ring', 're'), ['rebalance', 'remove']);
  assert.deepEqual(offered('gori', 'ring', 'rebalance', '--s'), ['--seed']);
  assert.deepEqual(offered('gori', 'server', '--data', 'x', '--p'), ['--port']);
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { whyNoIsland } from './island.ts';
import type { StormResult } from './storm.ts';

// The long runs are those of main.ts; docs/reliability.md says how they went.
const seed = String(process.env['STORM_SEED'] ?? Math.floor(Math.random() * 1e6));
console.log(`seed ${seed} (STORM_SEED repeats it)`);
const why = whyNoIsland();
const skip = why === undefined ? false : `a storm needs namespaces of its own: ${why}`;

async function storm(...words: string[]): Promise<StormResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gori-storm-test-'));
  try {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'main.ts'), '--seed', seed, ...words], { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
    const [said, complained]: Buffer[][] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => said!.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => complained!.push(chunk));
    await once(child, 'close');
    const text = Buffer.concat(said!).toString();
    assert.match(text, /^\{/, Buffer.concat(complained!).toString());
    return JSON.parse(text) as StormResult;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('real processes that are struck under load answer as registers would', { skip }, async (t) => {
  const { violations, operations } = await storm('--rounds', '2', '--operations', '1500');
  assert.deepEqual(violations, []);
  assert(operations > 2000);
  t.diagnostic(`${operations} operations`);
});

for (const plant of ['blind', 'available']) {
  test(`the planted fault ${plant} is found within four rounds`, { skip }, async (t) => {
    const { violations, rounds } = await storm('--rounds', '4', '--operations', '1500', '--plant', plant);
    assert.notDeepEqual(violations, []);
    t.diagnostic(`found in round ${rounds}`);
  });
}

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { freePorts } from '../support/index.ts';
import { check, type CheckResult } from './checker.ts';
import { PoweredCluster } from './powered-cluster.ts';
import { ProcessCluster } from './process-cluster.ts';
import { SingleServer } from './single-server.ts';
import type { Subject } from './subject.ts';

// The long runs are those of main.ts; docs/reliability.md says how they went.
const seed = Number(process.env['CHECKER_SEED'] ?? Math.floor(Math.random() * 1e6));
console.log(`seed ${seed} (CHECKER_SEED repeats it)`);

async function checked(make: (folder: string) => Promise<Subject>, rounds: number): Promise<CheckResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gori-checker-'));
  try {
    await using subject = await make(path.join(folder, 'data'));
    return await check({ subject, rounds, seed, waitForListings: false });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('the server killed with kill -9 under load loses nothing it acknowledged', async () => {
  const { faults, counts } = await checked(async (folder) => new SingleServer({ folder, port: await freePorts(1) }), 3);
  assert.deepEqual(faults, []);
  assert((counts['writes acknowledged'] ?? 0) > 20, JSON.stringify(counts));
});

test('nodes and proxies killed with kill -9 under load lose nothing that was acknowledged', async () => {
  const { faults, counts } = await checked(async (folder) => {
    const port = await freePorts(6, ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4']);
    return new ProcessCluster({ folder, port, storagePort: port + 2 });
  }, 2);
  assert.deepEqual(faults, []);
  assert((counts['writes acknowledged'] ?? 0) > 20, JSON.stringify(counts));
});

test('a power failure that takes all that was not synced loses nothing that was acknowledged', async () => {
  const { faults, counts } = await checked(async () => new PoweredCluster({ seed, plant: 'none' }), 5);
  assert.deepEqual(faults, []);
  assert((counts['writes acknowledged'] ?? 0) > 20, JSON.stringify(counts));
});

test('the checker finds an engine whose fdatasync does nothing', async () => {
  const { faults, rounds } = await checked(async () => new PoweredCluster({ seed, plant: 'no-fdatasync' }), 8);
  assert.notDeepEqual(faults, []);
  console.log(`found after ${rounds} round(s): ${faults[0]}`);
});

#!/usr/bin/env node
/**
 * The storm: `node test/storm/main.ts --rounds 200 --seed 7`. Real processes (`gori cluster`: four nodes, two proxies) on networks and disks of their own are killed,
 * frozen, cut off, filled up and robbed of their disks under a load on few keys; every answer is held against what a register could have
 * answered. Ends with a summary in JSON, and with status 1 where a promise was broken. Linux only: it needs namespaces (unshare, nsenter, ip, mount).
 *
 * `--plant blind` makes clients look and then write blindly where they claim a conditional write, `--plant available` has any replica answer reads: both must fail.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { goToIsland, onIsland } from './island.ts';
import { StormCluster } from './storm-cluster.ts';
import { Storm } from './storm.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    /** Of each round at least, within `--round-seconds`. */
    operations: { type: 'string', default: '5000' },
    'round-seconds': { type: 'string', default: '30' },
    clients: { type: 'string', default: '16' },
    keys: { type: 'string', default: '10' },
    plant: { type: 'string', default: 'none' },
    keep: { type: 'boolean', default: false },
  },
});

async function weather(): Promise<void> {
  const [seed, rounds] = [Number(values.seed), Number(values.rounds)];
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  say(`seed ${seed}, ${rounds} rounds, planted fault: ${values.plant}`);
  const folder = await mkdtemp(path.join(tmpdir(), 'gori-storm-'));
  const startMs = performance.now();
  const result = await (async () => {
    await using cluster = new StormCluster(path.join(folder, 'cluster'));
    await cluster.begin({ nodes: 4, proxies: 2, consistency: values.plant === 'available' ? 'available' : 'strong' });
    const { operations, clients, keys } = values;
    const storm = new Storm({
      cluster, seed, rounds, operations: Number(operations), roundMs: Number(values['round-seconds']) * 1000, clients: Number(clients), keys: Number(keys),
      blind: values.plant === 'blind', equal: true, onRound: (round, what) => say(`round ${round}: ${what}`),
    });
    return await storm.run();
  })();
  const { violations, ...summary } = result;
  process.stdout.write(`${JSON.stringify({ seed, plant: values.plant, ...summary, seconds: Math.round((performance.now() - startMs) / 1000), violations }, null, 2)}\n`);
  if (violations.length > 0) process.exitCode = 1;
  if (values.keep || violations.length > 0) say(`logs are in ${folder}`);
  else await rm(folder, { recursive: true });
}

if (onIsland()) {
  await weather();
  process.exit(process.exitCode);
} else {
  process.exitCode = await goToIsland();
}

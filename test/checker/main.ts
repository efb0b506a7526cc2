#!/usr/bin/env node
/**
 * The checker: `node test/checker/main.ts --mode single|cluster|rings|power --rounds 100 --seed 7`. It kills what it runs under a mixed
 * load (`rings`: adds and removes nodes), starts it again and reads everything back; ends with a summary in JSON, and with status 1 where anything was lost.
 * `power` runs on simulated disks that lose what was not synced; `--plant no-fdatasync` takes the engine's fdatasync out, and must fail.
 * A seed repeats what is asked and when the strikes come, not how processes interleave.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { freePorts } from '../support/free-ports.ts';
import { ChangingCluster } from './changing-cluster.ts';
import { check } from './checker.ts';
import { PoweredCluster } from './powered-cluster.ts';
import { ProcessCluster } from './process-cluster.ts';
import { SingleServer } from './single-server.ts';
import type { Subject } from './subject.ts';

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'single' },
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    clients: { type: 'string', default: '12' },
    plant: { type: 'string', default: 'none' },
    keep: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const rounds = Number(values.rounds);
console.error(`mode ${values.mode}, seed ${seed}, ${rounds} rounds`);
const folder = await mkdtemp(path.join(tmpdir(), 'gori-checker-'));
const result = await run(await subjectOf(values.mode));
console.log(JSON.stringify({ mode: values.mode, ...result }, null, 2));
if (result.faults.length > 0) process.exitCode = 1;
if (values.keep || result.faults.length > 0) console.error(`what is left is in ${folder}`);
else await rm(folder, { recursive: true });

/** Awaits before it disposes. */
async function run(subject: Subject): ReturnType<typeof check> {
  await using _ending = subject;
  return await check({ subject, rounds, seed, clients: Number(values.clients), onRound: (round, what) => console.error(`round ${round}: ${what}`) });
}

async function subjectOf(mode: string): Promise<Subject> {
  const data = path.join(folder, 'data');
  if (mode === 'single') return new SingleServer({ folder: data, port: await freePorts(1) });
  if (mode === 'cluster') {
    const port = await freePorts(6, ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4']);
    return new ProcessCluster({ folder: data, port, storagePort: port + 2 });
  }
  if (mode === 'rings') {
    // Each node that comes has the next address and the next port.
    const port = await freePorts(2 + 4 + rounds, ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4']);
    return new ChangingCluster({ folder: data, port, storagePort: port + 2 });
  }
  if (mode === 'power') return new PoweredCluster({ seed, plant: values.plant === 'no-fdatasync' ? 'no-fdatasync' : 'none' });
  throw new Error(`there is no mode ${mode}: single, cluster, rings or power`);
}

/**
 * `gori simulate`: lives of whole clusters in one process, with faults and a judge; see test/simulation, which it runs. Ends with status 1 where a promise was broken.
 * With --ring, what happens to a cluster if devices of its die: status 1 where something would be lost or have no majority, 2 where the question is wrong.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Command } from 'commander';
import { StoreError, systemClock } from '#common';
import { loadRing, parseDeviceQuery, searchDevices } from '#ring';
import { sayingFaults } from '../faults/index.ts';
import { failureWords } from './failure-words.ts';
import { failureReport } from './ring-failure.ts';

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
    .option('--ring <file>', 'instead: what happens to the cluster of this ring file if the devices of --fail die now')
    .option('--fail <search>', 'd7, r1z2, 10.0.0.1, 10.0.0.1:6200/sdb1, ...; may be repeated', (text: string, before: string[] = []) => [...before, text])
    .option('--data-gb <n>', 'with --ring: all objects, counted once', '1000')
    .option('--write-mb <n>', 'with --ring: what a device writes a second while it is rebuilt', '100')
    .option('--read-mb <n>', 'with --ring: what a device reads a second for others', '100')
    .option('--afr <share>', 'with --ring: share of the devices that fail in a year', '0.02')
    .option('--json', 'with --ring: print JSON')
    .action(async (given: Record<string, string | true> & { fail?: string[] }) => {
      const { ring, fail, dataGb, writeMb, readMb, afr, json, ...options } = given;
      if (typeof ring === 'string') return sayingFaults(() => ringFailure(ring, { fail: fail ?? [], dataGb: Number(dataGb), writeMb: Number(writeMb), readMb: Number(readMb), afr: Number(afr), json: json === true }), 2);
      const words = Object.entries(options).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, value]));
      const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: 'inherit' });
      const [code] = (await once(child, 'exit')) as [number | null];
      process.exitCode = code ?? 1;
    });
}

interface RingOptions {
  readonly fail: readonly string[];
  readonly dataGb: number;
  readonly writeMb: number;
  readonly readMb: number;
  readonly afr: number;
  readonly json: boolean;
}

async function ringFailure(file: string, { fail, dataGb, writeMb, readMb, afr, json }: RingOptions): Promise<void> {
  const ring = await loadRing(file);
  const devices = ring.devices.filter((device) => device !== undefined);
  const failed = [...new Set(fail.flatMap((text) => searchDevices(devices, parseDeviceQuery(text))))];
  if (failed.length === 0) throw new StoreError('bad-request', fail.length === 0 ? 'name the devices that die: --fail d7' : `no device of the ring is ${fail.join(', ')}`);
  for (const [name, value] of Object.entries({ dataGb, writeMb, readMb, afr })) if (!(value >= 0 && Number.isFinite(value))) throw new StoreError('bad-request', `${name} is no number`);
  if (writeMb === 0 || readMb === 0) throw new StoreError('bad-request', 'a device that neither reads nor writes never heals');
  const report = failureReport({ ring, failed, dataBytes: dataGb * 1e9, writeBytesPerSecond: writeMb * 1e6, readBytesPerSecond: readMb * 1e6, failuresPerYear: afr, clock: systemClock });
  console.log(json ? JSON.stringify(report) : failureWords(report));
  process.exitCode = report.lost.partitions > 0 || report.withoutMajority > 0 ? 1 : 0;
}

/**
 * Claim: keeping digests costs under 5% of a PUT's CPU.
 *
 *     node bench/engine/digests.bench.ts [--puts 200000]
 *
 * The CPU of one change of a slice's digest (a new key, and one that is overwritten), beside that of a whole small PUT: of the engine alone, in groups, on a disk of this machine, which is the
 * least that a PUT can cost.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock, timestampFromMs, type Timestamp } from '#common';
import { openDevice } from '#storage-node/engine';
import type { ObjectState } from '#storage-node/protocol';
import { SliceDigests } from '../../storage-node/engine/volume/digests.ts';

const { values } = parseArgs({ options: { puts: { type: 'string', default: '200000' } } });
const puts = Number(values.puts);
const keys = Array.from({ length: puts }, (_, i) => createHash('md5').update(String(i)).digest());
const texts = keys.map((key) => key.toString('latin1'));

function cpuOf(work: () => void): number {
  const used = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(used);
  return (user + system) / puts;
}

const digests = new SliceDigests();
const stateOf = (timestamp: number): ObjectState => ({ timestamp: timestamp as Timestamp, deleted: false, metaTimestamp: timestamp as Timestamp, sizeBytes: 4096 });
cpuOf(() => texts.forEach((text) => digests.change(text, undefined, stateOf(1)))); // warm
const added = cpuOf(() => texts.forEach((text, i) => digests.change(text, undefined, stateOf(i))));
const replaced = cpuOf(() => texts.forEach((text, i) => digests.change(text, stateOf(i), stateOf(i + 1))));
const pages = process.cpuUsage();
digests.changes();
const paged = process.cpuUsage(pages);

const directory = mkdtempSync(path.join(tmpdir(), 'gori-digests-'));
try {
  const device = await openDevice({ directory, clock: systemClock, settings: { reserveBytes: 0 } });
  const data = randomFillSync(Buffer.alloc(4096));
  const timestamp = timestampFromMs(systemClock.nowMs());
  const used = process.cpuUsage();
  for (let i = 0; i < puts; i += 64) {
    await Promise.all(keys.slice(i, i + 64).map((key, k) => device.objects(0).put({ key, name: `/a/c/${i + k}`, timestamp, metadata: { ETag: 'x', 'Content-Type': 'text/plain' }, data })));
  }
  const { user, system } = process.cpuUsage(used);
  await device.close();
  const put = (user + system) / puts;
  console.log(`a change of a digest: ${added.toFixed(3)} us for a new key, ${replaced.toFixed(3)} us for one that is replaced; all pages for a checkpoint (64 MiB of writes): ${(paged.user + paged.system) / 1000} ms`);
  console.log(`a PUT of 4 KiB of the engine alone: ${put.toFixed(1)} us; the digest is ${((100 * added) / put).toFixed(2)}% of it, ${((100 * replaced) / put).toFixed(2)}% where it replaces`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/**
 * Claim: a replication pass over an idle device with 1,000,000 objects takes under 5 s and walks no directory; an emptied device is filled
 * at no less than half the rate at which its disk writes in sequence.
 *
 *     node bench/storage-node/replication.bench.ts <directory> [--objects 1000000] [--bytes 4096] [--port 8410]
 *
 * Two devices of one ring, each with a server of its own in this process, so that everything between them crosses HTTP: what is measured is
 * the work of both sides on one core. Run it with --bytes 1048576 --objects 2000 for large records, 4194304 for files.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Daemon, silentLog, systemClock, timestampFromMs } from '#common';
import { PolicySet } from '#ring';
import { startStorageNode, type StorageNode } from '#storage-node';
import { NodeClient } from '#storage-node/client';
import { objectReplicator } from '#storage-node/daemons';
import { ringsOver } from '../../test/support/index.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { objects: { type: 'string', default: '1000000' }, bytes: { type: 'string', default: '4096' }, port: { type: 'string', default: '8410' } } });
const directory = path.resolve(positionals[0] ?? 'replication-bench');
const objects = Number(values.objects);
const bytes = Number(values.bytes);
const secret = 'bench';
const FIRST_PORT = Number(values.port);

mkdirSync(directory);
const start = (i: number): Promise<StorageNode> =>
  startStorageNode({ devices: [{ name: 'd1', directory: path.join(directory, `n${i}`) }], policies: [0], listen: { ip: '127.0.0.1', port: FIRST_PORT + i, secret }, clock: systemClock, log: silentLog(), device: { settings: { reserveBytes: 0 } } });
const rings = ringsOver([0, 1].map((i) => ({ zone: i + 1, ip: '127.0.0.1', port: FIRST_PORT + i, device: 'd1' })), { replicas: 2, policies: new PolicySet() });
const nodes = [await start(0), await start(1)];
const client = new NodeClient({ secret });
const engineOf = (i: number) => nodes[i]!.devices.get('d1')!.device.objects(0);
const replicatorOf = (i: number): Daemon =>
  objectReplicator({ rings, nodes: client, clock: systemClock, log: silentLog(), objects: () => [{ device: 'd1', policy: 0, engine: engineOf(i) }], address: { ip: '127.0.0.1', port: FIRST_PORT + i }, reclaimAgeMs: 1e12, graceMs: 0 });

async function timed<T>(title: string, work: () => Promise<T>, movedBytes = 0): Promise<T> {
  const used = process.cpuUsage();
  const startMs = performance.now();
  const result = await work();
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(used);
  const rate = movedBytes === 0 ? '' : `, ${(movedBytes / seconds / 1e6).toFixed(0)} MB/s, ${(objects / seconds).toFixed(0)} objects/s`;
  console.log(`${title}: ${seconds.toFixed(2)} s, ${((user + system) / 1e6).toFixed(2)} s of CPU${rate}`);
  return result;
}

const buffer = randomFillSync(Buffer.alloc(bytes));
const etag = createHash('md5').update(buffer).digest('hex');
const timestamp = timestampFromMs(systemClock.nowMs());
await timed(`put ${objects} objects of ${bytes} bytes`, async () => {
  for (let i = 0; i < objects; ) {
    const batch: Promise<unknown>[] = [];
    for (const end = Math.min(objects, i + 512); i < end; i++) {
      const name = `/a/c/${i}`;
      batch.push(engineOf(0).put({ key: createHash('md5').update(name).digest(), name, timestamp, metadata: { ETag: etag, 'Content-Type': 'text/plain' }, data: buffer }));
    }
    await Promise.all(batch);
  }
}, objects * bytes);
const signal = new AbortController().signal;
const [source, target] = [replicatorOf(0), replicatorOf(1)];
console.log(JSON.stringify((await timed('fill the empty device', () => source.pass(signal), objects * bytes)).done));
for (const [name, replicator] of [['source', source], ['target', target]] as const) {
  await timed(`an idle pass of the ${name}`, () => replicator.pass(signal));
  await timed(`another idle pass of the ${name}`, () => replicator.pass(signal));
}
console.log(`digests that are wrong: ${await engineOf(1).wrongDigests()}`);
client[Symbol.dispose]();
await timed('close', () => Promise.all(nodes.map((node) => node.close(100))));
await timed('open a device with all of it', async () => (await start(0)).close(0));
rmSync(directory, { recursive: true });

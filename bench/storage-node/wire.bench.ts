/**
 * Claim: the wire adds less than 250 us of CPU, client and server together on a busy machine, to an operation on a device of another
 * process, and a page of 10,000 rows crosses it at more than 172,000 rows a CPU second.
 *
 *     node bench/storage-node/wire.bench.ts
 */
import { createHash, randomBytes } from 'node:crypto';
import { silentLog, systemClock, type Timestamp } from '#common';
import { NodeClient } from '#storage-node/client';
import { MemoryListingEngine, MemoryObjectEngine } from '#storage-node/engine';
import { startNodeServer } from '#storage-node/server';

const listings = new MemoryListingEngine();
const engine = new MemoryObjectEngine({ clock: systemClock });
const devices = new Map([['d1', { objects: () => engine, listings }]]);
const server = await startNodeServer({ devices, ip: '127.0.0.1', port: 0, secret: 'hush', log: silentLog() });
const client = new NodeClient({ secret: 'hush' });
const device = client.device({ ip: '127.0.0.1', port: server.port, device: 'd1' });
const objects = device.objects(0);

async function measure(title: string, count: number, concurrency: number, work: (i: number) => Promise<unknown>): Promise<void> {
  const rounds = async (): Promise<void> => {
    await Promise.all(Array.from({ length: concurrency }, async (_, worker) => {
      for (let i = worker; i < count; i += concurrency) await work(i);
    }));
  };
  await rounds();
  const cpu = process.cpuUsage();
  const started = performance.now();
  await rounds();
  const { user, system } = process.cpuUsage(cpu);
  const each = (user + system) / count;
  console.log(`${title}: ${each.toFixed(0)} us CPU each, ${Math.round(count / ((performance.now() - started) / 1000))}/s`);
}

const keys = Array.from({ length: 1000 }, (_, i) => createHash('md5').update(`o${i}`).digest());
const small = randomBytes(4096);
const large = randomBytes(4 << 20);
const timestamp = 5 as Timestamp;
const row = (name: string) => ({ name, timestamp, deleted: false, metaTimestamp: timestamp, bytes: 4096, count: 1, policy: 0, etag: 'd41d8cd98f00b204e9800998ecf8427e', contentType: 'text/plain' });
const database = { kind: 'container' as const, key: keys[0]!, path: '/a/c' };

await measure('put of 4 KiB', 5000, 16, (i) => objects.put({ key: keys[i % 1000]!, name: `/a/c/${i % 1000}`, timestamp, metadata: { ETag: 'x', 'Content-Type': 'text/plain' }, data: small }));
await measure('stat', 5000, 16, (i) => objects.stat(keys[i % 1000]!));
await measure('open of 4 KiB', 5000, 16, (i) => objects.open(keys[i % 1000]!));
await measure('merge of a row', 5000, 16, (i) => listings && device.listings.merge({ database, rows: [row(`o${i}`)], createWith: { timestamp, policy: 0 } }));
await measure('create of 4 MiB', 20, 4, async (i) => {
  const writer = await objects.create({ key: keys[i]!, name: `/a/c/large${i}`, timestamp, sizeHint: large.length });
  for (let at = 0; at < large.length; at += 65_536) await writer.write(large.subarray(at, at + 65_536));
  await writer.commit({ ETag: 'y' });
});
await measure('open and read of 4 MiB', 20, 4, async (i) => {
  await using reader = await objects.open(keys[i]!);
  for await (const _chunk of reader!.read(0, large.length));
});
await device.listings.merge({ database, rows: Array.from({ length: 10_000 }, (_, i) => row(`photos/2026/${i}.jpg`)) });
const query = { limit: 10_000, marker: 'p', endMarker: '', prefix: '', delimiter: '', reverse: false };
await measure('page of 10,000 rows (the model sorts them, too)', 10, 1, () => device.listings.list(database, query));
client[Symbol.dispose]();
await server.close(1000);

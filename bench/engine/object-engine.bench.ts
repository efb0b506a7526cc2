/**
 * Claim: one device takes a durable 4 KiB put for under 40 us of CPU at 16 writers, its share of the syncs included; opens
 * a 4 KiB object for under 20 us and stats it for under 4 us; and takes 4 MiB objects as fast as its disk syncs them.
 *
 * Run: node bench/engine/object-engine.bench.ts [directory] [puts]
 * The directory must be on the disk in question; it is made, and removed afterwards. CPU is user + system of the whole
 * process, threads included.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Timestamp } from '#common';
import { openDevice } from '#storage-node/engine';

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'gori-bench-'));
const puts = Number(process.argv[3] ?? 20_000);
const metadata = { ETag: 'd41d8cd98f00b204e9800998ecf8427e', 'Content-Type': 'application/octet-stream', 'X-Object-Meta-Mtime': '1700000000.12345' };
let ticks = 170_000_000_000_000;
const now = (): Timestamp => ++ticks as Timestamp;
const keyOf = (name: string): Buffer => createHash('md5').update(name).digest();

interface Job {
  readonly title: string;
  readonly count: number;
  readonly concurrency: number;
  readonly bytes?: number;
  readonly run: (i: number) => Promise<unknown>;
}

/** Runs a job by so many workers, each one thing after the other, and prints what an operation cost. */
async function measure({ title, count, concurrency, bytes, run }: Job): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - startMs) / 1000;
  const used = process.cpuUsage(cpu);
  const rate = bytes === undefined ? `${Math.round(count / seconds)} ops/s` : `${Math.round((count * bytes) / seconds / 1e6)} MB/s`;
  console.log(`${title.padEnd(42)} ${((used.user + used.system) / count).toFixed(1).padStart(8)} us CPU/op  (user ${(used.user / count).toFixed(1)})  ${rate.padStart(14)}`);
}

const device = await openDevice({ directory, clock: systemClock });
const engine = device.objects(0);
const small = randomBytes(4096);
const names = Array.from({ length: puts }, (_, i) => `/account/container/object-${i}`);
const keys = names.map(keyOf);
const key = (i: number): Buffer => keys[i % puts] as Buffer;
const put = async (i: number): Promise<void> => {
  const timestamp = now();
  await engine.put({ key: key(i), name: names[i % puts] ?? '', timestamp, metadata, data: small });
  engine.settle(key(i), timestamp);
};

console.log(`${directory}: ${puts} puts`);
await measure({ title: 'put 4 KiB, 1 writer', count: Math.ceil(puts / 10), concurrency: 1, run: put });
for (let round = 1; round <= 3; round++) await measure({ title: `put 4 KiB, 16 writers (${round})`, count: puts, concurrency: 16, run: put });
await measure({ title: 'put 4 KiB, 64 writers', count: puts, concurrency: 64, run: put });
for (let round = 1; round <= 2; round++) {
  await measure({ title: `stat, in memory or index (${round})`, count: puts * 3, concurrency: 1, run: (i) => engine.stat(key(i * 7919)) });
  const open = async (i: number): Promise<void> => {
    await using reader = await engine.open(key(i * 7919));
    if (reader?.data?.length !== small.length) throw new Error('not what was put');
  };
  await measure({ title: `open and read 4 KiB (${round})`, count: puts, concurrency: 16, run: open });
  await engine.checkpoint();
}

const chunks = Array.from({ length: 64 }, () => randomBytes(64 << 10));
const large = Array.from({ length: 64 }, (_, i) => keyOf(`large-${i}`));
const putLarge = async (i: number): Promise<void> => {
  const writer = await engine.create({ key: large[i % 64] as Buffer, name: `/a/c/large-${i % 64}`, timestamp: now(), sizeHint: 4 << 20 });
  for (const chunk of chunks) await writer.write(chunk);
  await writer.commit(metadata);
};
const readLarge = async (i: number): Promise<void> => {
  await using reader = await engine.open(large[i % 64] as Buffer);
  if (reader === undefined) throw new Error('gone');
  let read = 0;
  for await (const chunk of reader.read(0, reader.info.sizeBytes)) read += chunk.length;
  if (read !== 4 << 20) throw new Error('not what was put');
};
for (let round = 1; round <= 2; round++) await measure({ title: `put 4 MiB, 4 writers (${round})`, count: 128, concurrency: 4, bytes: 4 << 20, run: putLarge });
await measure({ title: 'open and read 4 MiB, 4 readers', count: 256, concurrency: 4, bytes: 4 << 20, run: readLarge });
await device.close();
const reopenMs = performance.now();
await (await openDevice({ directory, clock: systemClock })).close();
console.log(`reopen after a clean close: ${(performance.now() - reopenMs).toFixed(0)} ms`);
rmSync(directory, { recursive: true, force: true });

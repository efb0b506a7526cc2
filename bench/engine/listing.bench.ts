/**
 * Claim: a row merged and synced costs at most 35 us of CPU at sixteen writers, and a page of 10,000 rows costs the same at the
 * beginning, in the middle and at the end of a container of 1,000,000, at more than 400,000 rows a CPU second.
 *
 *     node bench/engine/listing.bench.ts [rows]
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Timestamp } from '#common';
import { openListingEngine } from '#storage-node/engine';
import type { DatabaseName, ListingQuery, ListingRow } from '#storage-node/protocol';

const totalRows = Number(process.argv[2] ?? 1_000_000);
const directory = await mkdtemp(join(tmpdir(), 'gori-listing-bench-'));
const engine = await openListingEngine({ directory });
const createWith = { timestamp: 1 as Timestamp, policy: 0 };
const everything: ListingQuery = { limit: 10_000, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false };

const database = (path: string): DatabaseName => ({ kind: 'container', path, key: createHash('md5').update(path).digest() });
const nameOf = (i: number): string => `photos/2026/${String(i).padStart(9, '0')}.jpg`;
const rowOf = (name: string): ListingRow => {
  const timestamp = 170_000_000_012_345 as Timestamp;
  return { name, timestamp, metaTimestamp: timestamp, deleted: false, bytes: 4096, count: 1, policy: 0, etag: 'd41d8cd98f00b204e9800998ecf8427e', contentType: 'image/jpeg' };
};

/** CPU microseconds (all threads) and wall milliseconds of `work`. */
async function measure(work: () => Promise<void>): Promise<{ cpuUs: number; wallMs: number }> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { cpuUs: user + system, wallMs: performance.now() - started };
}

async function merges(concurrency: number, containers: number, count: number): Promise<void> {
  const one = async (writer: number): Promise<void> => {
    for (let i = writer; i < count; i += concurrency)
      await engine.merge({ database: database(`/bench/c${concurrency}-${containers}-${i % containers}`), rows: [rowOf(nameOf(i * 7919))], createWith });
  };
  await Promise.all(Array.from({ length: concurrency }, (_, writer) => one(writer)));
}

try {
  for (const [concurrency, containers, count] of [[16, 1, 4000], [1, 1, 1000], [16, 1, 8000], [16, 16, 8000], [64, 4, 16000]] as const) {
    const { cpuUs, wallMs } = await measure(() => merges(concurrency, containers, count));
    console.log(`merge of one row, ${concurrency} writers, ${containers} containers: ${(cpuUs / count).toFixed(1)} us CPU each, ${Math.round(count / (wallMs / 1000))}/s`);
  }
  const large = database('/bench/large');
  const fill = await measure(async () => {
    for (let i = 0; i < totalRows; i += 1000) await engine.merge({ database: large, rows: Array.from({ length: 1000 }, (_, j) => rowOf(nameOf(i + j))), createWith });
  });
  console.log(`filling ${totalRows} rows by 1000: ${(fill.cpuUs / totalRows).toFixed(1)} us CPU a row`);
  const pages = { first: '', middle: nameOf(totalRows / 2), last: nameOf(totalRows - 10_001) };
  for (const [title, marker] of Object.entries(pages)) {
    const samples: number[] = [];
    for (let i = 0; i < 9; i++) {
      const { cpuUs } = await measure(async () => {
        const page = await engine.list(large, { ...everything, marker });
        if (page?.entries.length !== 10_000) throw new Error(`a page of ${page?.entries.length}`);
      });
      samples.push(cpuUs);
    }
    const median = samples.sort((a, b) => a - b)[4]!;
    console.log(`${title} page of 10,000: ${(median / 1000).toFixed(1)} ms CPU, ${Math.round(10_000 / (median / 1e6))} rows a CPU second`);
  }
} finally {
  await engine.close();
  await rm(directory, { recursive: true });
}

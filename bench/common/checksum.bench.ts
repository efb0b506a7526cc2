/**
 * Claim: bodies of 256 KiB and less are hashed where they are, since a worker would cost more than it saves; above that, a worker
 * takes most of the time off the thread that serves requests. Prints throughput a core and, by size of body, CPU us in all and the
 * time that the serving thread is held.
 *
 *     node bench/common/checksum.bench.ts
 */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { CHECKSUM_ALGORITHMS, checksumsOf, closeChecksumWorkers, createHasher } from '#common/checksum';

const CHUNK = 64 << 10;
const block = randomBytes(8 << 20);

for (const algorithm of CHECKSUM_ALGORITHMS) {
  checksumsOf([algorithm], [block]);
  const started = performance.now();
  for (let i = 0; i < 4; i++) checksumsOf([algorithm], [block]);
  console.log(`${algorithm}: ${Math.round((4 * block.length) / 1e3 / (performance.now() - started))} MB/s`);
}

async function hash(size: number, inWorker: boolean): Promise<void> {
  if (!inWorker) {
    checksumsOf(['md5'], [block.subarray(0, size)]);
    return;
  }
  const hasher = createHasher({ algorithms: ['md5'], sizeHint: Number.MAX_SAFE_INTEGER });
  for (let at = 0; at < size; at += CHUNK) await hasher.update(block.subarray(at, Math.min(size, at + CHUNK)));
  await hasher.digest();
}

for (const size of [64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 4 << 20])
  for (const inWorker of [false, true]) {
    const rounds = Math.max(10, Math.floor((32 << 20) / size));
    for (let i = 0; i < 5; i++) await hash(size, inWorker);
    const cpu = process.cpuUsage();
    const held = performance.eventLoopUtilization();
    for (let i = 0; i < rounds; i += 4) await Promise.all([hash(size, inWorker), hash(size, inWorker), hash(size, inWorker), hash(size, inWorker)]);
    const { user, system } = process.cpuUsage(cpu);
    const { active } = performance.eventLoopUtilization(held);
    console.log(`${size >> 10} KiB ${inWorker ? 'in a worker' : 'inline'}: ${Math.round((user + system) / rounds)} us CPU in all, ${Math.round((active * 1000) / rounds)} us on the serving thread`);
  }
await closeChecksumWorkers();

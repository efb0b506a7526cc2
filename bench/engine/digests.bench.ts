/**
 * Claim: keeping the digests of anti-entropy costs a PUT less than 1 us of CPU, and the digests of all partitions of a device are read in
 * milliseconds, whatever it holds.
 *
 *     node bench/engine/digests.bench.ts
 */
import { createHash } from 'node:crypto';
import { timestampFromMs } from '#common';
import { SliceDigests } from '../../storage-node/engine/volume/digests.ts';

const KEYS = 200_000;
const ROUNDS = 10;
const keys = Array.from({ length: KEYS }, (_, i) => createHash('md5').update(String(i)).digest('latin1'));
const state = (ms: number) => ({ timestamp: timestampFromMs(ms), metaTimestamp: timestampFromMs(ms), deleted: false, sizeBytes: 4096 });
const digests = new SliceDigests();
for (const key of keys) digests.change(key, undefined, state(1));

let used = process.cpuUsage();
for (let round = 1; round <= ROUNDS; round++) for (const key of keys) digests.change(key, state(round), state(round + 1));
let { user, system } = process.cpuUsage(used);
console.log(`an overwrite: ${((user + system) / (KEYS * ROUNDS)).toFixed(3)} us of CPU`);

used = process.cpuUsage();
const { changes } = digests.changes();
({ user, system } = process.cpuUsage(used));
console.log(`a checkpoint's ${changes.length} pages: ${((user + system) / 1000).toFixed(1)} ms of CPU, ${changes.reduce((sum, change) => sum + (change.type === 'put' ? change.value.length : 0), 0) >> 10} KiB`);

used = process.cpuUsage();
const sums = Buffer.alloc(1024 * 8);
for (let round = 0; round < ROUNDS; round++) for (let prefix = 0; prefix < 1024; prefix++) digests.sum({ bits: 10, prefix }, sums, prefix * 8);
({ user, system } = process.cpuUsage(used));
console.log(`the digests of 1024 partitions: ${((user + system) / 1000 / ROUNDS).toFixed(2)} ms of CPU`);

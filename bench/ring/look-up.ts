/**
 * Claim: a look-up (partition -> primaries) costs under 1 us of CPU, on a ring of 1,000 devices at power 20 too; the whole
 * way from a name (MD5, partition, primaries) and the first handoff are printed beside it.
 *
 *   node bench/ring/look-up.ts [--devices 1000] [--power 20]
 *
 * Ends with status 1 if the claim is broken.
 */
import { parseArgs } from 'node:util';
import { ManualClock } from '#common';
import { hashPath, RingBuilder, type Partition } from '#ring';
import { scenarioOf } from './scenario.ts';

const { values: options } = parseArgs({ options: { devices: { type: 'string', default: '1000' }, power: { type: 'string', default: '20' } } });
const scenario = scenarioOf({ devices: Number(options.devices), partPower: Number(options.power) });
const builder = RingBuilder.create({ partPower: scenario.partPower, replicas: scenario.replicas, minPartHours: 1, clock: new ManualClock() });
for (const change of scenario.steps[0]?.changes ?? []) if (change.do === 'add') builder.add(change.device);
builder.rebalance({ seed: 1 });
const ring = builder.toRing();
const salt = { prefix: 'changeme', suffix: 'changeme' };

/** What is looked up is summed, so that no look-up can be optimised away. */
let sink = 0;

function measure(name: string, rounds: number, once: (at: number) => void): number {
  for (let at = 0; at < rounds / 10; at++) once(at);
  const runs = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage();
    for (let at = 0; at < rounds; at++) once(at);
    const { user, system } = process.cpuUsage(start);
    return ((user + system) * 1000) / rounds;
  });
  const median = runs.sort((a, b) => a - b)[2] as number;
  console.log(`${name.padEnd(52)} ${median.toFixed(0).padStart(7)} ns`);
  return median;
}

// An odd factor visits the partitions in an order that no cache foresees.
const partitionAt = (at: number): Partition => ((Math.imul(at, 0x9e3779b1) >>> 0) % ring.partitionCount) as Partition;
const lookUp = measure('partition -> primaries', 2_000_000, (at) => {
  for (const device of ring.primaries(partitionAt(at))) sink += device.id;
});
measure('name -> key -> partition -> primaries', 300_000, (at) => {
  sink += ring.primaries(ring.partition(hashPath(salt, 'AUTH_test', 'photos', `2026/picture-${at}.jpg`))).length;
});
measure('partition -> first handoff', 20_000, (at) => {
  sink += ring.handoffs(partitionAt(at)).next().value?.id ?? 0;
});
measure('partition -> all handoffs', 50, (at) => {
  for (const device of ring.handoffs(partitionAt(at))) sink += device.id;
});
console.log(`(checksum ${sink})`);
process.exitCode = lookUp < 1000 ? 0 : 1;

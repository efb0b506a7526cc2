/**
 * Claim: on the same device sets and changes, our rings are balanced and dispersed as well as Swift's or better, no change
 * moves more than 1.1 times the partitions, and a rebalance takes at most a fifth of the CPU time.
 *
 *   node bench/ring/compare.ts                                  # 10, 100 and 1,000 devices at power 16 and 20: about ten minutes
 *   node bench/ring/compare.ts --devices 10,100 --powers 16     # a minute
 *   ... --overload 0.1 --from swift --json
 *
 * Swift's side is RingBuilder of Debian's python3-swift (what swift-ring-builder calls), run by peer.py with the python of
 * that package. Both sides time rebalance() alone, and all figures of both come from their assignments by one function.
 * Each side goes on from its own ring; `--from swift` starts ours from Swift's ring at every step instead.
 * Ends with status 1 if a row breaks the claim.
 */
import { parseArgs } from 'node:util';
import { ManualClock } from '#common';
import { RingBuilder } from '#ring';
import { scenarioOf, type Scenario } from './scenario.ts';
import { apply, figuresOf, runSwift, type Figures, type SwiftStep } from './sides.ts';

interface Row {
  readonly devices: number;
  readonly partPower: number;
  readonly step: string;
  readonly ours: Figures;
  readonly swift: Figures;
  readonly broken: readonly string[];
}

const { values: options } = parseArgs({
  options: {
    devices: { type: 'string', default: '10,100,1000' },
    powers: { type: 'string', default: '16,20' },
    overload: { type: 'string', default: '0' },
    from: { type: 'string', default: 'own' },
    python: { type: 'string', default: '/usr/bin/python3' },
    json: { type: 'boolean', default: false },
  },
});

function compare(devices: number, scenario: Scenario, swiftSteps: SwiftStep[]): Row[] {
  let builder = RingBuilder.create({ partPower: scenario.partPower, replicas: scenario.replicas, minPartHours: 1, clock: new ManualClock() });
  builder.setOverload(scenario.overload);
  return scenario.steps.map((step, at) => {
    const swiftBefore = swiftSteps[at - 1]?.tables;
    const swift = swiftSteps[at] as SwiftStep;
    if (options.from === 'swift' && swiftBefore) builder = RingBuilder.fromState({ ...builder.state, assignments: swiftBefore }, new ManualClock());
    apply(builder, step);
    const before = builder.state.assignments;
    const start = process.cpuUsage();
    builder.rebalance({ seed: scenario.seed });
    const { user, system } = process.cpuUsage(start);
    const { devices: after, assignments } = builder.state;
    const common = { devices: after, replicas: scenario.replicas };
    const ours = figuresOf(assignments, { ...common, previous: at === 0 ? undefined : before, cpuSeconds: (user + system) / 1e6 });
    const theirs = figuresOf(swift.tables, { ...common, previous: swiftBefore, cpuSeconds: swift.cpuSeconds });
    return { devices, partPower: scenario.partPower, step: step.name, ours, swift: theirs, broken: brokenClaims(ours, theirs) };
  });
}

function brokenClaims(ours: Figures, swift: Figures): string[] {
  const broken: string[] = [];
  // A thousandth of a percent is less than half a partition on the largest device: rounding.
  if (ours.balance > swift.balance + 0.001) broken.push('balance');
  if (ours.dispersion > swift.dispersion + 0.001) broken.push('dispersion');
  if ((ours.moved ?? 0) > 1.1 * (swift.moved ?? 0)) broken.push('moved');
  if (ours.cpuSeconds > swift.cpuSeconds / 5) broken.push('time');
  return broken;
}

function print(row: Row): void {
  const { ours, swift } = row;
  const moved = (count: number | undefined): string => (count === undefined ? 'all' : count.toLocaleString('en'));
  const cells = [
    row.devices.toLocaleString('en'),
    String(row.partPower),
    row.step,
    `${ours.balance.toFixed(3)} / ${swift.balance.toFixed(3)}`,
    `${ours.dispersion.toFixed(2)} / ${swift.dispersion.toFixed(2)}`,
    `${moved(ours.moved)} / ${moved(swift.moved)}`,
    ours.moved === undefined ? '' : (ours.moved / (swift.moved ?? 1)).toFixed(2),
    `${ours.cpuSeconds.toFixed(2)} / ${swift.cpuSeconds.toFixed(2)}`,
    `${(swift.cpuSeconds / ours.cpuSeconds).toFixed(0)}x`,
  ];
  console.log(`| ${cells.join(' | ')} |${row.broken.length > 0 ? ` BROKEN: ${row.broken.join(', ')}` : ''}`);
}

const numbers = (list: string): number[] => list.split(',').map(Number);
const rows: Row[] = [];
if (!options.json) {
  console.log('| devices | power | step | balance % ours / Swift | dispersion % | moved | ratio | CPU seconds | faster |');
  console.log('|---|---|---|---|---|---|---|---|---|');
}
for (const partPower of numbers(options.powers)) {
  for (const devices of numbers(options.devices)) {
    const scenario = scenarioOf({ devices, partPower, overload: Number(options.overload) });
    const found = compare(devices, scenario, await runSwift(scenario, options.python));
    if (!options.json) found.forEach(print);
    rows.push(...found);
  }
}
if (options.json) console.log(JSON.stringify(rows));
process.exitCode = rows.some((row) => row.broken.length > 0) ? 1 : 0;

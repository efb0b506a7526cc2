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
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ManualClock } from '#common';
import { measureBalance, measureDispersion, RingBuilder } from '#ring';
import { scenarioOf, type Scenario, type Step } from './scenario.ts';

interface Figures {
  readonly cpuSeconds: number;
  readonly balance: number;
  readonly dispersion: number;
  /** Undefined for the first build, where everything moves. */
  readonly moved: number | undefined;
}

interface Row {
  readonly devices: number;
  readonly partPower: number;
  readonly step: string;
  readonly ours: Figures;
  readonly swift: Figures;
  readonly broken: readonly string[];
}

type Tables = readonly Uint16Array[];

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

/** Runs Swift's builder through the scenario; its tables and CPU seconds after each step. */
async function runSwift(scenario: Scenario): Promise<{ tables: Tables; cpuSeconds: number }[]> {
  const out = await mkdtemp(join(tmpdir(), 'gori-ring-bench-'));
  try {
    const child = spawn('nice', [options.python, join(import.meta.dirname, 'peer.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(JSON.stringify({ ...scenario, out }));
    let text = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk as string;
    const steps = text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as { cpuSeconds: number });
    if (steps.length !== scenario.steps.length) throw new Error(`${options.python} peer.py did ${steps.length} of ${scenario.steps.length} steps: is python3-swift installed?`);
    const read = async (at: number): Promise<Tables> => {
      const bytes = await readFile(join(out, `${at}.bin`));
      const ids = new Uint16Array(new Uint8Array(bytes).buffer);
      const parts = 2 ** scenario.partPower;
      return Array.from({ length: scenario.replicas }, (_, replica) => ids.slice(replica * parts, (replica + 1) * parts));
    };
    return await Promise.all(steps.map(async ({ cpuSeconds }, at) => ({ cpuSeconds, tables: await read(at) })));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

function apply(builder: RingBuilder, { changes }: Step): void {
  for (const change of changes) {
    if (change.do === 'add') builder.add(change.device);
    else if (change.do === 'remove') builder.remove(change.id);
    else builder.setWeight(change.id, change.weight);
  }
  builder.pretendMinPartHoursPassed();
}

function compare(devices: number, scenario: Scenario, swiftSteps: { tables: Tables; cpuSeconds: number }[]): Row[] {
  let builder = RingBuilder.create({ partPower: scenario.partPower, replicas: scenario.replicas, minPartHours: 1, clock: new ManualClock() });
  builder.setOverload(scenario.overload);
  return scenario.steps.map((step, at) => {
    const swiftBefore = swiftSteps[at - 1]?.tables;
    const swift = swiftSteps[at] as { tables: Tables; cpuSeconds: number };
    if (options.from === 'swift' && swiftBefore) builder = RingBuilder.fromState({ ...builder.state, assignments: swiftBefore }, new ManualClock());
    apply(builder, step);
    const before = builder.state.assignments;
    const start = process.cpuUsage();
    builder.rebalance({ seed: scenario.seed });
    const { user, system } = process.cpuUsage(start);
    const state = builder.state;
    const figures = (tables: Tables, previous: Tables | undefined, cpuSeconds: number): Figures => {
      const assignment = { devices: state.devices, replicas: scenario.replicas, assignments: tables };
      return { cpuSeconds, balance: measureBalance(assignment).balance, dispersion: measureDispersion(assignment).dispersion, moved: countMoved(previous, tables) };
    };
    const ours = figures(state.assignments, at === 0 ? undefined : before, (user + system) / 1e6);
    const theirs = figures(swift.tables, swiftBefore, swift.cpuSeconds);
    return { devices, partPower: scenario.partPower, step: step.name, ours, swift: theirs, broken: brokenClaims(ours, theirs) };
  });
}

function countMoved(before: Tables | undefined, after: Tables): number | undefined {
  if (before === undefined) return undefined;
  return after.reduce((sum, table, replica) => sum + table.reduce((moved, id, at) => (id === before[replica]?.[at] ? moved : moved + 1), 0), 0);
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
    const found = compare(devices, scenario, await runSwift(scenario));
    if (!options.json) found.forEach(print);
    rows.push(...found);
  }
}
if (options.json) console.log(JSON.stringify(rows));
process.exitCode = rows.some((row) => row.broken.length > 0) ? 1 : 0;

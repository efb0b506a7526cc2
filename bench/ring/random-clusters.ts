/**
 * Claim: over random clusters and random changes (devices added, removed, drained, reweighted; 1 to 2 regions, 1 to 5 zones,
 * 2 to 4 replicas, overloads of 0, 10% and full), our rings are worse than Swift's in balance, dispersion or moves in fewer
 * than one step in twenty, and move less in sum. Each side goes on from its own ring. It also checks our measures: balance
 * and dispersion of Swift's rings must come out as Swift itself reports them.
 *
 *   node bench/ring/random-clusters.ts [--clusters 40] [--power 10] [--seed 1]
 *
 * Every step in which Swift did better in one figure is printed with all figures. Ends with status 1 if the claim is broken.
 */
import { parseArgs } from 'node:util';
import { ManualClock } from '#common';
import { RingBuilder } from '#ring';
import type { Change, Scenario, Step } from './scenario.ts';
import { apply, figuresOf, runSwift, type Figures, type Tables } from './sides.ts';

const { values: options } = parseArgs({
  options: {
    clusters: { type: 'string', default: '40' },
    power: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    python: { type: 'string', default: '/usr/bin/python3' },
  },
});

let state = Number(options.seed);
/** An integer in [0, bound), from a linear congruential generator: a seed replays a run. */
function random(bound: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % bound;
}

function pick<Value>(values: readonly Value[]): Value {
  return values[random(values.length)] as Value;
}

function randomScenario(): Scenario {
  const regions = 1 + random(2);
  const zones = 1 + random(5);
  const live: number[] = [];
  let nextId = 0;
  const add = (): Change => {
    const [id, region, zone, host] = [nextId++, 1 + random(regions), 1 + random(zones), 1 + random(4)];
    const ip = `10.${region}.${zone}.${host}`;
    live.push(id);
    return { do: 'add', device: { id, region, zone, ip, port: 6200, replicationIp: ip, replicationPort: 6200, device: `d${id}`, weight: pick([100, 200, 200, 300]), meta: '' } };
  };
  const leave = (): number => live.splice(random(live.length), 1)[0] as number;
  const change = (): Step => {
    const kind = random(4);
    if (kind === 0) return { name: 'add', changes: Array.from({ length: 1 + random(6) }, add) };
    if (kind === 1 && live.length > 7) return { name: 'remove', changes: [{ do: 'remove', id: leave() }] };
    if (kind === 2 && live.length > 7) return { name: 'drain', changes: [{ do: 'weight', id: leave(), weight: 0 }] };
    return { name: 'reweight', changes: [{ do: 'weight', id: pick(live), weight: pick([100, 200, 300, 400]) }] };
  };
  const build: Step = { name: 'build', changes: Array.from({ length: 5 + random(40) }, add) };
  return { partPower: Number(options.power), replicas: pick([2, 3, 3, 4]), overload: pick([0, 0, 0.1, 10]), seed: 1, steps: [build, change(), change(), change(), change()] };
}

interface Tally {
  steps: number;
  worse: number;
  measuredOtherwise: number;
  oursMoved: number;
  swiftMoved: number;
}

function worseFigures(ours: Figures, swift: Figures): string[] {
  const worse: string[] = [];
  if (ours.balance > swift.balance + 0.5) worse.push('balance');
  if (ours.dispersion > swift.dispersion + 0.1) worse.push('dispersion');
  if ((ours.moved ?? 0) > 1.1 * (swift.moved ?? 0) + 3) worse.push('moved');
  return worse;
}

async function play(scenario: Scenario, cluster: number, tally: Tally): Promise<void> {
  const swiftSteps = await runSwift(scenario, options.python);
  const builder = RingBuilder.create({ partPower: scenario.partPower, replicas: scenario.replicas, minPartHours: 1, clock: new ManualClock() });
  builder.setOverload(scenario.overload);
  let oursBefore: Tables | undefined;
  let swiftBefore: Tables | undefined;
  scenario.steps.forEach((step, at) => {
    const swiftStep = swiftSteps[at];
    if (swiftStep === undefined) return;
    apply(builder, step);
    builder.rebalance({ seed: scenario.seed });
    const { devices, assignments } = builder.state;
    const common = { devices, replicas: scenario.replicas, cpuSeconds: 0 };
    const ours = figuresOf(assignments, { ...common, previous: oursBefore });
    const swift = figuresOf(swiftStep.tables, { ...common, previous: swiftBefore });
    oursBefore = assignments;
    swiftBefore = swiftStep.tables;
    tally.steps++;
    tally.oursMoved += ours.moved ?? 0;
    tally.swiftMoved += swift.moved ?? 0;
    if (Math.abs(swift.balance - swiftStep.balance) + Math.abs(swift.dispersion - swiftStep.dispersion) > 1e-6) tally.measuredOtherwise++;
    const worse = worseFigures(ours, swift);
    if (worse.length === 0) return;
    tally.worse++;
    const both = (figure: (side: Figures) => string): string => `${figure(ours)} / ${figure(swift)}`;
    console.log(
      `cluster ${cluster}, ${step.name}, ${scenario.replicas} replicas, overload ${scenario.overload}: Swift has better ${worse.join(' and ')}: ` +
        `balance ${both((side) => side.balance.toFixed(2))}, dispersion ${both((side) => side.dispersion.toFixed(2))}, moved ${both((side) => String(side.moved))}`,
    );
  });
}

const tally: Tally = { steps: 0, worse: 0, measuredOtherwise: 0, oursMoved: 0, swiftMoved: 0 };
for (let cluster = 0; cluster < Number(options.clusters); cluster++) {
  const scenario = randomScenario();
  try {
    await play(scenario, cluster, tally);
  } catch (error) {
    console.log(`cluster ${cluster}: ${(error as Error).message}`);
  }
}
console.log(`${tally.steps} steps, in ${tally.worse} Swift did better in a figure; moved ${tally.oursMoved} / ${tally.swiftMoved}; ${tally.measuredOtherwise} measured otherwise than Swift does`);
process.exitCode = tally.worse * 20 > tally.steps || tally.oursMoved > tally.swiftMoved || tally.measuredOtherwise > 0 ? 1 : 0;

/**
 * Simulates clusters, a seed each, and stops at the first that breaks a promise: its plan is made shorter, and what happened is told.
 *
 * Run: gori simulate --seed 1 [--seeds 100] [--operations 500] [--workers 2] [--seconds 300] [--plant no-fdatasync] [--history]
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { describeOperation } from './history.ts';
import { planOf, type Plan } from './plan.ts';
import { PLANTS, type Plant } from './plants.ts';
import { shrink } from './shrinking.ts';
import { simulate, type Result } from './simulation.ts';

interface Share {
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  readonly operations: number;
  readonly plant: Plant;
  /** No cluster is begun later than this, by Date.now. */
  readonly untilMs: number;
}

/** What one seed came to. */
interface Report extends Omit<Result, 'operations'> {
  readonly seed: number;
  readonly operations: number;
  readonly unanswered: number;
}

const SHRINK_TRIES = 400;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function work({ first, count, stride, operations, plant, untilMs }: Share): Promise<void> {
  Error.stackTraceLimit = 4; // simulated errors are thrown by the million, and their stacks cost more than they do
  for (let i = 0; i < count && Date.now() < untilMs; i++) {
    const seed = first + i * stride;
    const result = await simulate(planOf(seed, operations), plant);
    const unanswered = result.operations.filter(({ outcome }) => outcome === 'unknown').length;
    parentPort!.postMessage({ ...result, seed, operations: result.operations.length, unanswered } satisfies Report);
    if (result.violations.length > 0) return;
  }
}

function workers(count: number, share: Share, hear: (report: Report) => void): Promise<unknown> {
  const all: Worker[] = [];
  const ended = Array.from({ length: count }, (_, i) => new Promise<void>((resolve, reject) => {
    const own: Share = { ...share, first: share.first + i, count: Math.ceil((share.count - i) / count), stride: count };
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: own, resourceLimits: { maxYoungGenerationSizeMb: 64 } });
    all.push(worker);
    worker.on('message', (report: Report) => {
      hear(report);
      if (report.violations.length > 0) for (const other of all) void other.terminate();
    });
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  }));
  return Promise.all(ended);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      seeds: { type: 'string', default: '1' },
      operations: { type: 'string', default: '500' },
      workers: { type: 'string', default: String(Math.min(4, availableParallelism())) },
      seconds: { type: 'string', default: '1000000' },
      plant: { type: 'string', default: 'none' },
      history: { type: 'boolean', default: false },
    },
  });
  const [seed, seeds, operations, count] = [values.seed, values.seeds, values.operations, values.workers].map(Number) as [number, number, number, number];
  const untilMs = Date.now() + Number(values.seconds) * 1000;
  const plant = PLANTS.find((known) => known === values.plant);
  if (plant === undefined || ![seed, seeds, operations, count, untilMs].every((value) => Number.isSafeInteger(value) && value >= 0)) throw new Error(`bad arguments; plants are ${PLANTS.join(', ')}`);
  print(`${seeds} clusters from seed ${seed}, ${operations} requests each; planted fault: ${plant}`);
  const totals = { seeds: 0, operations: 0, unanswered: 0, undecided: 0, simulatedHours: 0 };
  const startMs = performance.now();
  let failed: Report | undefined;
  await workers(Math.min(count, seeds), { first: seed, count: seeds, stride: 1, operations, plant, untilMs }, (report) => {
    totals.seeds++;
    totals.operations += report.operations;
    totals.unanswered += report.unanswered;
    totals.undecided += report.undecided;
    totals.simulatedHours += report.simulatedMs / 3_600_000;
    if (report.violations.length > 0) failed ??= report;
    if (totals.seeds % 200 === 0) print(`${totals.seeds} held, ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  });
  print(JSON.stringify({ ...totals, simulatedHours: Number(totals.simulatedHours.toFixed(1)), seconds: Math.round((performance.now() - startMs) / 1000) }));
  if (failed === undefined && totals.seeds < seeds) print(`the time was over before ${seeds - totals.seeds} of them were begun`);
  if (failed !== undefined) {
    await tell(failed, { operations, plant, history: values.history });
    process.exitCode = 1;
  }
}

/** Tells of a failing seed, by the shortest plan that fails as well. */
async function tell({ seed, violations }: Report, { operations, plant, history }: { operations: number; plant: Plant; history: boolean }): Promise<void> {
  print(`seed ${seed} fails after ${operations} requests:\n${violations.join('\n')}`);
  print('making it shorter ...');
  const plan = await shrink(planOf(seed, operations), { fails: async (shorter: Plan) => (await simulate(shorter, plant)).violations.length > 0, tries: SHRINK_TRIES });
  const result = await simulate(plan, plant);
  print(`still fails with ${plan.steps.length} requests and ${plan.faults.length} faults:`);
  for (const fault of plan.faults) print(`  ${JSON.stringify(fault)}`);
  const lines = result.operations.filter(({ client }) => history || client !== 'end');
  for (const operation of lines) print(`  ${operation.key} ${describeOperation(operation)}`);
  print(result.violations.join('\n'));
}

try {
  await (isMainThread ? main() : work(workerData as Share));
} catch (error) {
  if (!isMainThread) throw error;
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}

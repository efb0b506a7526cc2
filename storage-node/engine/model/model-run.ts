/**
 * Lives many simulated lives of a device, and stops at the first that goes wrong.
 *
 * Run: node storage-node/engine/model/model-run.ts --sequences 100000 --seed 1 [--workers 2] [--steps 30] [--plant no-fdatasync]
 * Sequence i has seed `seed + i`, so that `--sequences 1 --seed <the seed it printed>` is the same life again.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { PLANTS, type Plant } from './simulated-machine.ts';
import { simulate } from './simulation.ts';

interface Share {
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  readonly steps: number;
  readonly plant: Plant;
}

/** Sequences between two reports of a worker. */
const REPORT_EVERY = 250;

async function work({ first, count, stride, steps, plant }: Share): Promise<void> {
  Error.stackTraceLimit = 4; // simulated errors are thrown by the million, and their stacks cost more than they do
  for (let i = 0; i < count; i++) {
    await simulate(first + i * stride, plant, steps);
    if ((i + 1) % REPORT_EVERY === 0) parentPort?.postMessage(REPORT_EVERY);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sequences: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      workers: { type: 'string', default: String(Math.min(4, availableParallelism())) },
      steps: { type: 'string', default: '30' },
      plant: { type: 'string', default: 'none' },
    },
  });
  const [sequences, seed, workers, steps] = [values.sequences, values.seed, values.workers, values.steps].map(Number) as [number, number, number, number];
  const plant = PLANTS.find((known) => known === values.plant);
  if (plant === undefined || ![sequences, seed, workers, steps].every(Number.isSafeInteger)) throw new Error(`bad arguments; plants are ${PLANTS.join(', ')}`);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  print(`${sequences} sequences of ${steps} steps from seed ${seed} on ${workers} workers, planted fault: ${plant}`);
  const startMs = performance.now();
  let done = 0;
  const all = Array.from({ length: workers }, (_, i) => new Promise<void>((resolve, reject) => {
    const share: Share = { first: seed + i, count: Math.ceil((sequences - i) / workers), stride: workers, steps, plant };
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: share });
    worker.on('message', (count: number) => {
      done += count;
      if (done % 5000 < REPORT_EVERY) print(`${done} sequences, ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
    });
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  }));
  await Promise.all(all);
  print(`${sequences} sequences held, ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
}

try {
  await (isMainThread ? main() : work(workerData as Share));
} catch (error) {
  if (!isMainThread) throw error;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

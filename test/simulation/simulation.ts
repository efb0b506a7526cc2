/**
 * One simulated life of a cluster: clients ask, things break, everything heals, and the evidence is judged. The same plan gives the same life: the
 * clock, the timers, the network, the disks and all chance in it are made here.
 */
import { SeededRandom } from '../../storage-node/engine/files/random.ts';
import { breakThings } from './breakage.ts';
import { Client, PATIENCE_MS, type Step } from './client.ts';
import { describeOperation, History, type Operation } from './history.ts';
import { checkRegister } from './linearizability.ts';
import { asError } from './network.ts';
import type { Plan } from './plan.ts';
import type { Plant } from './plants.ts';
import { faultsAtRest, heal } from './rest.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

export interface Result {
  /** What was wrong, in words; empty where nothing was. */
  readonly violations: readonly string[];
  readonly operations: readonly Operation[];
  /** Objects whose histories were too tangled to judge. */
  readonly undecided: number;
  /** Moments of the timeline, and how much time went by in it. */
  readonly steps: number;
  readonly simulatedMs: number;
}

/** More time than any life takes. */
const LIFE_MS = 600_000;

export async function simulate(plan: Plan, plant: Plant = 'none'): Promise<Result> {
  const random = new SeededRandom(plan.seed ^ 0x5eed);
  const cluster = new SimulatedCluster({ random, nodes: plan.nodes, proxies: plan.proxies, plant });
  const { timeline } = cluster;
  const startMs = timeline.nowMs();
  const uninstall = timeline.install();
  const history = new History();
  let wrong: string[];
  try {
    wrong = await timeline.run(live(cluster, { plan, plant, history, random }), LIFE_MS);
  } catch (error) {
    wrong = [`the simulation broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
  } finally {
    uninstall();
  }
  const { violations, undecided } = judge(history);
  return { violations: [...violations, ...wrong], undecided, operations: history.operations, steps: timeline.steps, simulatedMs: timeline.nowMs() - startMs };
}

async function live(cluster: SimulatedCluster, { plan, plant, history, random }: { plan: Plan; plant: Plant; history: History; random: SeededRandom }): Promise<string[]> {
  await cluster.start();
  breakThings(cluster, plan.faults, random);
  const etags = new Map<string, string>();
  const wrongly = (error: unknown): void => void (cluster.network.fault ??= asError(error));
  const clients = Array.from({ length: plan.clients }, (_, i) => {
    const client = new Client(`c${i + 1}`, { history, etags, blind: plant === 'blind-conditions', wrong: wrongly });
    return work(cluster, client, plan.steps.filter((step) => step.client === i));
  });
  await Promise.all(clients);
  await heal(cluster);
  const keys = [...new Set(plan.steps.map(({ key }) => key))].sort();
  const reader = new Client('end', { history, etags, blind: false, wrong: wrongly });
  const read = async (): Promise<void> => {
    for (const key of keys) for (let proxy = 0; proxy < plan.proxies; proxy++) await ask(cluster, reader, { client: 0, pauseMs: 0, proxy, key, kind: 'get', condition: 'none', sizeBytes: 0, streamed: false });
  };
  await read();
  const wrong = await faultsAtRest(cluster, keys);
  await read();
  for (const { id, client, outcome } of history.operations) if (client === 'end' && outcome === 'unknown') wrong.push(`#${id}: no answer though all was well`);
  const { fault } = cluster.network;
  if (fault !== undefined) wrong.push(`a process threw ${fault.stack ?? fault.message}`);
  return wrong;
}

async function work(cluster: SimulatedCluster, client: Client, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    await cluster.timeline.sleep(step.pauseMs);
    await ask(cluster, client, step);
  }
}

/** Asks, and waits for the answer as long as there may be one. */
async function ask(cluster: SimulatedCluster, client: Client, step: Step): Promise<void> {
  const proxy = cluster.proxies[step.proxy]!;
  const { answered } = client.begin(step, proxy.store);
  await Promise.race([answered, proxy.host.died, cluster.timeline.sleep(PATIENCE_MS)]);
}

function judge(history: History): { violations: string[]; undecided: number } {
  const violations: string[] = [];
  let undecided = 0;
  for (const key of new Set(history.operations.map((operation) => operation.key))) {
    const verdict = checkRegister(history.of(key));
    if (verdict.holds === undefined) undecided++;
    if (verdict.holds !== false) continue;
    const lines = [...verdict.longest.slice(-8).map((operation) => `  ${describeOperation(operation)}`), '  then none of', ...verdict.stuck.map((operation) => `  ${describeOperation(operation)}`)];
    violations.push(`${key} is no register:\n${lines.join('\n')}`);
  }
  return { violations, undecided };
}

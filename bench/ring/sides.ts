/**
 * Both sides of the ring benchmarks: Swift's builder run through a scenario, ours changed alike, and the figures of either
 * taken from the assignments by the same functions.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureBalance, measureDispersion, type RingBuilder, type RingDevice } from '#ring';
import type { Scenario, Step } from './scenario.ts';

/** Device ids by replica, then partition. */
export type Tables = readonly Uint16Array[];

export interface Figures {
  readonly cpuSeconds: number;
  readonly balance: number;
  readonly dispersion: number;
  /** Undefined for the first build, where everything moves. */
  readonly moved: number | undefined;
}

export interface SwiftStep {
  readonly tables: Tables;
  readonly cpuSeconds: number;
  /** As Swift itself reports them. */
  readonly balance: number;
  readonly dispersion: number;
}

/** Runs Swift's builder through the scenario; its tables and CPU seconds at each step. */
export async function runSwift(scenario: Scenario, python: string): Promise<SwiftStep[]> {
  const out = await mkdtemp(join(tmpdir(), 'gori-ring-bench-'));
  try {
    const child = spawn('nice', [python, join(import.meta.dirname, 'peer.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(JSON.stringify({ ...scenario, out }));
    let text = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk as string;
    const steps = text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Omit<SwiftStep, 'tables'>);
    if (steps.length !== scenario.steps.length) throw new Error(`${python} peer.py did ${steps.length} of ${scenario.steps.length} steps: is python3-swift installed?`);
    const read = async (at: number): Promise<Tables> => {
      const bytes = await readFile(join(out, `${at}.bin`));
      const ids = new Uint16Array(new Uint8Array(bytes).buffer);
      const parts = 2 ** scenario.partPower;
      return Array.from({ length: scenario.replicas }, (_, replica) => ids.slice(replica * parts, (replica + 1) * parts));
    };
    return await Promise.all(steps.map(async (step, at) => ({ ...step, tables: await read(at) })));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** Makes the step's changes and lets every partition move. */
export function apply(builder: RingBuilder, { changes }: Step): void {
  for (const change of changes) {
    if (change.do === 'add') builder.add(change.device);
    else if (change.do === 'remove') builder.remove(change.id);
    else builder.setWeight(change.id, change.weight);
  }
  builder.pretendMinPartHoursPassed();
}

export function figuresOf(tables: Tables, { previous, devices, replicas, cpuSeconds }: { previous: Tables | undefined; devices: readonly (RingDevice | undefined)[]; replicas: number; cpuSeconds: number }): Figures {
  const assignment = { devices, replicas, assignments: tables };
  return { cpuSeconds, balance: measureBalance(assignment).balance, dispersion: measureDispersion(assignment).dispersion, moved: countMoved(previous, tables) };
}

function countMoved(before: Tables | undefined, after: Tables): number | undefined {
  if (before === undefined) return undefined;
  return after.reduce((sum, table, replica) => sum + table.reduce((moved, id, at) => (id === before[replica]?.[at] ? moved : moved + 1), 0), 0);
}

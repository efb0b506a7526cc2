/** What is to happen in a simulation: what clients ask, and what breaks when. Made from a seed; a failing one is made shorter by leaving parts out. */
import { SeededRandom } from '../../storage-node/engine/files/random.ts';
import type { Step } from './client.ts';

export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | { readonly kind: 'power' | 'kill' | 'errors' | 'full' | 'stall'; readonly node: number }
  | { readonly kind: 'power-soon'; readonly node: number; readonly calls: number }
  | { readonly kind: 'blackout' }
  | { readonly kind: 'proxy'; readonly proxy: number }
  | { readonly kind: 'clock'; readonly proxy: number; readonly offsetMs: number }
  | { readonly kind: 'cut'; readonly from: number; readonly to: number; readonly bothWays: boolean }
  | { readonly kind: 'loss' | 'slow'; readonly oneIn: number }
);

export interface Plan {
  readonly seed: number;
  readonly nodes: number;
  readonly proxies: number;
  readonly clients: number;
  readonly steps: readonly Step[];
  readonly faults: readonly Fault[];
}

/** Longest pause of a client between two requests. */
const PAUSE_MS = 400;

export function planOf(seed: number, operations: number): Plan {
  const random = new SeededRandom(seed);
  const nodes = 4 + random.below(3);
  const proxies = 2 + random.below(2);
  const clients = 3 + random.below(5);
  const keys = 1 + random.below(6);
  const steps = Array.from({ length: operations }, (): Step => {
    const kind = random.pick(['put', 'put', 'put', 'put', 'put', 'get', 'get', 'get', 'head', 'delete', 'delete', 'post'] as const);
    return {
      client: random.below(clients),
      pauseMs: random.oneIn(3) ? 0 : random.below(PAUSE_MS),
      proxy: random.below(proxies),
      key: `o${random.below(keys)}`,
      kind,
      condition: random.pick(['none', 'none', 'absent', 'match'] as const),
      sizeBytes: random.pick([0, 20, 300, 1500, 3000, 6000]),
      streamed: random.oneIn(4),
    };
  });
  const lengthMs = (operations / clients) * (PAUSE_MS / 3 + 20);
  const faults = Array.from({ length: 2 + random.below(Math.ceil(operations / 25)) }, () => faultOf(random, { nodes, proxies, lengthMs })).sort((a, b) => a.atMs - b.atMs);
  return { seed, nodes, proxies, clients, steps, faults };
}

function faultOf(random: SeededRandom, { nodes, proxies, lengthMs }: { nodes: number; proxies: number; lengthMs: number }): Fault {
  const times = { atMs: random.below(Math.ceil(lengthMs)), forMs: random.pick([50, 300, 1500, 6000]) };
  const node = random.below(nodes);
  const proxy = random.below(proxies);
  const kind = random.pick(['power', 'power', 'power-soon', 'power-soon', 'blackout', 'kill', 'kill', 'proxy', 'proxy', 'proxy', 'clock', 'cut', 'cut', 'cut', 'loss', 'slow', 'errors', 'full', 'stall'] as const);
  switch (kind) {
    case 'power-soon':
      return { ...times, kind, node, calls: 1 + random.below(30) };
    case 'blackout':
      return { ...times, kind };
    case 'proxy':
      return { ...times, kind, proxy };
    case 'clock':
      return { ...times, kind, proxy, offsetMs: random.pick([-60_000, -1000, -5, 5, 1000, 60_000]) };
    case 'cut':
      return { ...times, kind, from: random.below(nodes + proxies), to: random.below(nodes + proxies), bothWays: random.oneIn(2) };
    case 'loss':
      return { ...times, kind, oneIn: random.pick([4, 20]) };
    case 'slow':
      return { ...times, kind, oneIn: random.pick([2, 6]) };
    case 'power':
    case 'kill':
    case 'errors':
    case 'full':
    case 'stall':
      return { ...times, kind, node };
  }
}

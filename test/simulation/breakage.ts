/** Makes the faults of a plan happen, and be over, when the plan says. */
import type { SeededRandom } from '../../storage-node/engine/files/random.ts';
import type { Fault } from './plan.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { SimulatedNode } from './simulated-node.ts';

/** How often it is looked whether the power has failed that was about to. */
const LOOK_MS = 3;

export function breakThings(cluster: SimulatedCluster, faults: readonly Fault[], random: SeededRandom): void {
  for (const fault of faults) cluster.timeline.after(fault.atMs, () => strike(cluster, fault, random));
}

function strike(cluster: SimulatedCluster, fault: Fault, random: SeededRandom): void {
  const { timeline, network, nodes, proxies } = cluster;
  const later = (run: () => void): void => void timeline.after(fault.forMs, run);
  switch (fault.kind) {
    case 'power':
      return goDown(cluster, nodes[fault.node]!, { forMs: fault.forMs, how: 'powerOff' });
    case 'blackout':
      for (const node of nodes) goDown(cluster, node, { forMs: fault.forMs, how: 'powerOff' });
      return;
    case 'kill':
      return goDown(cluster, nodes[fault.node]!, { forMs: fault.forMs, how: 'kill' });
    case 'power-soon':
      return goDownSoon(cluster, nodes[fault.node]!, fault);
    case 'proxy':
      return cluster.restartProxy(proxies[fault.proxy]!);
    case 'clock':
      proxies[fault.proxy]!.clockOffsetMs = fault.offsetMs;
      return;
    case 'cut': {
      const names = [...nodes.map(({ ip }) => ip), ...proxies.map(({ name }) => name)];
      const [from, to] = [names[fault.from]!, names[fault.to]!];
      if (from === to) return;
      const links = fault.bothWays ? [[from, to] as const, [to, from] as const] : [[from, to] as const];
      for (const [a, b] of links) network.cut(a, b);
      return later(() => links.forEach(([a, b]) => network.join(a, b)));
    }
    case 'loss':
      network.lossOneIn = fault.oneIn;
      return later(() => (network.lossOneIn = 0));
    case 'slow':
      network.slowOneIn = fault.oneIn;
      return later(() => (network.slowOneIn = 30));
    case 'stall':
    case 'errors':
    case 'full': {
      const node = nodes[fault.node]!;
      if (fault.kind === 'stall') node.stallMs = random.pick([50, 500, 2000]);
      else if (fault.kind === 'errors') node.disk.faults = { writeErrorOneIn: random.pick([0, 3, 10]), syncErrorOneIn: random.pick([0, 3, 10]), readErrorOneIn: random.pick([0, 0, 10]) };
      else node.disk.capacityBytes = node.disk.usedBytes() + random.below(20_000);
      return later(() => node.calm());
    }
  }
}

/** One that is down already comes back when the first fault has it. */
function goDown({ timeline }: SimulatedCluster, node: SimulatedNode, { forMs, how }: { forMs: number; how: 'powerOff' | 'kill' }): void {
  if (!node.isUp) return;
  node[how]();
  timeline.after(forMs, () => void node.start());
}

function goDownSoon(cluster: SimulatedCluster, node: SimulatedNode, { forMs, calls }: { forMs: number; calls: number }): void {
  const { host } = node;
  if (!host.alive) return;
  node.disk.crashIn(calls);
  const look = (): void => {
    if (node.host !== host || !host.alive) return;
    if (node.disk.crashed) return goDown(cluster, node, { forMs, how: 'powerOff' });
    cluster.timeline.after(LOOK_MS, look);
  };
  look();
}

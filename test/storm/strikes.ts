/** What befalls a cluster in a storm: processes that die or hang, links that break, disks that are full, swapped, or emptied. Each is over when its function is. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../storage-node/engine/files/random.ts';
import type { Member } from '../../tools/cluster/layout.ts';
import { cut, mend } from './links.ts';
import type { StormCluster } from './storm-cluster.ts';

export interface Strike {
  readonly kind: 'kill' | 'freeze' | 'cut' | 'isolate' | 'full' | 'all full' | 'blank' | 'swapped and back' | 'wiped under its node';
  /** Who is struck: no two strikes at once have one in common. */
  readonly victims: readonly Member[];
  readonly bothWays?: boolean;
  readonly forMs: number;
  /** Bytes that a full disk takes yet. */
  readonly leftBytes?: number;
}

/** One to three at once, on different members; what loses a disk comes alone: three replicas survive the loss of one. */
export function drawStrikes({ members, nodes }: StormCluster, random: SeededRandom): Strike[] {
  const forMs = (): number => 300 + random.below(random.oneIn(4) ? 4000 : 1200);
  if (random.oneIn(5)) return [{ kind: random.pick(['blank', 'blank', 'swapped and back', 'wiped under its node']), victims: [random.pick(nodes as [Member])], forMs: forMs() }];
  if (random.oneIn(15)) return [{ kind: 'all full', victims: nodes, forMs: forMs(), leftBytes: 4096 + random.below(200_000) }];
  const left = [...members];
  const take = (from: readonly Member[]): Member => {
    const taken = random.pick(from as [Member]);
    left.splice(left.indexOf(taken), 1);
    return taken;
  };
  return Array.from({ length: random.pick([1, 1, 1, 2, 2, 3]) }, (): Strike => {
    const kind = random.pick(['kill', 'kill', 'freeze', 'freeze', 'cut', 'cut', 'isolate', 'full'] as const);
    const nodesLeft = left.filter(({ role }) => role === 'node');
    const first = kind === 'full' && nodesLeft.length > 0 ? take(nodesLeft) : take(left);
    if (kind === 'cut') return { kind, victims: [first, take(left)], bothWays: random.oneIn(2), forMs: forMs() };
    if (kind === 'full' && first.role !== 'node') return { kind: 'kill', victims: [first], forMs: forMs() };
    return { kind, victims: [first], forMs: forMs(), leftBytes: 4096 + random.below(200_000) };
  });
}

export async function strike(cluster: StormCluster, { kind, victims, bothWays, forMs, leftBytes = 0 }: Strike): Promise<void> {
  const [victim, other] = victims as [Member, Member];
  const links = kind === 'cut' ? (bothWays ? [[victim, other], [other, victim]] : [[victim, other]]) : cluster.members.filter((member) => member !== victim).flatMap((member) => [[victim, member], [member, victim]]);
  switch (kind) {
    case 'kill':
      await cluster.kill(victim);
      await sleep(forMs);
      return cluster.start(victim);
    case 'freeze':
      await cluster.freeze(victim);
      await sleep(forMs);
      return cluster.thaw(victim);
    case 'cut':
    case 'isolate':
      await Promise.all(links.map(([from, to]) => cut(from!, to!)));
      await sleep(forMs);
      await Promise.all(links.map(([from, to]) => mend(from!, to!)));
      return;
    case 'full':
    case 'all full':
      await Promise.all(victims.map((each) => cluster.disk(each).fill(leftBytes)));
      await sleep(forMs);
      await Promise.all(victims.map((each) => cluster.disk(each).free()));
      return;
    case 'blank':
    case 'swapped and back':
    case 'wiped under its node':
      return loseDisk(cluster, { kind, victim, forMs });
  }
}

async function loseDisk(cluster: StormCluster, { kind, victim, forMs }: { kind: Strike['kind']; victim: Member; forMs: number }): Promise<void> {
  const disk = cluster.disk(victim);
  if (kind === 'wiped under its node') {
    await disk.wipe();
    await sleep(forMs);
    await cluster.kill(victim);
    await disk.wipe();
    return cluster.start(victim);
  }
  await cluster.kill(victim);
  if (kind === 'blank') {
    await disk.throwAway();
    await disk.plugIn();
    await cluster.start(victim);
    return sleep(forMs);
  }
  const putBack = await disk.takeOut();
  await disk.plugIn();
  await cluster.start(victim);
  await sleep(forMs);
  await cluster.kill(victim);
  await disk.throwAway();
  await putBack();
  return cluster.start(victim);
}

export function describeStrike({ kind, victims, bothWays, forMs }: Strike): string {
  return `${kind}${kind === 'cut' ? (bothWays ? ' both ways' : ' one way') : ''}: ${victims.map(({ name }) => name).join(', ')} for ${forMs} ms`;
}

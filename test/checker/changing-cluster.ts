/** `gori cluster` whose rings change under load: nodes are added, emptied and taken away, also such as are dead already. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { SeededRandom } from '../../storage-node/engine/files/random.ts';
import { addNode, removeNode } from '../../tools/cluster/command.ts';
import { layOut, readMembers, type Member } from '../../tools/cluster/layout.ts';
import { signal, start } from '../../tools/cluster/processes.ts';
import { endpointOf, SUITE } from './process-cluster.ts';
import type { Stage, Subject } from './subject.ts';

const NODES = 4;
/** Requests of this load are over within a second; replicators look every second. */
const CHANGE = { grace: 1, say: () => undefined };
const REPLICATOR = { intervalSeconds: 1 };

export class ChangingCluster implements Subject {
  readonly maxBytes = 1 << 20;
  readonly #folder: string;
  readonly #ports: { readonly port: number; readonly storagePort: number };

  constructor({ folder, ...ports }: { folder: string; port: number; storagePort: number }) {
    this.#folder = folder;
    this.#ports = ports;
  }

  async begin({ servers }: Stage): Promise<void> {
    const config = { ...(parse(await readFile(SUITE, 'utf8')) as Record<string, unknown>), replicator: REPLICATOR };
    const members = await layOut(this.#folder, { nodes: NODES, devicesPerNode: 1, proxies: 2, replicas: 3, partPower: 8, ...this.#ports, config });
    for (const member of members) {
      await start(this.#folder, member);
      if (member.role === 'proxy') await servers.add(endpointOf(member));
    }
  }

  async strike({ servers, tally }: Stage, random: SeededRandom): Promise<string> {
    const nodes = (await readMembers(this.#folder)).filter(({ role }) => role === 'node');
    if (nodes.length <= NODES) {
      servers.phase = 'while a node came';
      const { name } = await addNode(this.#folder, CHANGE);
      tally.count('nodes added');
      servers.phase = undefined;
      return `${name} added`;
    }
    const victim = nodes[random.below(nodes.length)]!;
    const dead = random.oneIn(3);
    servers.phase = `while a ${dead ? 'dead ' : ''}node went`;
    if (dead) await signal(this.#folder, victim, 'SIGKILL');
    await removeNode(this.#folder, victim.name, CHANGE);
    tally.count(dead ? 'dead nodes removed' : 'nodes removed');
    servers.phase = undefined;
    return `${victim.name} ${dead ? 'killed and ' : ''}removed`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const members: Member[] = await readMembers(this.#folder).catch(() => []);
    for (const member of members.toReversed()) await signal(this.#folder, member, 'SIGTERM');
  }
}

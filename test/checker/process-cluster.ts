/** `gori cluster`: storage nodes and proxies as processes of their own; one of them at a time is killed by `kill -9`, stays away for a while and comes back. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import type { SeededRandom } from '../../storage-node/engine/files/random.ts';
import { layOut, type Member } from '../../tools/cluster/layout.ts';
import { signal, start } from '../../tools/cluster/processes.ts';
import type { Server } from './servers.ts';
import type { Stage, Subject } from './subject.ts';

export const SUITE: string = path.resolve(import.meta.dirname, '..', '..', 'examples', 'suite.yaml');

export class ProcessCluster implements Subject {
  readonly maxBytes = 4 << 20;
  readonly #options: { readonly folder: string; readonly port: number; readonly storagePort: number };
  readonly #serverOf = new Map<string, Server>();
  #members: Member[] = [];

  constructor(options: { folder: string; port: number; storagePort: number }) {
    this.#options = options;
  }

  async begin({ servers }: Stage): Promise<void> {
    const { folder, port, storagePort } = this.#options;
    const config = parse(await readFile(SUITE, 'utf8')) as Record<string, unknown>;
    this.#members = await layOut(folder, { nodes: 4, devicesPerNode: 1, proxies: 2, replicas: 3, partPower: 10, port, storagePort, config });
    for (const member of this.#members) {
      await start(folder, member);
      if (member.role === 'proxy') this.#serverOf.set(member.name, await servers.add(endpointOf(member)));
    }
  }

  /** Mostly a node, sometimes a proxy; the verdict comes while it is away every second time, and always when it is back. */
  async strike(stage: Stage, random: SeededRandom): Promise<string> {
    const role = random.oneIn(4) ? 'proxy' : 'node';
    const candidates = this.#members.filter((member) => member.role === role);
    const victim = candidates[random.below(candidates.length)]!;
    await sleep(200 + random.below(800));
    const { servers, namespace, tally } = stage;
    const phase = `while a ${role} was down`;
    servers.phase = phase;
    tally.count(`kills of a ${role}`);
    await signal(this.#options.folder, victim, 'SIGKILL');
    const server = this.#serverOf.get(victim.name);
    if (server !== undefined) {
      servers.remove(server);
      namespace.serverDied(server.number);
    }
    await sleep(300 + random.below(700));
    const between = random.oneIn(2);
    if (between) await stage.verifyNow();
    await start(this.#options.folder, victim);
    servers.phase = undefined;
    if (role === 'proxy') this.#serverOf.set(victim.name, await servers.add(endpointOf(victim)));
    await sleep(random.below(400));
    return `${victim.name} killed${between ? ', verified while it was away' : ''}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Proxies first, so that nobody asks for nodes that are gone.
    for (const member of this.#members.toReversed()) await signal(this.#options.folder, member, 'SIGTERM');
  }
}

export function endpointOf({ host, port }: Member): string {
  return `http://${host}:${port}`;
}

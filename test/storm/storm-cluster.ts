/** The cluster in a storm: four nodes and two proxies, each a process on a network and (nodes) a file system of its own. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import type { Consistency } from '#ring';
import { layOut, type Member } from '../../tools/cluster/layout.ts';
import { runningPid, signal, start } from '../../tools/cluster/processes.ts';
import { Client } from '../checker/client.ts';
import { endpointOf, SUITE } from '../checker/process-cluster.ts';
import { Disk } from './disks.ts';
import { join, launcherOf, layBridge, NETWORK } from './links.ts';

export const PART_POWER = 6;

/** A proxy that clients ask. */
export interface Door {
  readonly member: Member;
  readonly endpoint: string;
  client: Client;
  /** False while clients are not sent there: it is down, or hangs. */
  open: boolean;
}

export class StormCluster implements AsyncDisposable {
  readonly folder: string;
  readonly doors: Door[] = [];
  #members: Member[] = [];
  readonly #disks = new Map<string, Disk>();
  readonly #launchers = new Map<string, string[]>();

  constructor(folder: string) {
    this.folder = folder;
  }

  async begin({ nodes, proxies, consistency }: { nodes: number; proxies: number; consistency: Consistency }): Promise<void> {
    const suite = parse(await readFile(SUITE, 'utf8')) as Record<string, unknown>;
    const config = { ...suite, policies: [{ index: 0, name: 'gold', default: true, consistency }], replicator: { intervalSeconds: 1 } };
    this.#members = await layOut(this.folder, { nodes, devicesPerNode: 1, proxies, replicas: 3, partPower: PART_POWER, port: 8080, storagePort: 6201, network: NETWORK, config });
    await layBridge();
    for (const member of this.#members) {
      await join(member);
      this.#launchers.set(member.name, launcherOf(member));
      if (member.role === 'node') {
        const disk = new Disk(path.join(this.folder, member.name, 'devices'));
        this.#disks.set(member.name, disk);
        await disk.plugIn();
      }
      await this.start(member);
    }
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  get nodes(): Member[] {
    return this.#members.filter(({ role }) => role === 'node');
  }

  disk({ name }: Member): Disk {
    return this.#disks.get(name)!;
  }

  async start(member: Member): Promise<void> {
    await start(this.folder, member, this.#launchers.get(member.name));
    if (member.role === 'node') return;
    const door = this.doors.find((known) => known.member === member);
    if (door !== undefined) Object.assign(door, { client: new Client(door.endpoint), open: true });
    else this.doors.push({ member, endpoint: endpointOf(member), client: new Client(endpointOf(member)), open: true });
  }

  async kill(member: Member): Promise<void> {
    this.#close(member);
    await signal(this.folder, member, 'SIGKILL');
  }

  async freeze(member: Member): Promise<void> {
    await signal(this.folder, member, 'SIGSTOP');
    this.#close(member);
  }

  async thaw(member: Member): Promise<void> {
    await signal(this.folder, member, 'SIGCONT');
    for (const door of this.doors) if (door.member === member) door.open = true;
  }

  /** Members whose processes ended by themselves. */
  async fallen(): Promise<string[]> {
    const fallen: string[] = [];
    for (const member of this.#members) if ((await runningPid(this.folder, member)) === undefined) fallen.push(member.name);
    return fallen;
  }

  #close(member: Member): void {
    for (const door of this.doors) if (door.member === member) door.open = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client } of this.doors) client[Symbol.dispose]();
    for (const member of this.#members.toReversed()) await signal(this.folder, member, 'SIGKILL');
  }
}

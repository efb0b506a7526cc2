/** After a strike, when nobody asks for anything: what every proxy reads, what it lists, and whether the replicas become equal by themselves. */
import { setTimeout as sleep } from 'node:timers/promises';
import path from 'node:path';
import { loadRing, ringFileName, type Ring } from '#ring';
import { NodeClient, type DeviceClient } from '#storage-node/client';
import { readIdentity } from '../../tools/server/index.ts';
import type { Content } from '../simulation/history.ts';
import type { Asker } from './asking.ts';
import type { KeyEvidence } from './evidence.ts';
import { PART_POWER, type Door, type StormCluster } from './storm-cluster.ts';

const PATIENCE_MS = 40_000;
const EQUAL_MS = 90_000;
const AGAIN_MS = 150;

/** Reads a key through a proxy until there is an answer; undefined for none in time. */
export async function readSurely(asker: Asker, door: Door, key: KeyEvidence): Promise<{ content: Content | undefined } | undefined> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(AGAIN_MS)) {
    const { outcome, seen } = await asker.ask(door, { key, kind: 'get', dialect: 'swift' });
    if (outcome === 'done' || outcome === 'missing') return { content: seen };
  }
  return undefined;
}

/** What differs between what is read and what a proxy lists, after it had time to catch up. */
export async function listingFaults(asker: Asker, door: Door, { prefix, held }: { prefix: string; held: ReadonlyMap<KeyEvidence, Content | undefined> }): Promise<string[]> {
  let faults: string[] = [];
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(AGAIN_MS)) {
    const shown = await asker.list(door, prefix, [...held.keys()]);
    if (shown === undefined) faults = [`${door.member.name} does not list ${prefix}`];
    else faults = [...held].flatMap(([{ name }, content]) => (shown.get(name) === content?.value ? [] : [`${door.member.name} lists ${shown.get(name) ?? 'nothing'} as ${name}, and reads ${content?.value ?? 'nothing'}`]));
    if (faults.length === 0) return [];
  }
  return faults;
}

/** How replicas differ after they had time to become equal; nothing where they do not. */
export async function replicaFaults(cluster: StormCluster): Promise<string[]> {
  const { secret } = (await readIdentity(cluster.folder))!;
  using nodes = new NodeClient({ secret });
  const rings = path.join(cluster.folder, 'rings');
  const [objects, containers] = [await loadRing(path.join(rings, ringFileName('object'))), await loadRing(path.join(rings, ringFileName('container')))];
  const ranges = { bits: PART_POWER, prefixes: Array.from({ length: 2 ** PART_POWER }, (_, i) => i) };
  let faults: string[] = [];
  for (const deadline = Date.now() + EQUAL_MS; Date.now() < deadline; await sleep(1000)) {
    try {
      faults = [
        ...(await unequal('objects', objects, nodes, (client) => client.objects(0).digests(ranges))),
        ...(await unequal('containers', containers, nodes, (client) => client.listings.databaseDigests({ ...ranges, kind: 'container' }))),
      ];
    } catch (error) {
      faults = [`a node does not answer: ${String(error)}`];
    }
    if (faults.length === 0) return [];
  }
  return faults;
}

async function unequal(what: string, ring: Ring, nodes: NodeClient, ask: (client: DeviceClient) => Promise<Buffer>): Promise<string[]> {
  const devices = ring.devices.flatMap((device) => (device === undefined ? [] : [device]));
  const digests = new Map(await Promise.all(devices.map(async (device) => [device.id, await ask(nodes.device(device))] as const)));
  const faults: string[] = [];
  for (let partition = 0; partition < ring.partitionCount; partition++) {
    const of = (id: number): string => digests.get(id)!.toString('hex', partition * 8, partition * 8 + 8);
    const primaries = ring.primaries(partition as Parameters<Ring['primaries']>[0]);
    const held = primaries.map(({ id, ip }) => `${ip} ${of(id)}`);
    if (new Set(primaries.map(({ id }) => of(id))).size > 1) faults.push(`${what} of partition ${partition} differ: ${held.join(', ')}`);
    for (const { id, ip } of devices) if (!primaries.some((primary) => primary.id === id) && of(id) !== '0000000000000000') faults.push(`${ip} holds ${what} of partition ${partition} still, for others`);
  }
  return faults;
}

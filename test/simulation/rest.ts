/** A cluster at rest: everything healed, nobody asks for anything. What it must come to by itself, and what is wrong where it does not. */
import { hashPath } from '#ring';
import { PATIENCE_MS } from './client.ts';
import { CONTAINER, SALT, type SimulatedCluster } from './simulated-cluster.ts';

/** How long daemons get to bring everything together, and how often it is looked whether they have. */
const LOOKS = 25;
const BETWEEN_MS = 2000;

/** Ends all faults; resolves when every node is up. */
export async function heal(cluster: SimulatedCluster): Promise<void> {
  cluster.network.heal();
  for (const node of cluster.nodes) {
    node.calm();
    node.disk.crashIn(Infinity);
    if (node.disk.crashed && node.isUp) node.powerOff();
  }
  await Promise.all(cluster.nodes.filter((node) => !node.isUp).map((node) => node.start()));
  // What is on its way yet arrives, and what waits for it gives up.
  await cluster.timeline.sleep(PATIENCE_MS);
}

/** What is still wrong after the daemons had their time; nothing where all is well. */
export async function faultsAtRest(cluster: SimulatedCluster, keys: readonly string[]): Promise<string[]> {
  let faults: string[] = [];
  for (let look = 0; look < LOOKS; look++) {
    faults = [...(await unequalReplicas(cluster, keys)), ...(await unequalListings(cluster))];
    if (faults.length === 0) break;
    await cluster.timeline.sleep(BETWEEN_MS);
  }
  for (const node of cluster.nodes) {
    const wrong = await node.engine.wrongDigests();
    if (wrong > 0) faults.push(`${node.ip}: ${wrong} digests are not what counting says`);
  }
  return [...faults, ...(await listingFaults(cluster, keys))];
}

async function unequalReplicas(cluster: SimulatedCluster, keys: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  for (const object of keys) {
    const key = hashPath(SALT, CONTAINER.account, CONTAINER.container, object);
    const ring = cluster.rings.object(0);
    const primaries = new Set(ring.primaries(ring.partition(key)).map(({ ip }) => ip));
    const held: string[] = [];
    for (const node of cluster.nodes) {
      const state = await node.engine.stat(key);
      const text = state === undefined ? 'nothing' : `${state.deleted ? 'tombstone ' : ''}${state.timestamp}/${state.metaTimestamp} ${state.sizeBytes}`;
      if (primaries.has(node.ip)) held.push(`${node.ip} ${text}`);
      else if (state !== undefined) faults.push(`${object}: ${node.ip} holds ${text} still, for others`);
    }
    if (new Set(held.map((line) => line.slice(line.indexOf(' ')))).size > 1) faults.push(`${object}: replicas differ: ${held.join(', ')}`);
  }
  for (const node of cluster.nodes) for (const { info } of await node.engine.pending({ olderThanMs: 0, limit: 100 })) faults.push(`${node.ip}: the row of ${info.name} is pending`);
  return faults;
}

async function unequalListings(cluster: SimulatedCluster): Promise<string[]> {
  const key = hashPath(SALT, CONTAINER.account, CONTAINER.container);
  const ring = cluster.rings.container;
  const primaries = new Set(ring.primaries(ring.partition(key)).map(({ ip }) => ip));
  const digests = new Map<string, string>();
  for (const node of cluster.nodes) {
    const info = await node.listings.info({ kind: 'container', key, path: `/${CONTAINER.account}/${CONTAINER.container}` });
    if (primaries.has(node.ip)) digests.set(node.ip, info?.digest ?? 'none');
  }
  return new Set(digests.values()).size === 1 ? [] : [`listings differ: ${[...digests].join('; ')}`];
}

/** Whether every proxy lists what reads find, with the same tags. */
async function listingFaults(cluster: SimulatedCluster, keys: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  for (const { name, store } of cluster.proxies) {
    const page = await store.containers.list(CONTAINER, { limit: 1000, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false });
    const listed = new Map(page.entries.flatMap((entry) => ('subdir' in entry ? [] : [[entry.name, entry.etag] as const])));
    for (const object of keys) {
      const info = await store.objects.head({ ...CONTAINER, object }).catch(() => undefined);
      const [found, row] = [info?.metadata['ETag'], listed.get(object)];
      if (found !== row) faults.push(`${name} reads ${found ?? 'nothing'} of ${object} and lists ${row ?? 'nothing'}`);
    }
  }
  return faults;
}

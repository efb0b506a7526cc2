/** The composition root: a configuration becomes a running process with the roles it names. Read top to bottom, it is how a process starts. */
import { createHmac } from 'node:crypto';
import path from 'node:path';
import { aborted, createLog, HybridClock, runDaemon, systemClock, type Config, type Log } from '#common';
import { memoryCache, type Cache } from '#common/cache';
import { startProxy, type Proxy } from '#proxy';
import { Encryption, LocalKeys, RootSecrets } from '#proxy/core';
import { RingInbox, RingSet, type RingDevice } from '#ring';
import { startStorageNode, type StorageNode } from '#storage-node';
import { NodeClient } from '#storage-node/client';
import { auditor, compactor, containerUpdater, databaseAuditor, databaseReplicator, objectReplicator, objectUpdater, reclaimer } from '#storage-node/daemons';
import { generatedUser } from './credentials.ts';
import { ensureCluster, policiesOf } from './embedded.ts';
import type { ClusterIdentity } from './identity.ts';
import { readKeyFile } from './key-file.ts';

export interface Running {
  readonly config: Config;
  readonly proxy: Proxy | undefined;
  readonly node: StorageNode | undefined;
}

const RING_POLL_MS = 5000;
const CACHE_ENTRIES = 100_000;
const OWN_SECRET = 'cluster';

/** Starts what the configuration says, calls `onReady`, and runs until the signal aborts; then stops in order, requests in flight first. */
export async function runServer(config: Config, version: string, signal: AbortSignal, onReady: (running: Running) => void): Promise<void> {
  const log = createLog({ level: config.log.level });
  const identity = await ensureCluster(config);
  const policies = policiesOf(config);
  await using stack = new AsyncDisposableStack();
  const rings = await openRings(config, identity, log);
  const inbox = new RingInbox(path.join(config.data, 'rings'), rings);
  const node = config.roles.includes('storage') ? stack.use(await openNode({ config, identity, rings, inbox, log })) : undefined;
  const nodes = stack.use(new NodeClient({ secret: identity.secret, ...(node && { local: { ...addressOf(config), devices: node.devices } }) }));
  const timestamps = new HybridClock(systemClock);
  const stopping = new AbortController();
  const background = [rings.watch({ clock: systemClock, intervalMs: RING_POLL_MS, signal: stopping.signal }), ...startDaemons({ config, rings, nodes, node, timestamps, log }, stopping.signal)];
  stack.defer(async () => {
    stopping.abort();
    await Promise.allSettled(background);
  });
  let proxy: Proxy | undefined;
  if (config.roles.includes('proxy')) {
    const cache = stack.use(await openCache(config, log));
    const { enabled, keyFile } = config.encryption;
    const keys = new LocalKeys(new Map(config.s3.kmsKeys.map(({ id, secret }) => [id, Buffer.from(secret, 'base64')])));
    const encryption = new Encryption({ enabled, roots: await rootsOf(identity, keyFile), keymasters: [keys] });
    const cluster = { rings: () => rings, salt: identity.salt, policies, device: (device: RingDevice) => nodes.device(device), timestamps, clock: systemClock, cache, log, encryption };
    proxy = stack.use(await startProxy({ cluster, config: await withUsers(config), secret: identity.secret, version, operations: { rings: inbox, recon: node && (() => node.recon()) }, log }));
    node?.daemons.push(...proxy.janitors);
  }
  onReady({ config, proxy, node });
  await aborted(signal);
}

/**
 * The root secrets: those of the key file, and one that is derived from the cluster's own secret. That one alone lies beside the data: it serves
 * clients that ask for encryption (S3's SSE-S3) where no key file is, and keeps single disks from telling what is on them.
 */
async function rootsOf(identity: ClusterIdentity, keyFile: string | undefined): Promise<RootSecrets> {
  const own = createHmac('sha256', identity.secret).update('encryption at rest').digest();
  return keyFile === undefined ? new RootSecrets({ active: OWN_SECRET, secrets: new Map([[OWN_SECRET, own]]) }) : (await readKeyFile(keyFile)).beside(OWN_SECRET, own);
}

function openRings(config: Config, identity: ClusterIdentity, log: Log): Promise<RingSet> {
  return RingSet.open({
    folder: path.join(config.data, 'rings'),
    salt: identity.salt,
    policies: policiesOf(config),
    onChange: ({ path: file, ring }) => log.info({ file, version: ring.version }, 'a new ring is in force'),
    onFault: (fault) => log.error({ err: fault }, 'a new ring was refused; the one before goes on'),
  });
}

/** The devices that the rings place at this process's address, or those that the configuration names. */
function openNode({ config, identity, rings, inbox, log }: { config: Config; identity: ClusterIdentity; rings: RingSet; inbox: RingInbox; log: Log }): Promise<StorageNode> {
  const { ip, port } = addressOf(config);
  const all = [rings.account, rings.container, ...[...rings.policies].map(({ index }) => rings.object(index))].flatMap((ring) => ring.devices);
  const here = all.flatMap((device) => (device?.ip === ip && device.port === port ? [device.device] : []));
  const names = config.storage?.devices ?? [...new Set(here)].sort();
  return startStorageNode({
    devices: names.map((name) => ({ name, directory: path.join(config.data, 'devices', name) })),
    policies: [...rings.policies].map(({ index }) => index),
    ...(config.storage && { listen: { ip, port, secret: identity.secret } }),
    address: { ip, port },
    fencesFile: path.join(config.data, 'fences.json'),
    mountCheck: config.storage?.mountCheck ?? false,
    rings: inbox,
    clock: systemClock,
    log,
    device: { settings: { reclaimAgeMs: config.reclaimAgeSeconds * 1000, reclaimAgreed: true }, report: (event) => log[event.event === 'recovered' ? 'info' : 'warn'](event, 'a device reports') },
  });
}

/** What the rings call this node. */
export function addressOf(config: Config): { ip: string; port: number } {
  return { ip: config.storage?.host ?? '127.0.0.1', port: config.storage?.port ?? 6200 };
}

interface DaemonParts {
  readonly config: Config;
  readonly rings: RingSet;
  readonly nodes: NodeClient;
  readonly node: StorageNode | undefined;
  readonly timestamps: HybridClock;
  readonly log: Log;
}

function startDaemons({ config, rings, nodes, node, timestamps, log }: DaemonParts, signal: AbortSignal): Promise<void>[] {
  if (node === undefined) return [];
  const devices = [...node.devices.values()];
  const places = devices.flatMap(({ name, device }) => device.policies.map((policy) => ({ device: name, policy, engine: device.objects(policy) })));
  const isServed = ({ device }: { readonly device: string }): boolean => node.fences.get(device) === undefined;
  const listings = () => devices.map((device) => ({ device: device.name, engine: device.databases })).filter(isServed);
  const context = { rings, nodes, clock: systemClock, log, objects: () => places.filter(isServed), listings, timestamps, address: addressOf(config), reclaimAgeMs: config.reclaimAgeSeconds * 1000 };
  const replication = { ...context, intervalMs: config.replicator.intervalSeconds * 1000 };
  const daemons = [objectUpdater(context), containerUpdater(context), objectReplicator(replication), databaseReplicator(replication), compactor(context), reclaimer(context)];
  const { enabled, bytesPerSecond, intervalSeconds } = config.auditor;
  const auditing = { ...context, bytesPerSecond, intervalMs: intervalSeconds * 1000 };
  if (enabled) daemons.push(auditor(auditing), databaseAuditor(auditing));
  return daemons.map((daemon) => {
    const { status, ended } = runDaemon(daemon, { clock: systemClock, signal, log });
    node.daemons.push(status);
    return ended;
  });
}

async function openCache(config: Config, log: Log): Promise<Cache> {
  const { redis } = config.cache;
  if (redis.length === 0) return memoryCache({ maxEntries: CACHE_ENTRIES });
  const { redisCache } = await import('#common/cache/redis');
  return redisCache({ servers: redis, prefix: 'gori:', timeoutMs: 250, log });
}

/** A configuration that names no users gets one, made at the first start. */
async function withUsers(config: Config): Promise<Config> {
  if (config.auth.tempauth.users.length > 0) return config;
  const user = await generatedUser(config.data);
  return { ...config, auth: { ...config.auth, tempauth: { ...config.auth.tempauth, users: [{ ...user, groups: [...user.groups] }] } } };
}

/**
 * A whole cluster in this process, for tests: real storage nodes on temporary folders, each listening on a free port of
 * loopback as it would in a process of its own, and proxies that serve clients. Nothing is mocked; what a test wants broken, it
 * breaks (a node stopped, a device wrapped by a test double, a clock wound), and everything is gone when it is disposed.
 *
 *     await using cluster = await TestCluster.start();
 *     const { url, token } = await cluster.login();              // test:tester, as Swift's functional suite has it
 *     await fetch(`${url}/photos`, { method: 'PUT', headers: { 'X-Auth-Token': token } });
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { silentLog, systemClock, type Clock, type Log } from '#common';
import { PolicySet, type RingDevice, type StoragePolicy } from '#ring';
import type { DeviceOptions } from '#storage-node/engine';
import type { DeviceClient } from '#storage-node/client';
import { ringsOver, type TestRings } from './rings.ts';
import { TestNode } from './test-node.ts';
import { TestProxy, type Login } from './test-proxy.ts';

export interface TestClusterOptions {
  /** Storage nodes, each a zone of its own. Default 4. */
  readonly nodes?: number;
  /** Of each node. Default 1. */
  readonly devicesPerNode?: number;
  /** Copies of everything. Default 3. */
  readonly replicas?: number;
  /** Proxies over the same nodes. Default 1. */
  readonly proxies?: number;
  /** Default: one strong policy. */
  readonly policies?: readonly StoragePolicy[];
  /** Of every node, and of proxies that are given none of their own. Default: the system's. */
  readonly clock?: Clock;
  /** The clock of proxy `index`, where proxies are to disagree about the time. */
  readonly proxyClock?: (index: number) => Clock;
  /** Limits of the engines that differ from their defaults. By default nothing is reserved on the disk, so that small disks do. */
  readonly settings?: DeviceOptions['settings'];
  /** What node `index` (from 0) has differently. */
  readonly nodeSettings?: (index: number) => DeviceOptions['settings'];
  /** Stands between proxies and devices: what it answers is asked instead of the device. */
  readonly wrap?: (client: DeviceClient, device: RingDevice) => DeviceClient;
  /** The section `swift` of the configuration of proxies. */
  readonly swift?: Readonly<Record<string, unknown>>;
  /** How long tombstones are kept. Default 7 days. */
  readonly reclaimAgeMs?: number;
  /** Default: silent. */
  readonly log?: Log;
  /** Where data is kept; default: a temporary folder, removed at the end. One that is given stays. */
  readonly directory?: string;
}

/** The secret that nodes and proxies of every test cluster share. */
export const TEST_SECRET = 'a secret that only test clusters have';

export class TestCluster implements AsyncDisposable {
  readonly nodes: readonly TestNode[];
  readonly proxies: readonly TestProxy[];
  readonly rings: TestRings;
  readonly directory: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: Pick<TestCluster, 'nodes' | 'proxies' | 'rings' | 'directory'>, stack: AsyncDisposableStack) {
    this.nodes = parts.nodes;
    this.proxies = parts.proxies;
    this.rings = parts.rings;
    this.directory = parts.directory;
    this.#stack = stack;
  }

  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    await using stack = new AsyncDisposableStack();
    const { clock = systemClock, log = silentLog() } = options;
    const directory = options.directory ?? (await mkdtemp(path.join(tmpdir(), 'gori-cluster-')));
    if (options.directory === undefined) stack.defer(() => rm(directory, { recursive: true, force: true }));
    const policies = new PolicySet(options.policies);
    const nodes: TestNode[] = [];
    for (let i = 1; i <= (options.nodes ?? 4); i++) {
      const devices = Array.from({ length: options.devicesPerNode ?? 1 }, (_, d) => `d${d + 1}`);
      const settings = { reserveBytes: 0, ...options.settings, ...options.nodeSettings?.(i - 1) };
      nodes.push(stack.use(await TestNode.start({ name: `node${i}`, directory: path.join(directory, `node${i}`), devices, policies, settings, clock, log, reclaimAgeMs: options.reclaimAgeMs })));
    }
    const places = nodes.flatMap(({ devices, port }, i) => devices.map((device) => ({ zone: i + 1, ip: '127.0.0.1', port, device })));
    const rings = ringsOver(places, { replicas: options.replicas ?? 3, policies });
    for (const node of nodes) node.useRings(rings);
    const proxies: TestProxy[] = [];
    for (let i = 0; i < (options.proxies ?? 1); i++) {
      const ownClock = options.proxyClock?.(i) ?? clock;
      proxies.push(stack.use(await TestProxy.start({ rings, policies, clock: ownClock, log, ...(options.wrap && { wrap: options.wrap }), ...(options.swift && { swift: options.swift }) })));
    }
    return new TestCluster({ nodes, proxies, rings, directory }, stack.move());
  }

  /** The first proxy's address, e.g. `http://127.0.0.1:40123`. */
  get endpoint(): string {
    return this.proxies[0]!.endpoint;
  }

  /** Storage URL and token of a user, from the first proxy. */
  login(user?: string, key?: string): Promise<Login> {
    return this.proxies[0]!.login(user, key);
  }

  /** The node whose device the ring means. */
  nodeOf(device: Pick<RingDevice, 'port'>): TestNode {
    const node = this.nodes.find(({ port }) => port === device.port);
    if (node === undefined) throw new Error(`no node listens on ${device.port}`);
    return node;
  }

  /** The nodes of an object's primaries, first one first. */
  primariesOf(name: { account: string; container: string; object: string }): TestNode[] {
    return this.rings.objectPrimaries(name).map((device) => this.nodeOf(device));
  }

  /** Passes of the replicators of every running node, in turn, until none finds anything to send. */
  async replicate(): Promise<void> {
    for (let round = 0; round < 20; round++) {
      let moved = 0;
      for (const node of this.nodes) moved += await node.replicate();
      if (moved === 0) return;
    }
    throw new Error('the replicators find no end');
  }

  /** One pass of the updaters of every running node, over all that is pending however young it is. */
  async update(): Promise<void> {
    for (const node of this.nodes) if (node.running) await node.update();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** A storage node of a TestCluster: stopped and started again on the same folder and port, as often as a test likes. */
import path from 'node:path';
import { type Clock, type Daemon, HybridClock, type Log, type PassResult } from '#common';
import type { PolicySet } from '#ring';
import { startStorageNode, type NodeDevice, type StorageNode } from '#storage-node';
import { NodeClient } from '#storage-node/client';
import { containerUpdater, databaseReplicator, objectReplicator, objectUpdater, type ClusterContext, type ListingPlace, type NodeAddress, type ObjectPlace } from '#storage-node/daemons';
import type { DeviceOptions, VolumeEngine } from '#storage-node/engine';
import type { TestRings } from './rings.ts';
import { TEST_SECRET } from './test-cluster.ts';

type EngineEvent = Parameters<NonNullable<DeviceOptions['report']>>[0];

/** What the daemons of a node are given. */
interface TestContext extends ClusterContext {
  readonly objects: () => ObjectPlace<VolumeEngine>[];
  readonly listings: () => ListingPlace<NodeDevice['databases']>[];
  readonly timestamps: HybridClock;
  readonly address: NodeAddress;
  readonly reclaimAgeMs: number;
}

export interface TestNodeOptions {
  readonly name: string;
  readonly directory: string;
  readonly devices: readonly string[];
  readonly policies: PolicySet;
  readonly settings: NonNullable<DeviceOptions['settings']>;
  readonly clock: Clock;
  readonly log: Log;
  readonly reclaimAgeMs?: number | undefined;
}

export class TestNode implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly devices: readonly string[];
  /** What its devices reported: damage, quarantines, recoveries. */
  readonly events: EngineEvent[] = [];
  readonly #options: TestNodeOptions;
  #node: StorageNode | undefined;
  readonly #nodes = new NodeClient({ secret: TEST_SECRET });
  #rings: TestRings | undefined;
  #replicators: Daemon[] | undefined;

  private constructor(options: TestNodeOptions, port: number) {
    this.#options = options;
    this.name = options.name;
    this.devices = options.devices;
    this.port = port;
  }

  static async start(options: TestNodeOptions): Promise<TestNode> {
    const events: EngineEvent[] = [];
    const opened = await open(options, 0, events);
    const node = new TestNode(options, opened.server!.port);
    node.#node = opened;
    node.events.push(...events);
    events.push = (...more) => node.events.push(...more);
    return node;
  }

  useRings(rings: TestRings): void {
    this.#rings = rings;
  }

  get running(): boolean {
    return this.#node !== undefined;
  }

  /** The folder of a device, the first one by default. */
  directoryOf(device = this.devices[0]!): string {
    return path.join(this.#options.directory, device);
  }

  /** A device of the running node, the first one by default. */
  device(name = this.devices[0]!): NodeDevice {
    const device = this.#node?.devices.get(name);
    if (device === undefined) throw new Error(`${this.name} has no open device ${name}`);
    return device;
  }

  /** Stops it; with no grace (the default) requests in flight are cut. */
  async stop(graceMs = 0): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    await node?.close(graceMs);
  }

  /** Starts it again on what it left; harmless while it runs. */
  async start(): Promise<void> {
    this.#node ??= await open(this.#options, this.port, this.events);
  }

  /** One pass of its updaters over all that is pending. */
  async update(): Promise<void> {
    await this.#run((context) => [objectUpdater({ ...context, graceMs: 0 }), containerUpdater(context)]);
  }

  /** One pass of its replicators, which send what others lack; answers how much they did of some kinds. Harmless while it does not run. */
  async replicate(kinds: readonly string[] = ['shipped', 'released', 'sentRows', 'sentDatabases']): Promise<number> {
    if (!this.running) return 0;
    const results = await this.#run((context) => (this.#replicators ??= [objectReplicator({ ...context, graceMs: 0 }), databaseReplicator(context)]));
    return results.reduce((sum, { done }) => kinds.reduce((part, kind) => part + (done[kind] ?? 0), sum), 0);
  }

  async #run(daemonsOf: (context: TestContext) => Daemon[]): Promise<PassResult[]> {
    const [node, rings] = [this.#node, this.#rings];
    if (node === undefined || rings === undefined) throw new Error(`${this.name} does not run`);
    const { clock, log, reclaimAgeMs = 7 * 86_400_000 } = this.#options;
    const places = (): ObjectPlace<VolumeEngine>[] => [...this.#node!.devices.values()].flatMap(({ name, device }) => device.policies.map((policy) => ({ device: name, policy, engine: device.objects(policy) })));
    const listings = (): ListingPlace<NodeDevice['databases']>[] => [...this.#node!.devices.values()].map((device) => ({ device: device.name, engine: device.databases }));
    const context = { rings: this.#followed, nodes: this.#nodes, clock, log, objects: places, listings, timestamps: new HybridClock(clock), address: { ip: '127.0.0.1', port: this.port }, reclaimAgeMs };
    const results: PassResult[] = [];
    for (const daemon of daemonsOf(context)) results.push(await daemon.pass(new AbortController().signal));
    return results;
  }

  /** The rings in force, whichever these are when it is asked. */
  get #followed(): TestRings {
    return new Proxy({} as TestRings, { get: (_, field) => Reflect.get(this.#rings!, field) as unknown });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#nodes[Symbol.dispose]();
  }
}

function open(options: TestNodeOptions, port: number, events: EngineEvent[]): Promise<StorageNode> {
  const { directory, devices, policies, settings, clock, log } = options;
  return startStorageNode({
    devices: devices.map((name) => ({ name, directory: path.join(directory, name) })),
    policies: [...policies].map(({ index }) => index),
    listen: { ip: '127.0.0.1', port, secret: TEST_SECRET },
    clock,
    log,
    device: { settings, report: (event) => void events.push(event) },
  });
}

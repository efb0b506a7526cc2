/** A storage node of a TestCluster: stopped and started again on the same folder and port, as often as a test likes. */
import path from 'node:path';
import { HybridClock, type Clock, type Log } from '#common';
import type { PolicySet } from '#ring';
import { startStorageNode, type NodeDevice, type StorageNode } from '#storage-node';
import { NodeClient } from '#storage-node/client';
import { containerUpdater, objectUpdater } from '#storage-node/daemons';
import type { DeviceOptions } from '#storage-node/engine';
import type { TestRings } from './rings.ts';
import { TEST_SECRET } from './test-cluster.ts';

type EngineEvent = Parameters<NonNullable<DeviceOptions['report']>>[0];

export interface TestNodeOptions {
  readonly name: string;
  readonly directory: string;
  readonly devices: readonly string[];
  readonly policies: PolicySet;
  readonly settings: NonNullable<DeviceOptions['settings']>;
  readonly clock: Clock;
  readonly log: Log;
}

export class TestNode implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly devices: readonly string[];
  /** What its devices reported: damage, quarantines, recoveries. */
  readonly events: EngineEvent[] = [];
  readonly #options: TestNodeOptions;
  #node: StorageNode | undefined;
  #rings: TestRings | undefined;

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
    const [node, rings] = [this.#node, this.#rings];
    if (node === undefined || rings === undefined) throw new Error(`${this.name} does not run`);
    using nodes = new NodeClient({ secret: TEST_SECRET });
    const { clock, log } = this.#options;
    const devices = [...node.devices.values()];
    const engines = devices.flatMap(({ device }) => device.policies.map((policy) => ({ policy, engine: device.objects(policy) })));
    const shared = { salt: rings.salt, nodes };
    const signal = new AbortController().signal;
    await objectUpdater({ ...shared, engines: () => engines, containerRing: () => rings.container, objectRing: (policy) => rings.object(policy), log, graceMs: 0 }).pass(signal);
    await containerUpdater({ ...shared, engines: () => devices.map(({ listings }) => listings), accountRing: () => rings.account, timestamps: new HybridClock(clock) }).pass(signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
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

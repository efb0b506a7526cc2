/** A whole cluster on one timeline: nodes, proxies whose clocks differ, the network between them. Everything but these three is the real code. */
import { HybridClock, silentLog } from '#common';
import { memoryCache } from '#common/cache';
import { openStore, type Cluster, type ClusterRings, type Store } from '#proxy/core';
import { PolicySet, RingBuilder, type Ring, type RingDevice } from '#ring';
import type { DeviceClient } from '#storage-node/client';
import type { SeededRandom } from '../../storage-node/engine/files/random.ts';
import { Host, Network } from './network.ts';
import type { Plant } from './plants.ts';
import { DEVICE, MAX_SKEW_MS, PORT, SimulatedNode, type NodeWorld } from './simulated-node.ts';
import { Timeline } from './timeline.ts';

const PART_POWER = 3;
export const SALT = { prefix: 'simulated', suffix: 'cluster' };
export const CONTAINER = { account: 'AUTH_sim', container: 'c' };

export interface ClusterOptions {
  readonly random: SeededRandom;
  readonly nodes: number;
  readonly proxies: number;
  readonly plant: Plant;
}

/** A proxy, and the process it is now. */
export interface SimulatedProxy {
  readonly name: string;
  host: Host;
  store: Store;
  clockOffsetMs: number;
}

export class SimulatedCluster {
  readonly timeline = new Timeline();
  readonly network: Network;
  readonly nodes: SimulatedNode[] = [];
  readonly proxies: SimulatedProxy[] = [];
  readonly policies = new PolicySet();
  rings: ClusterRings;
  readonly #byIp = new Map<string, SimulatedNode>();
  constructor({ random, nodes, proxies, plant }: ClusterOptions) {
    this.network = new Network(this.timeline, random);
    const ips = Array.from({ length: nodes }, (_, i) => `10.0.0.${i + 1}`);
    this.rings = ringsOver(ips, this.timeline, random);
    const settings = {
      volumeBytes: random.pick([12 << 10, 24 << 10, 64 << 10]), bigBytes: 4 << 10, inlineReadBytes: 2 << 10, syncWriteBytes: 2 << 10, groupBytes: 16 << 10, gatherUs: 0,
      checkpointBytes: random.pick([4 << 10, 16 << 10]), flushEntries: random.pick([1, 4, 100]), writeBehindBytes: 4 << 10, reclaimAgeMs: 3_600_000, reclaimAgreed: true,
      writeAmplification: 3, minGarbage: 0.1, reserveBytes: 0, faultLimit: 1000,
    };
    const node = ({ ip }: RingDevice): SimulatedNode => this.#byIp.get(ip)!;
    const world: NodeWorld = { timeline: this.timeline, network: this.network, random, rings: () => this.rings, salt: SALT, node, settings, plant };
    for (const ip of ips) {
      const made = new SimulatedNode(ip, world);
      this.nodes.push(made);
      this.#byIp.set(ip, made);
    }
    for (let i = 0; i < proxies; i++) this.proxies.push(this.#proxy(`proxy${i + 1}`, (random.below(4001) - 2000) / 10));
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
    await this.proxies[0]!.store.containers.put(CONTAINER, { metadata: {}, policy: undefined });
  }

  /** The process ends; another one takes its place at once. */
  restartProxy(proxy: SimulatedProxy): void {
    proxy.host.die();
    const { host, store } = this.#proxy(proxy.name, 0, () => proxy.clockOffsetMs);
    Object.assign(proxy, { host, store });
  }

  #proxy(name: string, clockOffsetMs: number, offset?: () => number): SimulatedProxy {
    const host = new Host(name);
    const clients = new Map<string, DeviceClient>();
    const clock = this.timeline.clock(offset ?? (() => proxy.clockOffsetMs));
    const cluster: Cluster = {
      rings: () => this.rings,
      salt: SALT,
      policies: this.policies,
      device: (device) => {
        let client = clients.get(device.ip);
        if (client === undefined) clients.set(device.ip, (client = this.#byIp.get(device.ip)!.seenFrom(host)));
        return client;
      },
      timestamps: new HybridClock(clock, Number(name.slice('proxy'.length)), MAX_SKEW_MS),
      clock,
      cache: memoryCache({ maxEntries: 100, nowMs: () => this.timeline.nowMs() }),
      log: silentLog(),
    };
    const store = openStore(cluster);
    const proxy: SimulatedProxy = { name, host, store, clockOffsetMs };
    return proxy;
  }
}

function ringsOver(ips: readonly string[], timeline: Timeline, random: SeededRandom): ClusterRings {
  const build = (): Ring => {
    const builder = RingBuilder.create({ partPower: PART_POWER, replicas: 3, minPartHours: 1, clock: timeline.clock(() => 0) });
    ips.forEach((ip, i) => builder.add({ region: 1, zone: i + 1, ip, port: PORT, device: DEVICE, weight: 1 }));
    builder.rebalance({ seed: random.below(1000) });
    return builder.toRing();
  };
  const [account, container, object] = [build(), build(), build()];
  return { account, container, object: () => object };
}

/** Which devices, in which order: from a name to the replicas that hold it, and those that stand in for them. */
import { hashPath, quorumSize, type Partition, type Ring, type RingDevice } from '#ring';
import type { DeviceClient } from '#storage-node/client';
import type { Key } from '#storage-node/protocol';
import type { Cluster } from './cluster.ts';
import { DeviceHealth } from './device-health.ts';

/** One device in its part as a holder of a name. */
export interface Replica {
  readonly device: RingDevice;
  readonly client: DeviceClient;
  readonly health: DeviceHealth;
}

export interface Placement {
  readonly key: Key;
  /** Storage policy index of an object; 0 for accounts and containers. */
  readonly policy: number;
  readonly partition: Partition;
  /** The partition's primaries. */
  readonly replicas: readonly Replica[];
  /** A true majority of the primaries. */
  readonly need: number;
  /** Devices that stand in, nearest first. */
  handoffs(): Iterable<Replica>;
}

export class Placements {
  readonly #cluster: Cluster;
  readonly #replicas = new Map<string, Replica>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  account(account: string): Placement {
    return this.#place(this.#cluster.rings().account, hashPath(this.#cluster.salt, account), 0);
  }

  container(account: string, container: string): Placement {
    return this.#place(this.#cluster.rings().container, hashPath(this.#cluster.salt, account, container), 0);
  }

  object(account: string, container: string, object: string, policyIndex: number): Placement {
    return this.#place(this.#cluster.rings().object(policyIndex), hashPath(this.#cluster.salt, account, container, object), policyIndex);
  }

  #place(ring: Ring, key: Key, policy: number): Placement {
    const partition = ring.partition(key);
    const replicas = ring.primaries(partition).map((device) => this.#replica(device));
    const handoffs = function* (this: Placements): Generator<Replica> {
      for (const device of ring.handoffs(partition)) yield this.#replica(device);
    };
    return { key, policy, partition, replicas, need: quorumSize(replicas.length), handoffs: handoffs.bind(this) };
  }

  /** One Replica a device, so that its health is remembered from request to request. */
  #replica(device: RingDevice): Replica {
    const name = `${device.ip}:${device.port}/${device.device}`;
    let replica = this.#replicas.get(name);
    if (replica === undefined) {
      replica = { device, client: this.#cluster.device(device), health: new DeviceHealth(this.#cluster.clock) };
      this.#replicas.set(name, replica);
    }
    return replica;
  }
}

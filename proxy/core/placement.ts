/** Which devices, in which order: from a name to the replicas that hold it, and those that stand in for them. */
import { LRUCache } from 'lru-cache';
import { hashPath, type Partition, type Ring, type RingDevice } from '#ring';
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

/** Keys of accounts and containers asked for lately: each request names the same few. */
const KEPT_KEYS = 10_000;

export class Placement {
  readonly key: Key;
  /** Storage policy index of an object; 0 for accounts and containers. */
  readonly policy: number;
  readonly partition: Partition;
  /** The partition's primaries; while it moves, those it leaves among them. */
  readonly replicas: readonly Replica[];
  /** A true majority of the primaries: any two share one, also where one of them counts by the ring before or after this one. */
  readonly need: number;
  /** The ring that says so. */
  readonly ring: Ring;
  readonly #replicaOf: (device: RingDevice) => Replica;

  constructor(ring: Ring, key: Key, policy: number, replicaOf: (device: RingDevice) => Replica) {
    this.key = key;
    this.policy = policy;
    this.partition = ring.partition(key);
    this.replicas = ring.primaries(this.partition).map(replicaOf);
    this.need = ring.quorum(this.partition);
    this.ring = ring;
    this.#replicaOf = replicaOf;
  }

  /** Devices that stand in, nearest first. */
  *handoffs(): Generator<Replica> {
    for (const device of this.ring.handoffs(this.partition)) yield this.#replicaOf(device);
  }
}

export class Placements {
  readonly #cluster: Cluster;
  readonly #keys = new LRUCache<string, Key>({ max: KEPT_KEYS });
  readonly #byName = new Map<string, Replica>();
  /** By the ring's own device objects: no name is spelled for the same device twice. */
  readonly #byDevice = new WeakMap<RingDevice, Replica>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  account(account: string): Placement {
    return new Placement(this.#cluster.rings().account, this.#key(account), 0, this.#replicaOf);
  }

  container(account: string, container: string): Placement {
    return new Placement(this.#cluster.rings().container, this.#key(account, container), 0, this.#replicaOf);
  }

  object(account: string, container: string, object: string, policyIndex: number): Placement {
    const key = hashPath(this.#cluster.salt, account, container, object);
    return new Placement(this.#cluster.rings().object(policyIndex), key, policyIndex, this.#replicaOf);
  }

  #key(account: string, container?: string): Key {
    const path = container === undefined ? account : `${account}/${container}`;
    let key = this.#keys.get(path);
    if (key === undefined) this.#keys.set(path, (key = hashPath(this.#cluster.salt, account, container)));
    return key;
  }

  /** One Replica a device, whichever version of the ring names it, so that its health is remembered. */
  readonly #replicaOf = (device: RingDevice): Replica => {
    let replica = this.#byDevice.get(device);
    if (replica !== undefined) return replica;
    const name = `${device.ip}:${device.port}/${device.device}`;
    replica = this.#byName.get(name);
    if (replica === undefined) {
      replica = { device, client: this.#cluster.device(device), health: new DeviceHealth(this.#cluster.clock) };
      this.#byName.set(name, replica);
    }
    this.#byDevice.set(device, replica);
    return replica;
  };
}

/** A cluster of memory engines for core's tests: devices that can be taken away and brought back, a clock to wind. */
import { HybridClock, ManualClock, silentLog, StoreError, TICK_SHARES, type Clock } from '#common';
import { memoryCache } from '#common/cache';
import { PolicySet, RingBuilder, type RingDevice, type StoragePolicy } from '#ring';
import type { DeviceClient } from '#storage-node/client';
import { MemoryListingEngine, MemoryObjectEngine, timelyListings, timelyObjects } from '#storage-node/engine';
import { isSubdirectory } from '#storage-node/protocol';
import { openStore, type Cluster, type ContainerName, type Encryption, type ObjectName, type Store } from './index.ts';

export interface MemoryCluster {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly devices: readonly string[];
  /** The engines themselves, past any failure. */
  engines(device: string): DeviceClient;
  /** Makes every call to the device fail with `device-unavailable`, until `up`. */
  down(...devices: string[]): void;
  up(...devices: string[]): void;
  /** Another proxy over the same devices, its clock ahead (or behind) by `skewMs`. */
  anotherProxy(skewMs?: number, encryption?: Encryption): Store;
  /** Another whose clock is `wall`. */
  proxyWith(wall: Clock): Store;
  /** Sets the device's own clock ahead (or behind). */
  skewDevice(device: string, skewMs: number): void;
  /** Changes the ring that all proxies have: what moves stays where it was too, until `settleRing`. */
  changeRing(change: (builder: RingBuilder) => void, options?: { gradual?: boolean }): void;
  settleRing(): void;
}

const SALT = { prefix: 'core', suffix: 'test' };

export function memoryCluster(options: { devices?: number; consistency?: 'strong' | 'available'; encryption?: Encryption } = {}): MemoryCluster {
  const names = Array.from({ length: options.devices ?? 4 }, (_, i) => `d${i + 1}`);
  const clock = new ManualClock();
  const builder = builderOf(names, clock);
  let ring = builder.toRing();
  const away = new Set<string>();
  const engines = new Map(names.map((name) => [name, { objects: byPolicy(() => new MemoryObjectEngine({ clock })), listings: new MemoryListingEngine() }]));
  const skews = new Map<string, number>();
  const atDoor = (name: string, client: DeviceClient): DeviceClient => {
    const options = { clock: { nowMs: () => clock.nowMs() + (skews.get(name) ?? 0) } };
    return { objects: byPolicy((policy) => timelyObjects(client.objects(policy), options)), listings: timelyListings(client.listings, options) };
  };
  const faulty = new Map([...engines].map(([name, client]) => [name, failing(atDoor(name, client), () => away.has(name), name)]));
  const policy: StoragePolicy = { index: 0, name: 'gold', aliases: [], type: 'replication', consistency: options.consistency ?? 'strong', default: true, deprecated: false };
  const silver: StoragePolicy = { ...policy, index: 1, name: 'silver', default: false };
  let proxies = 0;
  const proxy = (wall: Clock, encryption = options.encryption): Store => {
    const cluster: Cluster = {
      rings: () => ({ account: ring, container: ring, object: () => ring }),
      salt: SALT,
      policies: new PolicySet([policy, silver]),
      device: ({ device }: RingDevice) => faulty.get(device)!,
      timestamps: new HybridClock(wall, proxies++ % TICK_SHARES),
      // Whoever loses a ballot sleeps a little: here, until the others had a turn.
      clock: { nowMs: () => clock.nowMs(), sleep: () => new Promise<void>((resolve) => void setImmediate(resolve)) },
      cache: memoryCache({ maxEntries: 100 }),
      log: silentLog(),
      encryption,
    };
    return openStore(cluster);
  };
  return {
    store: proxy(clock),
    clock,
    devices: names,
    engines: (device) => engines.get(device)!,
    down: (...devices) => devices.forEach((device) => away.add(device)),
    up: (...devices) => devices.forEach((device) => away.delete(device)),
    anotherProxy: (skewMs = 0, encryption = undefined) => proxy(skewMs === 0 ? clock : new ManualClock(clock.nowMs() + skewMs), encryption),
    proxyWith: (wall) => proxy(wall),
    skewDevice: (device, skewMs) => void skews.set(device, skewMs),
    changeRing: (change, { gradual = true } = {}) => {
      change(builder);
      builder.pretendMinPartHoursPassed();
      builder.rebalance({ seed: 2, gradual });
      ring = builder.toRing();
    },
    settleRing: () => {
      builder.settle();
      ring = builder.toRing();
    },
  };
}

function builderOf(names: readonly string[], clock: ManualClock): RingBuilder {
  const builder = RingBuilder.create({ partPower: 6, replicas: Math.min(3, names.length), minPartHours: 1, clock });
  names.forEach((device, i) => builder.add({ region: 1, zone: i + 1, ip: '127.0.0.1', port: 6200, device, weight: 1 }));
  builder.rebalance({ seed: 1 });
  return builder;
}

function byPolicy<T>(make: (policy: number) => T): (policy: number) => T {
  const made = new Map<number, T>();
  return (policy) => {
    if (!made.has(policy)) made.set(policy, make(policy));
    return made.get(policy)!;
  };
}

function failing(client: DeviceClient, isAway: () => boolean, name: string): DeviceClient {
  const wrap = <T extends object>(engine: T): T =>
    new Proxy(engine, {
      get: (target, property, receiver) => {
        const value: unknown = Reflect.get(target, property, receiver);
        if (typeof value !== 'function') return value;
        return (...parameters: unknown[]): unknown => {
          if (!isAway()) return value.apply(target, parameters) as unknown;
          if (property === 'settle' || property === 'reported') return undefined;
          return Promise.reject(new StoreError('device-unavailable', `${name} is away`));
        };
      },
    });
  const objects = byPolicy((policy) => wrap(client.objects(policy)));
  return { objects, listings: wrap(client.listings) };
}

/** An object's data as text. */
export async function readText(store: Store, target: ObjectName): Promise<string> {
  await using open = await store.objects.get(target);
  const parts: Buffer[] = [];
  for await (const chunk of open.read(0, open.info.sizeBytes)) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

/** The names that a container lists, a hundred at most. */
export async function namesIn(store: Store, container: ContainerName): Promise<string[]> {
  const page = await store.containers.list(container, { limit: 100, marker: '', endMarker: '', prefix: '', delimiter: '', reverse: false });
  return page.entries.map((entry) => (isSubdirectory(entry) ? entry.subdir : entry.name));
}

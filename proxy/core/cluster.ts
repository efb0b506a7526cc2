/** What core stands on: the rings, a client for each device, the clock that orders writes and the cache of what is asked often. */
import type { Clock, HybridClock, Log } from '#common';
import type { Cache } from '#common/cache';
import type { HashSalt, PolicySet, Ring, RingDevice } from '#ring';
import type { DeviceClient } from '#storage-node/client';
import type { Encryption } from './encryption/index.ts';

export interface ClusterRings {
  readonly account: Ring;
  readonly container: Ring;
  /** The ring of a storage policy's objects; throws `policy-unknown`. */
  object(policyIndex: number): Ring;
}

export interface Cluster {
  /** The rings in force now; asked for at each request, since they may be reloaded. */
  rings(): ClusterRings;
  readonly salt: HashSalt;
  readonly policies: PolicySet;
  device(device: RingDevice): DeviceClient;
  /** Orders writes. */
  readonly timestamps: HybridClock;
  readonly clock: Clock;
  readonly cache: Cache;
  readonly log: Log;
  /** Undefined where nothing is encrypted but under keys of clients. */
  readonly encryption?: Encryption | undefined;
}

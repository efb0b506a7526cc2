/** What daemons stand on: the devices of this node, the cluster around it, a clock and a log. */
import type { Clock, Log } from '#common';
import type { HashSalt, Ring, RingDevice } from '#ring';
import type { DeviceClient } from '#storage-node/client';

/** The engine of one policy on one device of this node. */
export interface ObjectPlace<Engine> {
  readonly device: string;
  readonly policy: number;
  readonly engine: Engine;
}

/** The account and container databases of one device of this node. */
export interface ListingPlace<Engine> {
  readonly device: string;
  readonly engine: Engine;
}

export interface NodeContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs?: number;
}

/** Of daemons that talk to other devices. */
export interface ClusterContext extends NodeContext {
  /** The rings in force: its fields are read anew at each use. */
  readonly rings: { readonly account: Ring; readonly container: Ring; readonly salt: HashSalt; object(policy: number): Ring };
  readonly nodes: { device(device: RingDevice): DeviceClient };
}

/** Where this node stands in the rings. */
export interface NodeAddress {
  readonly ip: string;
  readonly port: number;
}

/** The ring's name for a device of this node; undefined where the ring has it no more. */
export function ownDevice(ring: Ring, { ip, port }: NodeAddress, device: string): RingDevice | undefined {
  return ring.devices.find((known) => known?.ip === ip && known.port === port && known.device === device);
}

/** What a server serves: devices by name, each with its engines. */
import type { ListingEngine, ObjectEngine } from '#storage-node/protocol';

export interface ServedDevice {
  /** Undefined for a policy that the device does not hold. */
  objects(policy: number): ObjectEngine | undefined;
  readonly listings: ListingEngine;
}

export type ServedDevices = ReadonlyMap<string, ServedDevice>;

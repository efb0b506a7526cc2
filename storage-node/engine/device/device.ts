/**
 * A device: one directory on one file system, owned by one process at a time, with an ObjectEngine for each storage
 * policy on it. docs/on-disk-format.md draws the directory.
 */
import { StoreError, type Clock } from '#common';
import type { ObjectEngine } from '#storage-node/protocol';

export interface DeviceOptions {
  /** The device's directory; made (with its parents) where it does not exist. */
  readonly directory: string;
  readonly clock: Clock;
  /** Indexes of the storage policies to serve; those already on the device are served as well. Default [0]. */
  readonly policies?: readonly number[];
}

export interface Device extends AsyncDisposable {
  /** Given to the device when it was first opened; never changes. */
  readonly uuid: string;
  readonly directory: string;
  /** The engine of a policy named in `policies` or found on the device; throws `device-unavailable` for others. */
  objects(policyIndex: number): ObjectEngine;
  /** Finishes writes under way, writes a checkpoint, lets go of the lock. */
  close(): Promise<void>;
}

/**
 * Opens a device and recovers what its last owner left. Throws `device-locked` (naming the holder) where a living
 * process has it, `device-unavailable` where it cannot be read or written.
 */
export async function openDevice(options: DeviceOptions): Promise<Device> {
  throw new StoreError('not-implemented', `no engine yet for ${options.directory}`);
}

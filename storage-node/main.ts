/**
 * A storage node: opens devices and, where it is asked to, listens for the proxies and nodes of other processes. The
 * single-process server starts one without listening and calls its devices directly.
 */
import { join } from 'node:path';
import { type Clock, type DaemonStatus, isStoreError, type Log, StoreError } from '#common';
import { Gatherer, openDevice, openListingEngine, timelyListings, timelyObjects, type Device, type DeviceOptions, type LevelListingEngine } from '#storage-node/engine';
import type { ListingEngine, ObjectEngine } from '#storage-node/protocol';
import { startNodeServer, type FenceDoor, type NodeServer, type RingDoor } from '#storage-node/server';
import { Fences } from './fences.ts';
import { assertMounted } from './mounted.ts';
import { reconOf, type Recon } from './recon.ts';

export type { Recon } from './recon.ts';
export { readFences, writeFences, type Fence } from './fences.ts';

export interface StorageNodeOptions {
  /** Devices by the names that the ring has for them. */
  readonly devices: readonly { readonly name: string; readonly directory: string }[];
  /** Storage policies that every device serves. */
  readonly policies: readonly number[];
  /** Where to listen; left out, only this process reaches the devices. */
  readonly listen?: { readonly ip: string; readonly port: number; readonly secret: string };
  /** What the rings call this node: by default where it listens. */
  readonly address?: { readonly ip: string; readonly port: number };
  /** Keeps the rings of this process: they are told of, and new ones taken, where the node listens. */
  readonly rings?: RingDoor;
  readonly clock: Clock;
  readonly log: Log;
  /** Devices have to be mount points: what is meant for a disk that is not there must not fill the system's. */
  readonly mountCheck?: boolean;
  /** Where it is written down which devices are fenced; left out, that ends with the process. */
  readonly fencesFile?: string;
  /** Passed on to each device; limits and the reporting of damage. */
  readonly device?: Pick<DeviceOptions, 'report' | 'settings'>;
}

/** What closes the groups of writes of all devices together: of objects, and of the rows that follow them. */
interface Gatherers {
  readonly objects: Gatherer;
  readonly listings: Gatherer;
}

/** A device with both of its engines. */
export interface NodeDevice {
  readonly name: string;
  readonly device: Device;
  /** Undefined for a policy that is not on it. */
  objects(policy: number): ObjectEngine | undefined;
  readonly listings: ListingEngine;
  /** Its databases without the bound of the clock: what the daemons of this process look after. */
  readonly databases: LevelListingEngine;
}

export interface StorageNode extends AsyncDisposable {
  /** By name; a device that could not be opened is not among them. */
  readonly devices: ReadonlyMap<string, NodeDevice>;
  readonly server: NodeServer | undefined;
  /** Daemons that look after it, to be told of in its report: whoever starts some adds them. */
  readonly daemons: DaemonStatus[];
  /** Devices that nobody is served from. */
  readonly fences: Fences;
  /** How its devices and daemons are: what `GET /recon` answers. */
  recon(): Promise<Recon>;
  /** Stops listening, finishes requests in flight within `graceMs`, closes the devices. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Opens what it can: a broken disk leaves its device out, and the others serve. Throws where another process holds a device,
 * where none could be opened, and where the port cannot be had.
 */
export async function startStorageNode(options: StorageNodeOptions): Promise<StorageNode> {
  const devices = new Map<string, NodeDevice>();
  const daemons: DaemonStatus[] = [];
  const fences = await Fences.open({ file: options.fencesFile, clock: options.clock, log: options.log });
  const recon = (): Promise<Recon> => reconOf({ ...options, address: options.address ?? server ?? options.listen, opened: devices, daemons, fences });
  let server: NodeServer | undefined;
  const close = async (graceMs = 10_000): Promise<void> => {
    await server?.close(graceMs);
    const closed = await Promise.allSettled([...devices.values()].map(closeDevice));
    for (const result of closed) if (result.status === 'rejected') options.log.error({ err: result.reason as unknown }, 'a device did not close cleanly');
  };
  try {
    await openDevices(options, devices, fences);
    const { listen, log, rings } = options;
    if (listen) server = await startNodeServer({ ...listen, devices, log, recon, rings, fences: fenceDoor(options, fences) });
  } catch (error) {
    await close(0);
    throw error;
  }
  return { devices, server, daemons, fences, recon, close, [Symbol.asyncDispose]: () => close() };
}

async function openDevices(options: StorageNodeOptions, devices: Map<string, NodeDevice>, fences: Fences): Promise<void> {
  const gatherers = { objects: new Gatherer(options.device?.settings), listings: new Gatherer() };
  let fault: unknown;
  for (const { name, directory } of options.devices) {
    try {
      fences.check(name);
      if (options.mountCheck === true) await assertMounted(directory);
      devices.set(name, await openNodeDevice(options, { gatherers, fences }, { name, directory }));
    } catch (error) {
      if (!isStoreError(error, 'device-unavailable', 'device-full')) throw error;
      options.log.error({ err: error, device: name }, 'a device cannot be opened and is left out');
      fault = error;
    }
  }
  // A node whose devices are all fenced has to be there to let one back.
  if (devices.size === 0 && options.devices.some(({ name }) => fences.get(name) === undefined)) throw fault;
}

async function openNodeDevice({ clock, policies, device: deviceOptions }: StorageNodeOptions, { gatherers, fences }: { gatherers: Gatherers; fences: Fences }, { name, directory }: { name: string; directory: string }): Promise<NodeDevice> {
  const report: DeviceOptions['report'] = (event) => {
    deviceOptions?.report?.(event);
    if (event.event === 'device-fenced') void fences.raise(name, 'its disk failed writes');
  };
  const device = await openDevice({ directory, clock, policies, gatherer: gatherers.objects, ...deviceOptions, report });
  const gate = { fault: () => fences.fault(name), note: (error: unknown) => fences.note(name, error) };
  try {
    const databases = await openListingEngine({ directory: join(directory, 'listings'), clock, gatherer: gatherers.listings, reclaimAgreed: deviceOptions?.settings?.reclaimAgreed ?? false });
    const objects = new Map(device.policies.map((policy) => [policy, timelyObjects(device.objects(policy), { clock, gate })]));
    return { name, device, databases, listings: timelyListings(databases, { clock, gate }), objects: (policy) => objects.get(policy) };
  } catch (error) {
    await device.close();
    throw error instanceof StoreError ? error : new StoreError('device-unavailable', `${directory}: listings cannot be opened`, { cause: error });
  }
}

async function closeDevice({ device, databases }: NodeDevice): Promise<void> {
  try {
    await databases.close();
  } finally {
    await device.close();
  }
}

/** What operators ask over HTTP. */
function fenceDoor({ devices }: StorageNodeOptions, fences: Fences): FenceDoor {
  return {
    all: () => fences.all(),
    change: async (device, { fenced, reason }) => {
      if (!devices.some(({ name }) => name === device)) throw new StoreError('bad-request', `${device} is no device of this node`);
      await (fenced ? fences.raise(device, reason) : fences.release(device));
    },
  };
}

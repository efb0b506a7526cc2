/**
 * A device: one directory on one file system, owned by one process at a time, with an ObjectEngine for each storage
 * policy on it. docs/on-disk-format.md draws the directory.
 */
import { rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { StoreError, timestampFromMs, type Clock, type Timestamp } from '#common';
import { readWhole, replaceWhole, type Files } from '../files/files.ts';
import { nodeFiles } from '../files/node-files.ts';
import { systemRandom, type Random } from '../files/random.ts';
import { Gatherer } from '../gatherer.ts';
import { openLevelIndex } from '../index-store/level-index.ts';
import { DEFAULT_SETTINGS, type EngineEvent, type Environment, type VolumeSettings } from '../volume/settings.ts';
import { VolumeEngine } from '../volume/volume-engine.ts';
import { systemProcesses, takeLock, type Processes } from './lock.ts';

export interface DeviceOptions {
  /** The device's directory; made (with its parents) where it does not exist. */
  readonly directory: string;
  readonly clock: Clock;
  /** Indexes of the storage policies to serve; those already on the device are served as well. Default [0]. */
  readonly policies?: readonly number[];
  /** Hears what an operator should: damage, quarantines, fences. Default: nobody. */
  readonly report?: (event: EngineEvent) => void;
  /** Limits that differ from DEFAULT_SETTINGS. */
  readonly settings?: Partial<VolumeSettings>;
  /** Shared with the other devices of the process. Default: the device's own, by its settings. */
  readonly gatherer?: Gatherer;
  readonly files?: Files;
  readonly random?: Random;
  readonly openIndex?: Environment['openIndex'];
  readonly crc32?: Environment['crc32'];
  readonly processes?: Processes;
}

export interface Device extends AsyncDisposable {
  /** Given to the device when it was first opened; never changes. */
  readonly uuid: string;
  readonly directory: string;
  /** The engine of a policy named in `policies` or found on the device; throws `device-unavailable` for others. */
  objects(policyIndex: number): VolumeEngine;
  /** Policies it has engines for, ascending. */
  readonly policies: readonly number[];
  /** Finishes writes under way, writes a checkpoint, lets go of the lock. */
  close(): Promise<void>;
}

const NAME = 'DEVICE.json';
const FORMAT = 1;

/**
 * Opens a device and recovers what its last owner left. Throws `device-locked` (naming the holder) where a living
 * process has it, `device-unavailable` where it cannot be read or written.
 */
export async function openDevice(options: DeviceOptions): Promise<Device> {
  const { directory, clock, files = nodeFiles, processes = systemProcesses } = options;
  try {
    files.makeDirectory(directory);
    const unlock = await takeLock({ directory, files, clock, processes });
    try {
      return await openLocked(options, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('device-unavailable', `${directory} cannot be opened: ${String(error)}`, { cause: error });
  }
}

async function openLocked(options: DeviceOptions, unlock: () => Promise<void>): Promise<Device> {
  const { directory } = options;
  const environment = environmentOf(options);
  const { uuid, bornAt } = await identify(environment, directory);
  const policies = new Set(options.policies ?? [0]);
  for (const name of environment.files.list(directory)) if (/^\d{1,4}$/.test(name)) policies.add(Number(name));
  const engines = new Map<number, VolumeEngine>();
  const closeAll = async (): Promise<void> => {
    const closed = await Promise.allSettled([...engines.values()].map((engine) => engine.close()));
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  };
  try {
    for (const policy of [...policies].sort((a, b) => a - b)) {
      const settings = { ...DEFAULT_SETTINGS, ...options.settings };
      engines.set(policy, await VolumeEngine.open({ environment, settings, directory: `${directory}/${policy}`, quarantineDirectory: `${directory}/quarantine`, device: uuid, bornAt }));
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  const close = async (): Promise<void> => {
    try {
      await closeAll();
    } finally {
      await unlock();
    }
  };
  return {
    uuid,
    directory,
    policies: [...engines.keys()],
    objects(policyIndex) {
      const engine = engines.get(policyIndex);
      if (engine === undefined) throw new StoreError('device-unavailable', `${directory} has no policy ${policyIndex}`);
      return engine;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function environmentOf({ clock, files = nodeFiles, random = systemRandom, report = () => {}, ...options }: DeviceOptions): Environment {
  const openIndex = options.openIndex ?? (async (directory, { fresh }) => {
    if (fresh) await rm(directory, { recursive: true, force: true });
    return openLevelIndex({ directory, files });
  });
  const gatherer = options.gatherer ?? new Gatherer(options.settings);
  return { files, clock, random, report, openIndex, gatherer, crc32: options.crc32 ?? crc32 };
}

/** Reads the device's identity, or gives it one. */
async function identify({ files, clock, random }: Environment, directory: string): Promise<{ uuid: string; bornAt: Timestamp }> {
  const found = readWhole(files, `${directory}/${NAME}`);
  if (found !== undefined) {
    const { uuid, format, created } = JSON.parse(found.toString()) as { uuid: string; format: number; created: string };
    if (format !== FORMAT) throw new StoreError('device-unavailable', `${directory} has format ${format}; this program knows format ${FORMAT}`);
    return { uuid, bornAt: timestampFromMs(Date.parse(created)) };
  }
  const hex = Array.from({ length: 32 }, (_, i) => (i === 12 ? 4 : i === 16 ? 8 + random.below(4) : random.below(16)).toString(16)).join('');
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const created = new Date(clock.nowMs()).toISOString();
  const content = Buffer.from(`${JSON.stringify({ uuid, format: FORMAT, created })}\n`);
  await replaceWhole(files, { directory, name: NAME, content });
  return { uuid, bornAt: timestampFromMs(Date.parse(created)) };
}

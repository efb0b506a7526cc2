/**
 * A cluster in this process on simulated disks, whose power fails: all devices at once lose what they had not synced, sector
 * by sector and name by name. `kill -9` leaves the page cache in place and cannot show a missing fdatasync; this can.
 *
 * Honest bounds: the object engine is the real one, on the Files port. Account and container databases are the memory
 * model and outlive the crash (LevelDB cannot run on a simulated disk), so that what is found lost was lost by the object engine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog, systemClock } from '#common';
import { PolicySet, type RingDevice } from '#ring';
import { openDevice, MemoryListingEngine, type Device } from '#storage-node/engine';
import { NodeClient, type LocalDevice } from '#storage-node/client';
import { objectUpdater } from '#storage-node/daemons';
import type { File, Files } from '../../storage-node/engine/files/files.ts';
import { SeededRandom } from '../../storage-node/engine/files/random.ts';
import { SimulatedDisk } from '../../storage-node/engine/files/simulated-disk.ts';
import { SimulatedIndex } from '../../storage-node/engine/index-store/simulated-index.ts';
import { ringsOver, type TestRings } from '../support/rings.ts';
import { TestProxy } from '../support/test-proxy.ts';
import type { Server } from './servers.ts';
import type { Stage, Subject } from './subject.ts';

/** A fault put into the engine, to see that the checker finds it. */
export type Plant = 'none' | 'no-fdatasync';

const DEVICES = 4;
/** Nobody listens there: the devices are called directly. */
const ADDRESS = { ip: '127.0.0.1', port: 6200 };
/** Small, so that a few seconds fill volumes, make big files and checkpoints. */
const SETTINGS = {
  volumeBytes: 256 << 10, bigBytes: 96 << 10, inlineReadBytes: 16 << 10, syncWriteBytes: 16 << 10, checkpointBytes: 128 << 10,
  flushEntries: 32, writeBehindBytes: 64 << 10, reserveBytes: 0,
};

export class PoweredCluster implements Subject {
  readonly maxBytes = 300_000;
  readonly #plant: Plant;
  readonly #random: SeededRandom;
  readonly #devices: PoweredDevice[];
  readonly #rings: TestRings;
  readonly #policies = new PolicySet();
  #proxy: TestProxy | undefined;
  #server: Server | undefined;

  constructor({ seed, plant }: { seed: number; plant: Plant }) {
    this.#plant = plant;
    this.#random = new SeededRandom(seed);
    this.#devices = Array.from({ length: DEVICES }, (_, i) => new PoweredDevice(`d${i + 1}`, new SeededRandom(this.#random.below(2 ** 32)), plant));
    const places = this.#devices.map(({ name }, i) => ({ zone: i + 1, ...ADDRESS, device: name }));
    this.#rings = ringsOver(places, { replicas: 3, policies: this.#policies });
  }

  async begin({ servers }: Stage): Promise<void> {
    await this.#start(servers);
  }

  async strike({ servers, namespace, tally }: Stage, random: SeededRandom): Promise<string> {
    const afterMs = 100 + random.below(400);
    await sleep(afterMs);
    for (const device of this.#devices) device.fail();
    tally.count('power failures');
    await this.#proxy?.[Symbol.asyncDispose]();
    servers.remove(this.#server!);
    namespace.serverDied(this.#server!.number);
    for (const device of this.#devices) await device.reboot();
    await this.#start(servers);
    return `the power failed after ${afterMs} ms (${this.#plant === 'none' ? 'the engine as it is' : this.#plant})`;
  }

  /** One pass of the updater over all that is pending, on every device. */
  async catchUp(): Promise<void> {
    const devices = new Map<string, LocalDevice>(this.#devices.map((device) => [device.name, device]));
    using nodes = new NodeClient({ secret: '', local: { ...ADDRESS, devices } });
    const engines = this.#devices.map((device) => ({ device: device.name, policy: 0, engine: device.objects(0) }));
    const updater = objectUpdater({ objects: () => engines, rings: this.#rings, nodes, clock: systemClock, log: silentLog(), graceMs: 0 });
    await updater.pass(new AbortController().signal);
  }

  async #start(servers: Stage['servers']): Promise<void> {
    for (const device of this.#devices) await device.open();
    const local = new Map<string, LocalDevice>(this.#devices.map((device) => [device.name, device]));
    const device = ({ device: name }: RingDevice): { objects: (policy: number) => NonNullable<ReturnType<LocalDevice['objects']>>; listings: LocalDevice['listings'] } => {
      const found = local.get(name)!;
      return { objects: (policy) => found.objects(policy)!, listings: found.listings };
    };
    this.#proxy = await TestProxy.start({ rings: this.#rings, policies: this.#policies, clock: systemClock, log: silentLog(), device });
    this.#server = await servers.add(this.#proxy.endpoint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy?.[Symbol.asyncDispose]();
    for (const device of this.#devices) await device.close();
  }
}

class PoweredDevice implements LocalDevice {
  readonly name: string;
  readonly listings = new MemoryListingEngine();
  readonly #random: SeededRandom;
  readonly #disk: SimulatedDisk;
  readonly #index = new SimulatedIndex();
  readonly #plant: Plant;
  #lives = 0;
  #device: Device | undefined;

  constructor(name: string, random: SeededRandom, plant: Plant) {
    this.name = name;
    this.#random = random;
    this.#disk = new SimulatedDisk(random);
    this.#plant = plant;
  }

  objects(policy: number): ReturnType<Device['objects']> {
    return this.#device!.objects(policy);
  }

  async open(): Promise<void> {
    const files = this.#disk.files();
    this.#device = await openDevice({
      directory: '/device', clock: systemClock, random: this.#random, settings: SETTINGS,
      files: this.#plant === 'no-fdatasync' ? withoutFdatasync(files) : files,
      openIndex: async () => this.#index.open(this.#disk),
      processes: { self: { pid: ++this.#lives, host: 'simulated', incarnation: '' }, isAlive: () => false },
    });
  }

  /** The power fails: nothing works from now on. */
  fail(): void {
    this.#disk.crashNow();
  }

  /** The power is back; what was not synced is there or not. */
  async reboot(): Promise<void> {
    await this.close();
    this.#disk.reboot();
    this.#index.crash(this.#random);
  }

  async close(): Promise<void> {
    // After the power has failed there is nothing it could write.
    await this.#device?.close().catch(() => undefined);
    this.#device = undefined;
  }
}

/** The engine without its fdatasync: a sync of volumes and big files answers at once and does nothing. All else is as it was. */
function withoutFdatasync(files: Files): Files {
  return { ...files, open: (path, mode) => (/\/(vol|big)\//.test(path) ? unsynced(files.open(path, mode)) : files.open(path, mode)) };
}

function unsynced(file: File): File {
  return {
    readSync: (buffer, position) => file.readSync(buffer, position),
    read: (buffer, position) => file.read(buffer, position),
    writeSync: (buffers, position) => file.writeSync(buffers, position),
    write: (buffers, position) => file.write(buffers, position),
    sync: () => Promise.resolve(),
    sizeBytes: () => file.sizeBytes(),
    close: () => file.close(),
  };
}

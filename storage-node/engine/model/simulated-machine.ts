/** The machine that a simulated life happens on: its disk, its index, its clock, the faults they get, and the device that is opened on them. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { isStoreError, type ManualClock } from '#common';
import { openDevice, type Device } from '../device/device.ts';
import type { Processes } from '../device/lock.ts';
import type { SeededRandom } from '../files/random.ts';
import { NO_FAULTS, type SimulatedDisk } from '../files/simulated-disk.ts';
import { SimulatedIndex } from '../index-store/simulated-index.ts';
import type { VolumeSettings } from '../volume/settings.ts';
import type { VolumeEngine } from '../volume/volume-engine.ts';

/** Faults planted to see that the simulation finds them. */
export const PLANTS = ['none', 'no-fdatasync', 'index-trusted', 'checksums-ignored'] as const;
export type Plant = (typeof PLANTS)[number];

export interface MachineOptions {
  readonly random: SeededRandom;
  readonly clock: ManualClock;
  readonly plant: Plant;
  /** Takes a line of the life's story. */
  readonly note: (line: string) => void;
}

export class SimulatedMachine {
  readonly disk: SimulatedDisk;
  readonly index = new SimulatedIndex();
  readonly #options: MachineOptions;
  #settings: Partial<VolumeSettings> = {};
  #device: Device | undefined;
  #pid = 100;
  /** A bit was flipped: reads may say corrupt. */
  rotted = false;
  /** ... and the device recovered since: damage in the replayed part may bring an older version back, never a wrong one. */
  lenient = false;
  /** There were faults since the device was opened: it may be fenced, or shy of a full disk. */
  #troubled = false;

  constructor(options: MachineOptions, disk: SimulatedDisk) {
    this.#options = options;
    this.disk = disk;
    this.disk.lyingSync = options.plant === 'no-fdatasync';
    this.index.lyingBarrier = options.plant === 'index-trusted';
  }

  get engine(): VolumeEngine {
    assert(this.#device);
    return this.#device.objects(0);
  }

  /** Opens the device; where that fails for a fault of the disk, once more on a disk without. `settings` are kept for the next time. */
  async open(settings: Partial<VolumeSettings> = this.#settings): Promise<void> {
    this.#settings = settings;
    if (this.rotted) this.lenient = true;
    const { clock, random, plant, note } = this.#options;
    const self = { pid: ++this.#pid, host: 'simulated', incarnation: '' };
    const processes: Processes = { self, isAlive: () => false };
    const open = (): Promise<Device> => openDevice({
      directory: '/device', clock, files: this.disk.files(), random, settings, processes,
      openIndex: async () => this.index.open(this.disk), crc32: plant === 'checksums-ignored' ? () => 0 : crc32,
    });
    this.#troubled = false;
    try {
      this.#device = await open();
    } catch (error) {
      this.expectFault(error as Error);
      note(`open: ${String(error)}`);
      this.calm();
      this.disk.crashNow();
      this.disk.reboot();
      this.index.crash(random);
      this.#device = await open();
    }
    this.#troubled = this.disk.faults !== NO_FAULTS || this.disk.capacityBytes !== Infinity;
  }

  /** Ends the process in order. */
  async close(): Promise<void> {
    await this.#device?.close();
  }

  /** The power fails, and comes back; perhaps the index is lost with it. The device is not opened yet. */
  async crash(): Promise<void> {
    const died = this.#device;
    this.disk.crashNow();
    await died?.close().catch(() => undefined);
    this.disk.reboot();
    this.index.crash(this.#options.random);
    if (this.#options.random.oneIn(6)) this.index.drop();
    this.#options.note('crash');
  }

  crashSoon(): void {
    const calls = 1 + this.#options.random.below(12);
    this.#options.note(`power fails in ${calls} calls`);
    this.disk.crashIn(calls);
  }

  makeFaulty(): void {
    const { random, note } = this.#options;
    note('the disk gets faulty');
    this.#troubled = true;
    const odds = (): number => random.pick([0, 3, 10]);
    this.disk.faults = { writeErrorOneIn: odds(), syncErrorOneIn: odds(), readErrorOneIn: random.pick([0, 0, 10]) };
  }

  fill(): void {
    this.#options.note('the disk is nearly full');
    this.#troubled = true;
    this.disk.capacityBytes = this.disk.usedBytes() + this.#options.random.below(12_000);
  }

  calm(): void {
    this.disk.faults = NO_FAULTS;
    this.disk.capacityBytes = Infinity;
  }

  rot(): void {
    const { plant, random, note } = this.#options;
    if (plant !== 'none') return;
    const rotted = this.disk.rot(random.pick(['/vol/', '/vol/', '/big/']));
    if (rotted === undefined) return;
    note(`rot in ${rotted.path} at ${rotted.position}`);
    this.rotted = true;
  }

  /** Fails for an error that nothing in this life explains. */
  expectFault(error: Error): void {
    if (error.message === 'aborted by the client') return;
    const expected = this.disk.crashed || this.disk.faults !== NO_FAULTS || this.disk.capacityBytes !== Infinity || this.#troubled || (this.rotted && isStoreError(error, 'corrupt'));
    if (!expected || error instanceof assert.AssertionError || error instanceof TypeError) throw error;
  }
}

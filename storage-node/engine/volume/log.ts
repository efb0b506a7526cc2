/**
 * The log: one writer that gathers whatever is queued while the disk syncs, appends it to the active volume as one group,
 * syncs once, and only then lets it take effect. docs/on-disk-format.md says what a crash can leave of it.
 */
import { StoreError } from '#common';
import type { WriteReceipt } from '#storage-node/protocol';
import { isFull } from '../files/files.ts';
import { Group, type Change, type LogLookup, type Queued } from './group.ts';
import type { Environment, VolumeSettings } from './settings.ts';
import { DATA_OFFSET, type Volume } from './volume.ts';
import type { VolumeSet } from './volume-set.ts';
import type { Write } from './write.ts';

/** Up to where the log reaches: what lies before it is durable and in the entry table. */
export interface LogPosition {
  readonly volume: number;
  readonly offset: number;
  readonly sequence: number;
  readonly hash: Buffer;
}

export interface LogOptions {
  readonly environment: Environment;
  readonly settings: VolumeSettings;
  readonly volumes: VolumeSet;
  readonly position: LogPosition;
  readonly lookup: LogLookup;
  /** Called for each group that became durable, before its writes are answered. Must not throw. */
  readonly apply: (changes: readonly Change[], group: Pick<Group, 'bytes' | 'clientBytes' | 'copiedBytes' | 'promises'>) => void;
}

const SCRATCH_BYTES = 1 << 20;
/** How long a full device is left alone before a write tries it again. */
const FULL_RETRY_MS = 1000;
/** How often the file system is asked for its free space. */
const ROOM_CHECK_MS = 500;

export class Log {
  readonly #options: LogOptions;
  readonly #scratch: Buffer;
  readonly #queue: Queued[] = [];
  #running = false;
  #idle = Promise.resolve();
  #active: Volume | undefined;
  /** A volume has bytes beyond its end, and no later volume says so yet. */
  #unsealed = false;
  #position: LogPosition;
  #faults: number[] = [];
  #fenced: StoreError | undefined;
  #fullUntilMs = 0;
  #low = false;
  #roomCheckMs = 0;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#scratch = Buffer.allocUnsafe(Math.min(SCRATCH_BYTES, options.settings.groupBytes));
  }

  get position(): LogPosition {
    return this.#position;
  }

  /** The volume being written, which compaction leaves alone. */
  get active(): Volume | undefined {
    return this.#active;
  }

  get unsealed(): boolean {
    return this.#unsealed;
  }

  get isFenced(): boolean {
    return this.#fenced !== undefined;
  }

  /** Throws `device-unavailable` once the device is fenced. */
  check(): void {
    if (this.#fenced) throw this.#fenced;
  }

  /** True when there is less room than the reserve: only what makes room should be written. Asked seldom, answered from memory. */
  get isLow(): boolean {
    const { environment, settings, volumes } = this.#options;
    const nowMs = environment.clock.nowMs();
    if (settings.reserveBytes > 0 && nowMs >= this.#roomCheckMs) {
      this.#roomCheckMs = nowMs + ROOM_CHECK_MS;
      this.#low = environment.files.freeBytes(volumes.directory) < settings.reserveBytes;
    }
    return this.#low;
  }

  /**
   * Begins a volume after recovery: what another process wrote last is never appended to, since nobody knows whether its
   * syncs held. A full device opens all the same, for reading and for deleting, and seals when it can.
   */
  async resume(): Promise<void> {
    if (this.#options.volumes.all().length === 0) return;
    try {
      await this.roll();
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#unsealed = true;
      this.#options.environment.report({ event: 'device-full', detail: { volume: this.#position.volume } });
    }
  }

  /** Queues a write; resolves when it is durable, or was decided against a durable state. */
  append(write: Write): Promise<WriteReceipt> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ write, resolve, reject, round: this.#options.environment.gatherer.join() });
      if (!this.#running) {
        this.#running = true;
        this.#idle = this.#run();
      }
    });
  }

  /** Resolves when nothing is queued or under way. */
  async drain(): Promise<void> {
    while (this.#running) await this.#idle;
  }

  /** Makes the next volume the active one; it says where the one before it ends. */
  async roll(): Promise<Volume> {
    const volume = await this.#options.volumes.create(this.#position.hash);
    this.#active = volume;
    this.#unsealed = false;
    this.#position = { ...this.#position, volume: volume.number, offset: DATA_OFFSET };
    return volume;
  }

  async #run(): Promise<void> {
    for (let oldest = this.#queue[0]; oldest !== undefined; oldest = this.#queue[0]) {
      await this.#options.environment.gatherer.wait(oldest.round);
      const taken = this.#take();
      try {
        this.check();
        await this.#commit(taken);
      } catch (error) {
        const fault = error instanceof StoreError ? error : new StoreError('device-unavailable', 'the disk failed a read', { cause: error });
        for (const { reject } of taken) reject(fault);
      }
    }
    this.#running = false;
  }

  #take(): Queued[] {
    const { groupBytes, groupWrites } = this.#options.settings;
    let count = 0;
    for (let bytes = 0; count < this.#queue.length && count < groupWrites && bytes < groupBytes; count++) bytes += this.#queue[count]?.write.weightBytes ?? 0;
    return this.#queue.splice(0, count);
  }

  async #commit(taken: readonly Queued[]): Promise<void> {
    const { environment, settings, volumes, lookup } = this.#options;
    const volume = await this.#volumeToWrite();
    const group = new Group({ volume, firstSequence: this.#position.sequence + 1, crc32: environment.crc32, scratch: this.#scratch, lookup });
    for (const queued of taken) group.add(queued);
    if (group.hasRecords) {
      const hash = group.seal(this.#position.hash, environment.clock.nowMs());
      await this.#write(volume, group.segments(), group.bytes);
      volume.end += group.bytes;
      this.#position = { volume: volume.number, offset: volume.end, sequence: group.lastSequence, hash };
    }
    for (const { before, after } of group.changes) volumes.account(before, after);
    this.#options.apply(group.changes, group);
    group.resolve(environment.clock.nowMs());
    if (volume.end >= settings.volumeBytes) this.#active = undefined;
  }

  async #volumeToWrite(): Promise<Volume> {
    const { clock } = this.#options.environment;
    if (this.#active !== undefined) return this.#active;
    if (clock.nowMs() < this.#fullUntilMs) throw new StoreError('device-full', 'no room for another volume');
    try {
      return await this.roll();
    } catch (error) {
      throw this.#fault(error);
    }
  }

  async #write(volume: Volume, segments: readonly Buffer[], bytes: number): Promise<void> {
    try {
      if (bytes <= this.#options.settings.syncWriteBytes) volume.file.writeSync(segments, volume.end);
      else await volume.file.write(segments, volume.end);
      await volume.file.sync();
    } catch (error) {
      await this.#poison(volume);
      throw this.#fault(error);
    }
  }

  /**
   * Nothing more is written to a volume after an error: the system has forgotten which pages it failed to write, and a
   * second sync would say all is well. The next volume, made at once, says where this one ends.
   */
  async #poison(volume: Volume): Promise<void> {
    volume.dirty = true;
    this.#active = undefined;
    this.#unsealed = true;
    this.#options.environment.report({ event: 'volume-poisoned', detail: { volume: volume.number, end: volume.end } });
    try {
      await this.roll();
    } catch (error) {
      // The next write tries again, and counts the fault.
      this.#options.environment.report({ event: 'volume-poisoned', detail: { volume: volume.number, sealed: false, error: String(error) } });
    }
  }

  /** The StoreError for an error of the system; fences the device when there were too many. */
  #fault(error: unknown): StoreError {
    const { environment, settings } = this.#options;
    const nowMs = environment.clock.nowMs();
    if (isFull(error)) {
      this.#fullUntilMs = nowMs + FULL_RETRY_MS;
      environment.report({ event: 'device-full', detail: { volume: this.#position.volume } });
      return new StoreError('device-full', 'the device has no room', { cause: error });
    }
    this.#faults = [...this.#faults.filter((atMs) => atMs > nowMs - settings.faultWindowMs), nowMs];
    if (this.#faults.length >= settings.faultLimit) {
      this.#fenced = new StoreError('device-unavailable', `fenced after ${this.#faults.length} errors of the disk`, { cause: error });
      environment.report({ event: 'device-fenced', detail: { faults: this.#faults.length } });
    }
    return new StoreError('device-unavailable', 'the disk failed a write', { cause: error });
  }
}


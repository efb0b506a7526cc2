/** All volumes of an engine: found when it opens, made as the log fills them, unlinked when compaction has emptied them. */
import { StoreError } from '#common';
import type { File } from '../files/files.ts';
import type { Entry } from './entry.ts';
import type { Location } from './record.ts';
import type { Environment } from './settings.ts';
import { DATA_OFFSET, decodeHeader, encodeHeader, Volume, type VolumeHeader } from './volume.ts';

export interface VolumeSetOptions {
  readonly directory: string;
  /** Where volumes without a readable header are moved. */
  readonly quarantineDirectory: string;
  readonly device: string;
}

export class VolumeSet {
  #lost = false;
  readonly #environment: Environment;
  readonly #options: VolumeSetOptions;
  readonly #volumes = new Map<number, Volume>();
  #next = 1;
  /** Volumes unlinked, and how many of these cannot come back from a crash. One may have been unlinked before this process began. */
  #removals = 1;
  #durableRemovals = 0;

  private constructor(environment: Environment, options: VolumeSetOptions) {
    this.#environment = environment;
    this.#options = options;
  }

  static async open(environment: Environment, options: VolumeSetOptions): Promise<VolumeSet> {
    const set = new VolumeSet(environment, options);
    const { files } = environment;
    files.makeDirectory(options.directory);
    const numbers = files.list(options.directory).map((name) => Number(/^(\d{8})\.v$/.exec(name)?.[1] ?? 0)).filter((number) => number > 0);
    for (const number of numbers.sort((a, b) => a - b)) await set.#load(number);
    set.#applyEnds();
    return set;
  }

  async #load(number: number): Promise<void> {
    const { files, crc32, report } = this.#environment;
    const path = this.#pathOf(number);
    this.#next = Math.max(this.#next, number + 1);
    const file = files.open(path, 'write');
    const pages = Buffer.alloc(DATA_OFFSET);
    const header = decodeHeader(pages.subarray(0, file.readSync(pages, 0)), crc32);
    const size = file.sizeBytes();
    if (header?.number === number) {
      this.#volumes.set(number, new Volume(path, file, header, Math.max(size, DATA_OFFSET)));
      return;
    }
    file.close();
    // The header is synced before the first record is written: a short file was torn while it was made and holds nothing.
    if (size <= DATA_OFFSET) return files.unlink(path);
    this.#lost = true;
    report({ event: 'damage', detail: { path, what: 'both copies of the header' } });
    files.makeDirectory(this.#options.quarantineDirectory);
    files.rename(path, `${this.#options.quarantineDirectory}/${String(number).padStart(8, '0')}.v`);
  }

  /** Cuts each volume where a later one says it ends. */
  #applyEnds(): void {
    for (const { header } of this.#volumes.values()) {
      for (const [number, end] of header.ends) {
        const volume = this.#volumes.get(number);
        if (volume === undefined || volume.end <= end) continue;
        volume.end = end;
        volume.dirty = true;
      }
    }
  }

  /** Whether a volume was put aside when the set was opened: what the index knows of it cannot be replayed. */
  get lost(): boolean {
    return this.#lost;
  }

  /** In order of number, which is the order they were written in. */
  all(): Volume[] {
    return [...this.#volumes.values()];
  }

  get(number: number): Volume | undefined {
    return this.#volumes.get(number);
  }

  /** The volume that a record is in; `corrupt` where it is gone. */
  holding(location: Location): Volume {
    const volume = this.#volumes.get(location.volume);
    if (volume === undefined) throw new StoreError('corrupt', `volume ${location.volume} is missing`);
    return volume;
  }

  get directory(): string {
    return this.#options.directory;
  }

  get quarantineDirectory(): string {
    return this.#options.quarantineDirectory;
  }

  get nextNumber(): number {
    return this.#next;
  }

  /** Numbers below this were used once and are not used again. */
  reserveNumbers(next: number): void {
    this.#next = Math.max(this.#next, next);
  }

  /** Makes the next volume, durable with its name before it is answered. It says where all volumes before it end. */
  async create(previousHash: Buffer): Promise<Volume> {
    const { files, clock, random, crc32 } = this.#environment;
    const number = this.#next++;
    const path = this.#pathOf(number);
    const volumes = this.all();
    const ends = volumes.filter((volume, i) => volume.dirty || i === volumes.length - 1).map((volume) => [volume.number, volume.end] as const);
    const header: VolumeHeader = { number, nonce: random.below(2 ** 32), device: this.#options.device, createdMs: Math.floor(clock.nowMs()), previousHash, ends };
    const file: File = files.open(path, 'create');
    try {
      file.writeSync([encodeHeader(header, crc32)], 0);
      await file.sync();
      await this.#syncDirectory();
    } catch (error) {
      file.close();
      // Nothing is in it. Where this fails too, the next opening finds it empty, or without a header, and unlinks it.
      await files.unlink(path).catch(() => undefined);
      throw error;
    }
    const volume = new Volume(path, file, header);
    this.#volumes.set(number, volume);
    return volume;
  }

  /** Unlinks volumes without records, but for the newest. */
  async removeEmpty(): Promise<void> {
    for (const volume of this.all().slice(0, -1)) if (volume.end <= DATA_OFFSET) await this.remove(volume);
  }

  /** Unlinks a volume, durably; readers that have it open keep it. */
  async remove(volume: Volume): Promise<void> {
    await this.#environment.files.unlink(volume.path);
    this.#volumes.delete(volume.number);
    this.#removals++;
    volume.retire();
    await this.#syncDirectory();
  }

  /** True if no older volume is left, nor can come back from a crash: nothing in it hides a record of another. */
  isOldest(volume: Volume): boolean {
    return this.#durableRemovals === this.#removals && this.all()[0] === volume;
  }

  async #syncDirectory(): Promise<void> {
    const removals = this.#removals;
    await this.#environment.files.syncDirectory(this.#options.directory);
    this.#durableRemovals = Math.max(this.#durableRemovals, removals);
  }

  /** Keeps the account of live bytes when one entry takes the place of another. */
  account(before: Entry | undefined, after: Entry | undefined): void {
    this.#count(before?.data, -1);
    this.#count(before?.meta, -1);
    this.#count(after?.data, 1);
    this.#count(after?.meta, 1);
  }

  #count(location: Location | undefined, sign: number): void {
    const volume = location && this.#volumes.get(location.volume);
    if (volume && location) volume.liveBytes += sign * location.recordBytes;
  }

  /** Makes volumes and their names durable as they are seen now: a process may have died before it synced them. */
  async sync(): Promise<void> {
    await this.all().at(-1)?.file.sync();
    await this.#syncDirectory();
  }

  close(): void {
    for (const volume of this.#volumes.values()) volume.retire();
  }

  #pathOf(number: number): string {
    return `${this.#options.directory}/${String(number).padStart(8, '0')}.v`;
  }
}

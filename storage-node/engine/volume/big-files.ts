/**
 * Files of big objects, one each: `<key>-<id>.b`, written once and never changed. A file counts only when a record in a
 * volume names its id; one that no entry names is an orphan of a crash or of an aborted write, and is swept.
 */
import { StoreError } from '#common';
import type { Key } from '#storage-node/protocol';
import { isFull, type File } from '../files/files.ts';
import { BLOCK_BYTES, blockChecksums, type Checksum } from './record.ts';
import type { Environment } from './settings.ts';

/** Bytes of one write to the disk. */
const WRITE_BYTES = 1 << 20;
/** After so many bytes a sync is begun while more arrive, so that the last one has little left to do. */
const EARLY_SYNC_BYTES = 8 << 20;

interface DirectorySync {
  running: Promise<void>;
  next: Promise<void> | undefined;
}

export class BigFiles {
  readonly #environment: Environment;
  readonly #directory: string;
  readonly #quarantineDirectory: string;
  /** Files being written: no entry names them yet. */
  readonly #writing = new Set<string>();
  readonly #removals = new Set<Promise<void>>();
  #directorySync: DirectorySync | undefined;
  /** How many names were made, and how many of these a directory sync has made durable. */
  #made = 0;
  #durable = 0;

  constructor(environment: Environment, { directory, quarantineDirectory }: { directory: string; quarantineDirectory: string }) {
    this.#environment = environment;
    this.#directory = directory;
    this.#quarantineDirectory = quarantineDirectory;
    environment.files.makeDirectory(directory);
  }

  create(key: Key, writeBehindBytes: number): BigWriter {
    const { files, random, crc32 } = this.#environment;
    const id = random.below(2 ** 21) * 2 ** 32 + random.below(2 ** 32) + 1;
    const name = bigFileName(key, id);
    const file = mapFaults(() => files.open(`${this.#directory}/${name}`, 'create-bulk'));
    this.#writing.add(name);
    const made = ++this.#made;
    const over = (): boolean => this.#writing.delete(name);
    return new BigWriter({ id, file, crc32, writeBehindBytes, syncDirectory: () => (this.#durable >= made ? Promise.resolve() : this.#syncDirectory()), over, unlink: () => this.remove(key, id) });
  }

  open(key: Key, id: number): File {
    return this.#environment.files.open(`${this.#directory}/${bigFileName(key, id)}`, 'read');
  }

  /** Unlinks a file nobody needs; where that fails, a sweep does it later. */
  remove(key: Key, id: number): void {
    this.#own(this.#environment.files.unlink(`${this.#directory}/${bigFileName(key, id)}`));
  }

  /** Keeps a damaged file out of the way, for whoever wants to look. */
  quarantine(key: Key, id: number): void {
    const { files } = this.#environment;
    const name = bigFileName(key, id);
    try {
      files.makeDirectory(this.#quarantineDirectory);
      files.rename(`${this.#directory}/${name}`, `${this.#quarantineDirectory}/${name}`);
    } catch (error) {
      this.#environment.report({ event: 'damage', detail: { name, error: String(error) } });
    }
  }

  /** Unlinks files that neither a writer nor, says `isNamed`, an entry knows. */
  async sweep(isNamed: (key: Key, id: number) => boolean): Promise<number> {
    const { files, report } = this.#environment;
    let swept = 0;
    for (const name of files.list(this.#directory)) {
      const [, hex, id] = /^([0-9a-f]{32})-([0-9a-f]+)\.b$/.exec(name) ?? [];
      if (hex === undefined || id === undefined || this.#writing.has(name) || isNamed(Buffer.from(hex, 'hex'), parseInt(id, 16))) continue;
      await files.unlink(`${this.#directory}/${name}`);
      report({ event: 'orphan-removed', detail: { name } });
      swept++;
    }
    return swept;
  }

  async close(): Promise<void> {
    await Promise.all(this.#removals);
  }

  #own(removal: Promise<void>): void {
    const owned = removal
      .catch((error: unknown) => this.#environment.report({ event: 'damage', detail: { what: 'unlink', error: String(error) } }))
      .then(() => void this.#removals.delete(owned));
    this.#removals.add(owned);
  }

  /** Makes the names made so far durable; calls that come while one is under way share the next. */
  #syncDirectory(): Promise<void> {
    const sync = async (): Promise<void> => {
      const made = this.#made;
      await this.#environment.files.syncDirectory(this.#directory);
      this.#durable = made;
    };
    if (this.#directorySync === undefined) {
      const state: DirectorySync = { running: Promise.resolve(), next: undefined };
      this.#directorySync = state;
      state.running = sync().finally(() => {
        if (state.next === undefined) this.#directorySync = undefined;
      });
      return state.running;
    }
    const state = this.#directorySync;
    state.next ??= state.running
      .catch(() => undefined)
      .then(() => {
        this.#directorySync = undefined;
        return this.#syncDirectory();
      });
    return state.next;
  }
}

export function bigFileName(key: Key, id: number): string {
  return `${key.toString('hex')}-${id.toString(16)}.b`;
}

/** Turns the system's errors of writing into the port's. */
export function writeFault(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return isFull(error) ? new StoreError('device-full', 'the device has no room', { cause: error }) : new StoreError('device-unavailable', 'the disk failed a write', { cause: error });
}

function mapFaults<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw writeFault(error);
  }
}

/** Checksums of chunks by the chunk itself: replicas in one process are given the same one, and it is not changed while it is looked at. */
const known = new WeakMap<Buffer, { readonly crc32: Checksum; readonly crcs: readonly number[] }>();

function checksumsOnce(chunk: Buffer, crc32: Checksum): readonly number[] {
  const found = known.get(chunk);
  if (found?.crc32 === crc32) return found.crcs;
  const crcs = blockChecksums(chunk, crc32);
  known.set(chunk, { crc32, crcs });
  return crcs;
}

interface BigWriterOptions {
  readonly id: number;
  readonly file: File;
  readonly crc32: Checksum;
  readonly writeBehindBytes: number;
  readonly syncDirectory: () => Promise<void>;
  readonly over: () => void;
  readonly unlink: () => void;
}

/** Writes one big file as its bytes arrive. */
export class BigWriter {
  readonly id: number;
  readonly #options: BigWriterOptions;
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  /** Bytes handed to the disk, and those it has not taken yet. */
  #handed = 0;
  #inFlight = 0;
  #syncedAt = 0;
  #tail: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #fault: StoreError | undefined;
  readonly #crcs: number[] = [];
  #blockCrc = 0;
  #blockBytes = 0;

  constructor(options: BigWriterOptions) {
    this.id = options.id;
    this.#options = options;
  }

  get sizeBytes(): number {
    return this.#handed + this.#chunkBytes;
  }

  async write(chunk: Buffer): Promise<void> {
    this.#checksum(chunk);
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    if (this.#chunkBytes >= WRITE_BYTES) this.#hand();
    if (this.#inFlight > this.#options.writeBehindBytes) await this.#tail;
    if (this.#fault) throw this.#fault;
  }

  /** True once all that was given so far is with the disk; false where it is not, and may be held still. */
  async written(): Promise<boolean> {
    if (this.#chunkBytes > 0) this.#hand();
    await this.#tail;
    return this.#fault === undefined;
  }

  /** Resolves when bytes and name are durable, with the CRCs of all blocks, 4 bytes each. */
  async finish(): Promise<Buffer> {
    if (this.#chunkBytes > 0) this.#hand();
    if (this.#blockBytes > 0) this.#crcs.push(this.#blockCrc);
    const named = this.#options.syncDirectory().catch((error: unknown) => this.#fail(error));
    await this.#tail;
    await this.#syncing;
    if (!this.#fault) await this.#options.file.sync().catch((error: unknown) => this.#fail(error));
    await named;
    this.#options.file.close();
    if (this.#fault) throw this.#fault;
    const table = Buffer.allocUnsafe(this.#crcs.length * 4);
    this.#crcs.forEach((crc, i) => table.writeUInt32LE(crc, i * 4));
    return table;
  }

  /** The record that names the file is durable, or it will be an orphan: it is no longer being written. */
  over(): void {
    this.#options.over();
  }

  /** Waits for what is under way and unlinks. Only while no record that was handed to the log names the file. */
  async discard(): Promise<void> {
    await this.#tail;
    await this.#syncing;
    this.#options.file.close();
    this.#options.unlink();
    this.#options.over();
  }

  #hand(): void {
    const chunks = this.#chunks;
    const bytes = this.#chunkBytes;
    const position = this.#handed;
    this.#chunks = [];
    this.#chunkBytes = 0;
    this.#handed += bytes;
    this.#inFlight += bytes;
    this.#tail = this.#tail
      .then(() => (this.#fault ? undefined : this.#options.file.write(chunks, position)))
      .catch((error: unknown) => this.#fail(error))
      .then(() => {
        this.#inFlight -= bytes;
        this.#syncEarly(position + bytes);
      });
  }

  #syncEarly(written: number): void {
    if (this.#syncing !== undefined || this.#fault || written - this.#syncedAt < EARLY_SYNC_BYTES) return;
    this.#syncedAt = written;
    this.#syncing = this.#options.file
      .sync()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => (this.#syncing = undefined));
  }

  #fail(error: unknown): void {
    this.#fault ??= writeFault(error);
  }

  #checksum(chunk: Buffer): void {
    if (this.#blockBytes === 0 && chunk.length % BLOCK_BYTES === 0) return void this.#crcs.push(...checksumsOnce(chunk, this.#options.crc32));
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + BLOCK_BYTES - this.#blockBytes);
      this.#blockCrc = this.#options.crc32(part, this.#blockCrc);
      this.#blockBytes += part.length;
      at += part.length;
      if (this.#blockBytes < BLOCK_BYTES) continue;
      this.#crcs.push(this.#blockCrc);
      this.#blockCrc = 0;
      this.#blockBytes = 0;
    }
  }
}

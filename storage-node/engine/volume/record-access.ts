/** Reads records for their entries: verifies all that it reads, and has what is damaged quarantined. */
import { StoreError } from '#common';
import type { Key, ObjectInfo, ObjectReader } from '#storage-node/protocol';
import { replaceWhole, type File } from '../files/files.ts';
import type { BigFiles } from './big-files.ts';
import { stateOf, textOf, type Entry } from './entry.ts';
import { BlockReader, SmallReader } from './reader.ts';
import { blockCount, dataHolds, metadataOf, type Location, type RecordHead } from './record.ts';
import type { Environment, VolumeSettings } from './settings.ts';
import type { Volume } from './volume.ts';
import type { VolumeSet } from './volume-set.ts';

export interface RecordAccessOptions {
  readonly environment: Environment;
  readonly settings: VolumeSettings;
  readonly volumes: VolumeSet;
  readonly bigs: BigFiles;
  /** Resolves when the key is durably forgotten. */
  readonly quarantine: (keyText: string, entry: Entry, reason: string) => Promise<void>;
}

export class RecordAccess {
  readonly #options: RecordAccessOptions;
  #madeQuarantine = false;

  constructor(options: RecordAccessOptions) {
    this.#options = options;
  }

  async info(keyText: string, entry: Entry): Promise<ObjectInfo> {
    try {
      const head = this.#head(keyText, entry.data);
      return this.#infoOf(keyText, entry, head);
    } catch (error) {
      throw await this.#fault(keyText, entry, error);
    }
  }

  async open(keyText: string, entry: Entry): Promise<ObjectReader> {
    try {
      const volume = this.#options.volumes.holding(entry.data);
      return entry.data.recordBytes <= this.#options.settings.inlineReadBytes ? this.#openInline(keyText, entry, volume) : await this.#openLarge(keyText, entry, volume);
    } catch (error) {
      throw await this.#fault(keyText, entry, error);
    }
  }

  /** JSON text of the metadata in the record at `location`; undefined where it is damaged or gone. */
  metadataAt(location: Location): string | undefined {
    return this.#options.volumes.get(location.volume)?.headSync(location, this.#options.environment.crc32)?.metadata;
  }

  /** Writes the note of a damaged record. */
  async note(key: Key, entry: Entry, reason: string): Promise<void> {
    const { environment, volumes } = this.#options;
    const directory = volumes.quarantineDirectory;
    if (!this.#madeQuarantine) environment.files.makeDirectory(directory);
    this.#madeQuarantine = true;
    const content = Buffer.from(JSON.stringify({ key: key.toString('hex'), reason, atMs: environment.clock.nowMs(), ...entry }, undefined, 1));
    await replaceWhole(environment.files, { directory, name: `${key.toString('hex')}-${entry.data.volume}-${entry.data.offset}.json`, content });
  }

  /** One read for everything. */
  #openInline(keyText: string, entry: Entry, volume: Volume): ObjectReader {
    const { crc32 } = this.#options.environment;
    const buffer = Buffer.allocUnsafe(entry.data.recordBytes);
    const count = volume.file.readSync(buffer, entry.data.offset);
    const head = count < buffer.length ? undefined : this.#checked(keyText, volume.headIn(buffer, entry.data, crc32));
    if (head === undefined) throw new StoreError('corrupt', 'head checksum');
    const data = buffer.subarray(head.headBytes, head.headBytes + head.dataBytes);
    if (!dataHolds(data, { blocks: head.blocks, crc32 })) throw new StoreError('corrupt', 'block checksum');
    const info = this.#infoOf(keyText, entry, head);
    return head.bigId === 0 ? new SmallReader(info, data) : this.#openBig(keyText, entry, info, data);
  }

  async #openLarge(keyText: string, entry: Entry, volume: Volume): Promise<ObjectReader> {
    const { crc32 } = this.#options.environment;
    const head = this.#head(keyText, entry.data);
    const info = this.#infoOf(keyText, entry, head);
    const offset = entry.data.offset + head.headBytes;
    if (head.bigId !== 0) {
      const table = Buffer.allocUnsafe(head.dataBytes);
      const count = await volume.file.read(table, offset);
      if (count < table.length || !dataHolds(table, { blocks: head.blocks, crc32 })) throw new StoreError('corrupt', 'table checksum');
      return this.#openBig(keyText, entry, info, table);
    }
    volume.acquire();
    return this.#reader(keyText, entry, { info, file: volume.file, offset, blocks: head.blocks, release: () => volume.release() });
  }

  #openBig(keyText: string, entry: Entry, info: ObjectInfo, table: Buffer): ObjectReader {
    if (table.length !== blockCount(entry.sizeBytes) * 4) throw new StoreError('corrupt', 'table length');
    const file = this.#options.bigs.open(Buffer.from(keyText, 'latin1'), entry.bigId);
    const blocks = Array.from({ length: table.length / 4 }, (_, i) => table.readUInt32LE(i * 4));
    return this.#reader(keyText, entry, { info, file, offset: 0, blocks, release: () => file.close() });
  }

  #reader(keyText: string, entry: Entry, { info, ...source }: { info: ObjectInfo; file: File; offset: number; blocks: readonly number[]; release: () => void }): ObjectReader {
    const { crc32 } = this.#options.environment;
    const damaged = (): Promise<Error> => this.#fault(keyText, entry, new StoreError('corrupt', 'block checksum'));
    return new BlockReader(info, { ...source, crc32, damaged, failed: unreadable });
  }

  #head(keyText: string, location: Location): RecordHead {
    const head = this.#checked(keyText, this.#options.volumes.holding(location).headSync(location, this.#options.environment.crc32));
    if (head === undefined) throw new StoreError('corrupt', 'head checksum');
    return head;
  }

  /** A head that holds but is another key's is damage of the index. */
  #checked(keyText: string, head: RecordHead | undefined): RecordHead | undefined {
    return head !== undefined && textOf(head.key) === keyText ? head : undefined;
  }

  #infoOf(keyText: string, entry: Entry, head: RecordHead): ObjectInfo {
    const state = stateOf(entry);
    const metadata = metadataOf(entry.meta === undefined ? head : this.#head(keyText, entry.meta));
    return { ...state, name: head.name, metadata };
  }

  /** The port's error for what went wrong; damage is quarantined before anyone hears of it. */
  async #fault(keyText: string, entry: Entry, error: unknown): Promise<Error> {
    const gone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!gone && !(error instanceof StoreError && error.code === 'corrupt')) return error instanceof StoreError ? error : unreadable(error);
    const reason = gone ? 'big file missing' : error.message;
    const detail = { key: Buffer.from(keyText, 'latin1').toString('hex'), volume: entry.data.volume, offset: entry.data.offset };
    const corrupt = new StoreError('corrupt', `a damaged record was quarantined: ${reason}`, { cause: error, detail });
    try {
      await this.#options.quarantine(keyText, entry, reason);
    } catch (failure) {
      // Not noted, and so found again by the next reader; it is never served all the same.
      return new StoreError('corrupt', `a damaged record could not be quarantined: ${reason}`, { cause: failure, detail });
    }
    return corrupt;
  }
}

function unreadable(error: unknown): StoreError {
  return new StoreError('device-unavailable', 'the disk failed a read', { cause: error });
}

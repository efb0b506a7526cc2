/**
 * Reads whole states of many keys for other replicas: in the order they have on the disk, neighbours with one read, off the event loop, so
 * that rebuilding a device costs its sources sequential reads. Everything is verified before it is handed out.
 */
import { isStoreError } from '#common';
import type { Key, ShippedState } from '#storage-node/protocol';
import { textOf, type Entry } from './entry.ts';
import type { EntryTable } from './entry-table.ts';
import { dataHolds, metadataOf, type RecordHead } from './record.ts';
import type { RecordAccess } from './record-access.ts';
import type { Environment } from './settings.ts';
import type { Volume } from './volume.ts';
import type { VolumeSet } from './volume-set.ts';

export interface ShippingOptions {
  readonly environment: Environment;
  readonly table: EntryTable;
  readonly volumes: VolumeSet;
  readonly records: RecordAccess;
}

interface Wanted {
  readonly keyText: string;
  readonly entry: Entry;
}

/** The longest read, and the longest gap that is read over. */
const READ_BYTES = 1 << 20;
const GAP_BYTES = 32 << 10;

export class Shipping {
  readonly #options: ShippingOptions;

  constructor(options: ShippingOptions) {
    this.#options = options;
  }

  async *ship(keys: readonly Key[]): AsyncGenerator<ShippedState, void, undefined> {
    const wanted: Wanted[] = [];
    for (const key of keys) {
      const keyText = textOf(key);
      const entry = this.#options.table.get(keyText);
      if (entry !== undefined) wanted.push({ keyText, entry });
    }
    wanted.sort((a, b) => a.entry.data.volume - b.entry.data.volume || a.entry.data.offset - b.entry.data.offset);
    for (let i = 0; i < wanted.length; ) {
      const run = runFrom(wanted, i);
      i += run.length;
      yield* this.#shipRun(run);
    }
  }

  async *#shipRun(run: readonly Wanted[]): AsyncGenerator<ShippedState, void, undefined> {
    const from = run[0]!.entry.data;
    const last = run.at(-1)!.entry.data;
    const volume = this.#options.volumes.get(from.volume);
    const bytes = volume && (await this.#read(volume, from.offset, last.offset + last.recordBytes));
    for (const { keyText, entry } of run) {
      // What was written over meanwhile is sent all the same: the newer wins, and follows. What was moved, and what is damaged, is read
      // the way of clients, who know what to do about it.
      const state = (volume && bytes && this.#decode(keyText, entry, volume, bytes.subarray(entry.data.offset - from.offset))) ?? (await this.#readSlowly(keyText));
      if (state) yield state;
    }
  }

  /** Undefined where the disk fails. */
  async #read(volume: Volume, start: number, end: number): Promise<Buffer | undefined> {
    const buffer = Buffer.allocUnsafeSlow(end - start);
    volume.acquire();
    try {
      return buffer.subarray(0, await volume.file.read(buffer, start));
    } catch {
      return undefined;
    } finally {
      volume.release();
    }
  }

  #decode(keyText: string, entry: Entry, volume: Volume, bytes: Buffer): ShippedState | undefined {
    const { crc32 } = this.#options.environment;
    const { recordBytes } = entry.data;
    if (bytes.length < recordBytes) return undefined;
    const head = volume.headIn(bytes.subarray(0, recordBytes), entry.data, crc32);
    if (head === undefined || textOf(head.key) !== keyText) return undefined;
    const data = bytes.subarray(head.headBytes, head.headBytes + head.dataBytes);
    if (!dataHolds(data, { blocks: head.blocks, crc32 })) return undefined;
    const posted = this.#posted(entry);
    if (entry.meta !== undefined && posted === undefined) return undefined;
    if (head.bigId === 0) return shipped(head, entry, { posted, blocks: head.blocks, data, read: () => once(data) });
    const blocks = Array.from({ length: data.length >> 2 }, (_, i) => data.readUInt32LE(i * 4));
    return shipped(head, entry, { posted, blocks, data: undefined, read: () => this.#readBig(keyText, entry) });
  }

  #posted({ meta, metaTimestamp }: Entry): ShippedState['posted'] {
    if (meta === undefined) return undefined;
    const head = this.#options.volumes.get(meta.volume)?.headSync(meta, this.#options.environment.crc32);
    return head && { timestamp: metaTimestamp, metadata: metadataOf(head) };
  }

  async *#readBig(keyText: string, entry: Entry): AsyncGenerator<Buffer, void, undefined> {
    await using reader = await this.#options.records.open(keyText, entry);
    yield* reader.read(0, entry.sizeBytes);
  }

  /** One record by itself; undefined where it is damaged, which quarantines it. */
  async #readSlowly(keyText: string): Promise<ShippedState | undefined> {
    const { environment, records, table, volumes } = this.#options;
    const entry = table.get(keyText);
    if (entry === undefined) return undefined;
    try {
      await records.info(keyText, entry);
      const volume = volumes.holding(entry.data);
      const bytes = await this.#read(volume, entry.data.offset, entry.data.offset + entry.data.recordBytes);
      const state = bytes && this.#decode(keyText, entry, volume, bytes);
      // The head holds: if the rest does not, opening it says so and quarantines.
      if (state === undefined && !entry.deleted) await readThrough(await records.open(keyText, entry));
      return state;
    } catch (error) {
      if (!isStoreError(error, 'corrupt')) throw error;
      environment.report({ event: 'damage', detail: { what: 'found while shipping', key: Buffer.from(keyText, 'latin1').toString('hex') } });
      return undefined;
    }
  }
}

async function readThrough(reader: AsyncDisposable & { read(start: number, end: number): AsyncIterable<Buffer>; readonly info: { readonly sizeBytes: number } }): Promise<void> {
  await using open = reader;
  for await (const _ of open.read(0, open.info.sizeBytes));
}

function shipped(head: RecordHead, entry: Entry, rest: Pick<ShippedState, 'posted' | 'blocks' | 'data' | 'read'>): ShippedState {
  const { key, name } = head;
  return { key, name, timestamp: entry.timestamp, deleted: entry.deleted, sizeBytes: entry.sizeBytes, conditional: entry.conditional, metadata: metadataOf(head), ...rest };
}

async function* once(data: Buffer): AsyncGenerator<Buffer, void, undefined> {
  if (data.length > 0) yield data;
}

/** The records from `first` on that one read takes in. */
function runFrom(wanted: readonly Wanted[], first: number): readonly Wanted[] {
  const { volume, offset, recordBytes } = wanted[first]!.entry.data;
  let end = offset + recordBytes;
  let next = first + 1;
  for (; next < wanted.length; next++) {
    const { data } = wanted[next]!.entry;
    if (data.volume !== volume || data.offset - end > GAP_BYTES || data.offset + data.recordBytes - offset > READ_BYTES) break;
    end = data.offset + data.recordBytes;
  }
  return wanted.slice(first, next);
}

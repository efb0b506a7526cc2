/**
 * The audit of a device: everything it holds is read, before a reader finds out. Volumes from the first to the last, each record in force with all its
 * data and its big file, each frame with its place in the chain; then the index, each entry with the record that it names; then what
 * the volumes have and the index lacks. What is damaged is quarantined as a reader would have it, and so comes back from the other replicas.
 *
 * It goes in steps of so many bytes, so that whoever drives it can rest between them; a pass that was begun goes on where it was.
 */
import { StoreError } from '#common';
import { giveSlab } from '#common/stream';
import { textOf, sameLocation, type Entry } from './entry.ts';
import type { EntryTable } from './entry-table.ts';
import type { Log } from './log.ts';
import { dataHolds, RecordType } from './record.ts';
import type { RecordAccess } from './record-access.ts';
import { scanGroups, type ScannedGroup, type ScannedRecord } from './scan.ts';
import type { Environment } from './settings.ts';
import { DATA_OFFSET, type Volume } from './volume.ts';
import type { VolumeSet } from './volume-set.ts';
import { PutWrite } from './write.ts';

export interface AuditStep {
  /** Records in force that were read whole, entries whose record was looked at, and bytes read for both. */
  readonly records: number;
  readonly entries: number;
  readonly bytes: number;
  /** What was quarantined. */
  readonly damaged: number;
  /** Groups whose frame is damaged, or not the next in the chain: history that cannot be vouched for. */
  readonly brokenGroups: number;
  /** Records in force that the index did not know, and does now. */
  readonly unindexed: number;
  /** The pass is over; the next step begins a new one. */
  readonly done: boolean;
}

export interface AuditOptions {
  readonly environment: Environment;
  readonly volumes: VolumeSet;
  readonly table: EntryTable;
  readonly records: RecordAccess;
  readonly log: Log;
  readonly flush: () => Promise<void>;
  readonly indexIsSound: () => Promise<boolean>;
  readonly quarantine: (keyText: string, entry: Entry, reason: string) => Promise<void>;
  /** Counts the digests of the keys' slices anew. */
  readonly recount: (keyTexts: Iterable<string>) => Promise<void>;
}

/** Records that the index seems to lack, remembered until the end of the log was seen: more are left to the next pass. */
const MAX_SUSPECTS = 100_000;

export class VolumeAudit {
  readonly #o: AuditOptions;
  #phase: 'volumes' | 'index' = 'volumes';
  #volume = 0;
  #offset = DATA_OFFSET;
  #after: string | undefined;
  readonly #suspects = new Map<string, ScannedRecord>();
  #count = emptyCount();

  constructor(options: AuditOptions) {
    this.#o = options;
  }

  /** Reads about so many bytes, at least one group or page of entries. */
  async step(bytes: number): Promise<AuditStep> {
    this.#count = emptyCount();
    const until = (): boolean => this.#count.bytes >= bytes;
    if (this.#phase === 'volumes') await this.#volumesUntil(until);
    else await this.#indexUntil(until);
    return this.#count;
  }

  async #volumesUntil(enough: () => boolean): Promise<void> {
    const { volumes, log } = this.#o;
    for (;;) {
      const volume = volumes.all().find(({ number }) => number >= this.#volume);
      if (volume === undefined) break;
      if (volume.number > this.#volume) this.#offset = DATA_OFFSET;
      this.#volume = volume.number;
      const isOver = await this.#groupsOf(volume, { sealed: volume !== log.active, enough });
      if (!isOver) return;
      this.#volume++;
      this.#offset = DATA_OFFSET;
      if (enough()) return;
    }
    this.#phase = 'index';
    this.#after = undefined;
  }

  /** False where it stopped because enough was read. */
  async #groupsOf(volume: Volume, { sealed, enough }: { sealed: boolean; enough: () => boolean }): Promise<boolean> {
    volume.acquire();
    try {
      let hash = this.#offset === DATA_OFFSET ? volume.header.previousHash : undefined;
      for await (const group of scanGroups(volume, this.#offset, { crc32: this.#o.environment.crc32, sealed })) {
        this.#checkChain(group, hash);
        hash = group.frame?.hash;
        for (const record of group.records) await this.#record(volume, record);
        this.#offset = group.end;
        if (enough() && !group.last) return false;
      }
      return true;
    } finally {
      volume.release();
    }
  }

  #checkChain({ whole, frame }: ScannedGroup, previous: Buffer | undefined): void {
    if (!whole || frame === undefined || (previous !== undefined && !frame.previousHash.equals(previous))) this.#count.brokenGroups++;
  }

  async #record(volume: Volume, record: ScannedRecord): Promise<void> {
    const { head, location } = record;
    const keyText = textOf(head.key);
    const entry = this.#o.table.get(keyText);
    if (head.type === RecordType.forget) {
      const suspect = this.#suspects.get(keyText);
      if (suspect !== undefined && suspect.head.timestamp <= head.timestamp) this.#suspects.delete(keyText);
      return;
    }
    if (head.type !== RecordType.put && head.type !== RecordType.delete) return;
    if (entry === undefined || entry.timestamp < head.timestamp) {
      // A later record of the same key takes the place of the one before: what a tombstone hides stays hidden.
      if (this.#suspects.size < MAX_SUSPECTS || this.#suspects.has(keyText)) this.#suspects.set(keyText, record);
      return;
    }
    if (!sameLocation(entry.data, location)) return;
    this.#count.records++;
    this.#count.bytes += location.recordBytes;
    if (head.bigId !== 0) return this.#readWhole(keyText, entry);
    const data = Buffer.allocUnsafe(head.dataBytes);
    const read = await volume.file.read(data, location.offset + head.headBytes).catch((error: unknown) => {
      throw new StoreError('device-unavailable', 'the disk failed a read', { cause: error });
    });
    if (read < data.length || !dataHolds(data, { blocks: head.blocks, crc32: this.#o.environment.crc32 })) await this.#quarantine(keyText, entry, 'block checksum, found by the auditor');
  }

  /** Reads as a client would, damage and all. */
  async #readWhole(keyText: string, entry: Entry): Promise<void> {
    try {
      await using reader = await this.#o.records.open(keyText, entry);
      for await (const chunk of reader.read(0, entry.sizeBytes)) {
        this.#count.bytes += chunk.length;
        giveSlab(chunk);
      }
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'corrupt')) throw error;
      this.#count.damaged++;
    }
  }

  async #quarantine(keyText: string, entry: Entry, reason: string): Promise<void> {
    const now = this.#o.table.get(keyText);
    // Overwritten while it was read.
    if (now === undefined || !sameLocation(now.data, entry.data)) return;
    this.#count.damaged++;
    await this.#o.quarantine(keyText, now, reason);
  }

  async #indexUntil(enough: () => boolean): Promise<void> {
    const { table, records, flush } = this.#o;
    await flush();
    for await (const [keyText] of table.range({ bits: 0, first: 0, count: 1, after: this.#after })) {
      this.#after = keyText;
      const entry = table.get(keyText);
      if (entry === undefined) continue;
      this.#count.entries++;
      this.#count.bytes += entry.data.headBytes;
      await records.info(keyText, entry).catch((error: unknown) => {
        if (!(error instanceof StoreError && error.code === 'corrupt')) throw error;
        this.#count.damaged++;
      });
      if (enough()) return;
    }
    await this.#index();
    if (!(await this.#o.indexIsSound())) {
      this.#count.damaged++;
      this.#o.environment.report({ event: 'damage', detail: { what: 'tables of the index; it is made anew when the device is opened again' } });
    }
    this.#count.done = true;
    this.#phase = 'volumes';
    this.#volume = 0;
    this.#offset = DATA_OFFSET;
  }

  /** Puts into the index what it still lacks, now that all of the log was seen. */
  async #index(): Promise<void> {
    const { table, volumes, log, environment, recount } = this.#o;
    const found: string[] = [];
    for (const [keyText, { head, location }] of this.#suspects) {
      const entry = table.get(keyText);
      const volume = volumes.get(location.volume);
      if (volume === undefined || (entry !== undefined && entry.timestamp >= head.timestamp) || volume.headSync(location, environment.crc32) === undefined) continue;
      if (head.type === RecordType.delete) continue; // the others have the tombstone, and send it
      const data = Buffer.allocUnsafe(head.dataBytes);
      if (volume.file.readSync(data, location.offset + head.headBytes) < data.length || !dataHolds(data, { blocks: head.blocks, crc32: environment.crc32 })) continue;
      const { type, key, timestamp, base, name, sizeBytes, bigId, metadata, conditional } = head;
      const etag = (JSON.parse(metadata) as Record<string, string>)['ETag'] ?? '';
      await log.append(new PutWrite(keyText, { fields: { type, key, timestamp, base, name, sizeBytes, bigId, metadata, conditional }, data, blocks: head.blocks }, etag));
      found.push(keyText);
    }
    this.#suspects.clear();
    this.#count.unindexed = found.length;
    if (found.length > 0) await recount(found);
  }
}

type Count = { -readonly [field in keyof AuditStep]: AuditStep[field] };

function emptyCount(): Count {
  return { records: 0, entries: 0, bytes: 0, damaged: 0, brokenGroups: 0, unindexed: 0, done: false };
}

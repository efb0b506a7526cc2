/**
 * Compaction: copies what is still in force out of a volume that is mostly garbage, and unlinks it. A copy goes through the
 * log like any write and takes effect only if the record is still in force when its turn comes, so that in the log every
 * record stands before the one that replaced it: replaying it in order gives the state, whatever was compacted.
 */
import { StoreError, TICKS_PER_MS, type Timestamp } from '#common';
import type { Entry } from './entry.ts';
import { sameLocation, textOf } from './entry.ts';
import type { EntryTable } from './entry-table.ts';
import type { Log } from './log.ts';
import { dataHolds, RecordType, type Location } from './record.ts';
import { scanGroups, type ScannedRecord } from './scan.ts';
import type { Environment, VolumeSettings } from './settings.ts';
import { DATA_OFFSET, type Volume } from './volume.ts';
import type { VolumeSet } from './volume-set.ts';
import { CopyWrite, ReclaimWrite, type Write } from './write.ts';

export interface CompactionOptions {
  readonly environment: Environment;
  readonly settings: VolumeSettings;
  readonly volumes: VolumeSet;
  readonly table: EntryTable;
  readonly log: Log;
  /** Bytes written so far by clients, and copied so far. */
  readonly written: { readonly clientBytes: number; readonly copiedBytes: number };
  readonly checkpoint: () => Promise<void>;
  /** Whether all primaries are known to hold the state of the key. */
  readonly isAgreed: (keyText: string, entry: Entry) => boolean;
  /** Whether what was damaged is still missing. */
  readonly isLost: (keyText: string, timestamp: Timestamp) => boolean;
  /** Whether the promise still stands for the key. */
  readonly isPromised: (keyText: string, timestamp: Timestamp) => boolean;
  /** Called, and waited for, before tombstones leave the index without a record that says so. */
  readonly beforeReclaim: () => Promise<void>;
  readonly quarantine: (keyText: string, entry: Entry, reason: string) => Promise<void>;
}

/** What one step did. */
export interface Compacted {
  /** The volume that was emptied; undefined where none was worth it. */
  readonly volume: number | undefined;
  readonly copiedBytes: number;
  readonly freedBytes: number;
}

/** Copies under way at once. */
const BATCH = 64;
const NOTHING_TO_DO: Compacted = { volume: undefined, copiedBytes: 0, freedBytes: 0 };

/** Empties the one volume that is most worth it. */
export async function compactOne(options: CompactionOptions): Promise<Compacted> {
  const volume = pickVolume(options);
  if (volume === undefined) return NOTHING_TO_DO;
  const copiedBytes = await new Evacuation(options, volume).run();
  // The index must not come back from a crash with entries that point into a volume that is gone.
  await options.checkpoint();
  const freedBytes = volume.end;
  await options.volumes.remove(volume);
  return { volume: volume.number, copiedBytes, freedBytes };
}

/**
 * The volume with the most garbage, older ones first among equals, that the bound on write amplification can afford; one
 * with nothing in force is free. The active volume is never picked, nor the newest: the next one says where it ends.
 */
function pickVolume({ settings, volumes, log, written }: CompactionOptions): Volume | undefined {
  const budget = (settings.writeAmplification - 1) * written.clientBytes - written.copiedBytes;
  let best: Volume | undefined;
  for (const volume of volumes.all().slice(0, -1)) {
    if (volume === log.active || volume.garbage < settings.minGarbage) continue;
    if (volume.liveBytes > Math.max(0, budget)) continue;
    if (best === undefined || volume.garbage > best.garbage) best = volume;
  }
  return best;
}

/** Waits for all of them, also after one has failed: no copy is under way when compaction says that it is over. */
async function all(moves: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(moves)) if (result.status === 'rejected') throw result.reason;
}

class Evacuation {
  readonly #options: CompactionOptions;
  readonly #volume: Volume;
  /** No older volume is left that a tombstone in this one could be hiding something in. */
  readonly #oldest: boolean;
  #copiedBytes = 0;
  #damaged = false;
  #reclaiming: Promise<void> | undefined;

  constructor(options: CompactionOptions, volume: Volume) {
    this.#options = options;
    this.#volume = volume;
    this.#oldest = options.volumes.isOldest(volume);
  }

  /** Answers the bytes it copied. */
  async run(): Promise<number> {
    const { environment } = this.#options;
    let batch: Promise<void>[] = [];
    let end = DATA_OFFSET;
    try {
      for await (const group of scanGroups(this.#volume, DATA_OFFSET, { crc32: environment.crc32, sealed: true })) {
        this.#damaged ||= !group.whole;
        end = group.end;
        for (const record of group.records) {
          const moving = this.#move(record);
          // It may fail while the next records are read; whoever awaits the batch hears of it.
          moving.catch(() => undefined);
          batch.push(moving);
          if (batch.length < BATCH) continue;
          await all(batch);
          batch = [];
        }
      }
    } finally {
      await all(batch);
    }
    if (this.#damaged || end < this.#volume.end) await this.#quarantineRest();
    return this.#copiedBytes;
  }

  async #move(record: ScannedRecord): Promise<void> {
    const { head, location } = record;
    const { table } = this.#options;
    const keyText = textOf(head.key);
    const entry = table.get(keyText);
    if (head.type === RecordType.forget) {
      if (!this.#oldest || this.#options.isLost(keyText, head.timestamp)) await this.#copy(keyText, record);
    } else if (head.type === RecordType.promise) {
      if (this.#options.isPromised(keyText, head.timestamp)) await this.#copy(keyText, record);
    } else if (head.type === RecordType.meta) {
      if (sameLocation(entry?.meta, location)) await this.#copy(keyText, record);
    } else if (entry !== undefined && sameLocation(entry.data, location)) {
      if (entry.deleted && this.#oldest && this.#isReclaimable(keyText, entry)) return this.#reclaim(keyText, location);
      await this.#copy(keyText, record);
    }
  }

  async #reclaim(keyText: string, location: Location): Promise<void> {
    await (this.#reclaiming ??= this.#options.beforeReclaim());
    await this.#append(new ReclaimWrite(keyText, location));
  }

  #isReclaimable(keyText: string, entry: Entry): boolean {
    const { environment, settings, isAgreed } = this.#options;
    if (settings.reclaimAgreed && !isAgreed(keyText, entry)) return false;
    return entry.timestamp / TICKS_PER_MS < environment.clock.nowMs() - settings.reclaimAgeMs;
  }

  async #copy(keyText: string, { head, location }: ScannedRecord): Promise<void> {
    const { environment, table, quarantine, volumes } = this.#options;
    const data = Buffer.allocUnsafe(head.dataBytes);
    const count = await volumes.holding(location).file.read(data, location.offset + head.headBytes);
    if (count < data.length || !dataHolds(data, { blocks: head.blocks, crc32: environment.crc32 })) {
      const entry = table.get(keyText);
      if (entry && sameLocation(entry.data, location)) await quarantine(keyText, entry, 'block checksum, found by compaction');
      return;
    }
    const { type, timestamp, base, key, sizeBytes, bigId, name, metadata, conditional } = head;
    const fields = { type, timestamp, base, key, sizeBytes, bigId, name, metadata, conditional };
    if (await this.#append(new CopyWrite(keyText, location, { fields, data, blocks: head.blocks }))) this.#copiedBytes += location.recordBytes;
  }

  async #append(write: Write): Promise<boolean> {
    return (await this.#options.log.append(write)).outcome === 'committed';
  }

  /** Entries that still point into the volume after the walk point at damage. */
  async #quarantineRest(): Promise<void> {
    const { table, quarantine } = this.#options;
    const { number } = this.#volume;
    await table.flush();
    for await (const [keyText, seen] of table.all()) {
      if (seen.data.volume !== number && seen.meta?.volume !== number) continue;
      const entry = table.get(keyText);
      if (entry && (entry.data.volume === number || entry.meta?.volume === number)) await quarantine(keyText, entry, 'head checksum, found by compaction');
    }
    for await (const [keyText] of table.all()) {
      const entry = table.get(keyText);
      if (entry?.data.volume === number) throw new StoreError('corrupt', `volume ${number} cannot be emptied: ${Buffer.from(keyText, 'latin1').toString('hex')}`);
    }
  }
}

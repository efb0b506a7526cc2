/**
 * Recovery: replays the volumes after the checkpoint, or from the first one where there is none, and so makes the index
 * what it was before the crash, or makes it anew. Replaying what the index has already is harmless: each record says for
 * itself whether it is newer than what is held, and at equal timestamps the later place in the log wins.
 */
import { NEVER } from '#common';
import { changedAt } from '#storage-node/protocol';
import type { DamageSet } from './damages.ts';
import type { Entry } from './entry.ts';
import { textOf } from './entry.ts';
import type { EntryTable } from './entry-table.ts';
import { NO_HASH } from './frame.ts';
import type { LogPosition } from './log.ts';
import type { PendingSet } from './pending.ts';
import type { PromiseSet } from './promises.ts';
import { dataHolds, RecordType } from './record.ts';
import { scanGroups, type ScannedGroup, type ScannedRecord } from './scan.ts';
import type { Environment } from './settings.ts';
import { DATA_OFFSET, type Volume } from './volume.ts';
import type { VolumeSet } from './volume-set.ts';

export interface RecoveryOptions {
  readonly environment: Environment;
  readonly volumes: VolumeSet;
  readonly table: EntryTable;
  readonly pending: PendingSet;
  readonly promises: PromiseSet;
  readonly damages: DamageSet;
  /** Up to where the index is known to hold everything; undefined to replay all. */
  readonly from: LogPosition | undefined;
  /** Hears of every key that a record was replayed for. */
  readonly touch: (keyText: string) => void;
}

export interface Recovered {
  /** Where the log ends. */
  readonly position: LogPosition;
  /** The last group of the newest volume: the only one whose sync may never have happened, or may have failed. */
  readonly tail: { readonly volume: Volume; readonly from: number; readonly to: number } | undefined;
  /**
   * Every change since the checkpoint was replayed: no volume and no frame was missing or damaged, and nothing lies behind the last one. Else
   * the index may know of writes that rot has taken from the log.
   */
  readonly whole: boolean;
}

export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { volumes, from, environment } = options;
  const start = from ?? LOG_START;
  const all = volumes.all();
  const newest = all.at(-1);
  const replay = new Replay(options);
  let position: LogPosition = start;
  let tail: Recovered['tail'];
  let joined = true;
  for (const volume of all) {
    if (volume.number < start.volume) continue;
    if (volume.number > start.volume && !volume.header.previousHash.equals(position.hash)) joined = false;
    const offset = volume.number === start.volume ? start.offset : DATA_OFFSET;
    let end = offset;
    const sealed = volume !== newest;
    for await (const group of scanGroups(volume, offset, { crc32: environment.crc32, sealed })) {
      const ends = !sealed && group.last;
      if (ends && !(await isIntact(volume, group, environment))) break;
      replay.checkHistory(volume, group, position.hash);
      for (const record of group.records) replay.apply(record);
      if (ends) tail = { volume, from: end, to: group.end };
      end = group.end;
      const { sequence, hash } = { sequence: group.frame?.lastSequence ?? 0, hash: group.frame?.hash ?? position.hash };
      position = { volume: volume.number, offset: end, sequence: Math.max(position.sequence, sequence, lastSequence(group)), hash };
    }
    if (volume === newest) {
      volume.dirty = volume.end > end;
      volume.end = end;
    }
  }
  replay.report();
  return { position, tail, whole: replay.whole && joined && !volumes.lost && newest?.dirty !== true };
}

/**
 * The last group of all may have been torn though its frame is there: sectors reach the disk in any order. It counts whole
 * or not at all, so that where the log ends can be said in a number.
 */
async function isIntact(volume: Volume, { whole, records }: ScannedGroup, { crc32 }: Environment): Promise<boolean> {
  if (!whole) return false;
  for (const { head, location } of records) {
    const data = Buffer.allocUnsafe(head.dataBytes);
    const count = await volume.file.read(data, location.offset + head.headBytes);
    if (count < data.length || !dataHolds(data, { blocks: head.blocks, crc32 })) return false;
  }
  return true;
}

function lastSequence({ records }: ScannedGroup): number {
  return records.at(-1)?.head.sequence ?? 0;
}

class Replay {
  readonly #options: RecoveryOptions;
  /** Metadata met before the data it belongs to: compaction moves a data record past the META records that stay behind. */
  readonly #early = new Map<string, ScannedRecord>();
  #records = 0;
  #brokenFrames = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  apply(record: ScannedRecord): void {
    const { table, volumes, pending, promises, damages, touch } = this.#options;
    const { head } = record;
    this.#records++;
    const keyText = textOf(head.key);
    const before = table.get(keyText);
    if (head.type === RecordType.promise) return before === undefined || before.timestamp < head.timestamp ? promises.give(keyText, head.timestamp) : undefined;
    touch(keyText);
    let after = replayed(before, record);
    if (head.type === RecordType.meta && (before === undefined || before.timestamp < head.base)) this.#keepEarly(keyText, record);
    if (head.type === RecordType.forget) this.#early.delete(keyText);
    const early = head.type === RecordType.put ? this.#early.get(keyText) : undefined;
    if (early !== undefined && after !== before) after = replayed(after, early);
    if (after !== undefined) {
      promises.fulfil(keyText, after.timestamp);
      damages.heal(keyText, after);
    } else if (head.type === RecordType.forget && head.base !== NEVER) damages.note(keyText, { timestamp: head.timestamp, metaTimestamp: head.base });
    if (after === before) return;
    volumes.account(before, after);
    if (after === undefined) {
      table.delete(keyText);
      pending.forget(keyText);
      return;
    }
    table.set(keyText, after);
    pending.mark(keyText, changedAt(after), 0);
  }

  #keepEarly(keyText: string, record: ScannedRecord): void {
    const kept = this.#early.get(keyText)?.head;
    if (kept === undefined || kept.base < record.head.base || (kept.base === record.head.base && kept.timestamp <= record.head.timestamp)) this.#early.set(keyText, record);
  }

  /** The chain of frames should be unbroken: where it is not, a frame was damaged or a volume is gone (compaction does that). */
  checkHistory(volume: Volume, group: ScannedGroup, previousHash: Buffer): void {
    const expected = group.records[0]?.location.offset === DATA_OFFSET ? volume.header.previousHash : previousHash;
    if (!group.whole || !group.frame?.previousHash.equals(expected)) this.#brokenFrames++;
  }

  get whole(): boolean {
    return this.#brokenFrames === 0;
  }

  report(): void {
    const { report } = this.#options.environment;
    if (this.#brokenFrames > 0) report({ event: 'damage', detail: { what: 'history', groups: this.#brokenFrames } });
    report({ event: 'recovered', detail: { records: this.#records } });
  }
}

/** The entry after a record, `before` itself where the record changes nothing. */
function replayed(before: Entry | undefined, { head, location }: ScannedRecord): Entry | undefined {
  const { timestamp, sizeBytes, bigId, conditional } = head;
  const marked = (entry: Entry): Entry => (conditional ? { ...entry, conditional } : entry);
  switch (head.type) {
    case RecordType.put:
      if (before !== undefined && before.timestamp > timestamp) return before;
      if (before?.timestamp === timestamp) return before.deleted ? before : { ...before, sizeBytes, bigId, data: location };
      return marked({ timestamp, deleted: false, metaTimestamp: timestamp, sizeBytes, bigId, data: location, meta: undefined });
    case RecordType.delete:
      if (before !== undefined && before.timestamp > timestamp) return before;
      return marked({ timestamp, deleted: true, metaTimestamp: timestamp, sizeBytes: 0, bigId: 0, data: location, meta: undefined });
    case RecordType.meta:
      if (before === undefined || before.deleted || before.timestamp !== head.base || before.metaTimestamp > timestamp) return before;
      return { ...before, metaTimestamp: timestamp, meta: location };
    case RecordType.forget:
      return before === undefined || before.timestamp > timestamp ? before : undefined;
    case RecordType.promise:
    case RecordType.fragment:
      return before;
  }
}

/** The position before everything. */
export const LOG_START: LogPosition = { volume: 0, offset: 0, sequence: 0, hash: NO_HASH };

/**
 * Recovery: replays the volumes after the checkpoint, or from the first one where there is none, and so makes the index
 * what it was before the crash, or makes it anew. Replaying what the index has already is harmless: each record says for
 * itself whether it is newer than what is held, and at equal timestamps the later place in the log wins.
 */
import type { Timestamp } from '#common';
import type { Entry } from './entry.ts';
import { textOf } from './entry.ts';
import type { EntryTable } from './entry-table.ts';
import { NO_HASH } from './frame.ts';
import type { LogPosition } from './log.ts';
import type { PendingSet } from './pending.ts';
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
  /** Up to where the index is known to hold everything; undefined to replay all. */
  readonly from: LogPosition | undefined;
}

/** Answers where the log ends. */
export async function recover(options: RecoveryOptions): Promise<LogPosition> {
  const { volumes, from, environment } = options;
  const start = from ?? LOG_START;
  const all = volumes.all();
  const newest = all.at(-1);
  const replay = new Replay(options);
  let position: LogPosition = start;
  for (const volume of all) {
    if (volume.number < start.volume) continue;
    const offset = volume.number === start.volume ? start.offset : DATA_OFFSET;
    let end = offset;
    for await (const group of scanGroups(volume, offset, environment.crc32)) {
      replay.checkHistory(volume, group, position.hash);
      const torn = group.last && volume === newest;
      for (const record of group.records) {
        if (!torn || (await dataIsWhole(volume, record, environment))) replay.apply(record);
      }
      end = group.end;
      position = { volume: volume.number, offset: end, sequence: Math.max(position.sequence, group.lastSequence), hash: group.hash };
    }
    if (volume === newest) {
      volume.dirty = volume.end > end;
      volume.end = end;
    }
  }
  replay.report();
  return position;
}

/** The last group of all may have been torn though its frame is there: sectors reach the disk in any order. */
async function dataIsWhole(volume: Volume, { head, location }: ScannedRecord, { crc32 }: Environment): Promise<boolean> {
  const data = Buffer.allocUnsafe(head.dataBytes);
  const count = await volume.file.read(data, location.offset + head.headBytes);
  return count === data.length && dataHolds(data, { blocks: head.blocks, crc32 });
}

class Replay {
  readonly #options: RecoveryOptions;
  #records = 0;
  #brokenFrames = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  apply(record: ScannedRecord): void {
    const { table, volumes, pending } = this.#options;
    const { head } = record;
    this.#records++;
    const keyText = textOf(head.key);
    const before = table.get(keyText);
    const after = replayed(before, record);
    if (after === before) return;
    volumes.account(before, after);
    if (after === undefined) {
      table.delete(keyText);
      pending.forget(keyText);
      return;
    }
    table.set(keyText, after);
    pending.mark(keyText, Math.max(after.timestamp, after.metaTimestamp) as Timestamp, 0);
  }

  /** The chain of frames should be unbroken: where it is not, a frame was damaged or a volume is gone (compaction does that). */
  checkHistory(volume: Volume, group: ScannedGroup, previousHash: Buffer): void {
    const expected = group.records[0]?.location.offset === DATA_OFFSET ? volume.header.previousHash : previousHash;
    if (!group.whole || !group.previousHash.equals(expected)) this.#brokenFrames++;
  }

  report(): void {
    const { report } = this.#options.environment;
    if (this.#brokenFrames > 0) report({ event: 'damage', detail: { what: 'history', groups: this.#brokenFrames } });
    report({ event: 'recovered', detail: { records: this.#records } });
  }
}

/** The entry after a record, `before` itself where the record changes nothing. */
function replayed(before: Entry | undefined, { head, location }: ScannedRecord): Entry | undefined {
  const { timestamp, sizeBytes, bigId } = head;
  switch (head.type) {
    case RecordType.put:
      if (before !== undefined && before.timestamp > timestamp) return before;
      if (before?.timestamp === timestamp) return before.deleted ? before : { ...before, sizeBytes, bigId, data: location };
      return { timestamp, deleted: false, metaTimestamp: timestamp, sizeBytes, bigId, data: location, meta: undefined };
    case RecordType.delete:
      if (before !== undefined && before.timestamp > timestamp) return before;
      return { timestamp, deleted: true, metaTimestamp: timestamp, sizeBytes: 0, bigId: 0, data: location, meta: undefined };
    case RecordType.meta:
      if (before === undefined || before.deleted || before.timestamp !== head.base || before.metaTimestamp > timestamp) return before;
      return { ...before, metaTimestamp: timestamp, meta: location };
    case RecordType.forget:
      return before === undefined || before.timestamp > timestamp ? before : undefined;
    case RecordType.fragment:
      return before;
  }
}

/** The position before everything. */
export const LOG_START: LogPosition = { volume: 0, offset: 0, sequence: 0, hash: NO_HASH };

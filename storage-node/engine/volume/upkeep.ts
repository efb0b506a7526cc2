/** Bringing the index up to the log, now and then: flushes of the entry table and checkpoints, one after the other. */
import type { IndexStore } from '../index-store/index-store.ts';
import { writeCheckpoint } from './checkpoint.ts';
import type { DamageSet } from './damages.ts';
import type { SliceDigests } from './digests.ts';
import type { EntryTable } from './entry-table.ts';
import type { LogPosition } from './log.ts';
import type { PendingSet } from './pending.ts';
import type { PromiseSet } from './promises.ts';
import type { Environment, VolumeSettings } from './settings.ts';
import type { VolumeSet } from './volume-set.ts';

export interface UpkeepOptions {
  readonly environment: Environment;
  readonly settings: VolumeSettings;
  readonly index: IndexStore;
  readonly volumes: VolumeSet;
  readonly table: EntryTable;
  readonly pending: PendingSet;
  readonly promises: PromiseSet;
  readonly damages: DamageSet;
  readonly digests: SliceDigests;
  readonly position: () => LogPosition;
  /** Bytes that clients and compaction have written so far. */
  readonly written: () => { readonly clientBytes: number; readonly copiedBytes: number };
}

export class Upkeep {
  readonly #o: UpkeepOptions;
  #turn: Promise<void> = Promise.resolve();
  #due = false;
  #sinceCheckpointBytes = 0;
  /** Tombstones are leaving the index: what a crash leaves of the digests would have to be counted again. */
  #reclaiming = false;

  constructor(options: UpkeepOptions) {
    this.#o = options;
  }

  /** Runs work in turn with flushes and checkpoints. */
  inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  flush(): Promise<void> {
    return this.inTurn(() => this.#o.table.flush());
  }

  /** Brings the index up to the log and says so in it: recovery starts here. */
  checkpoint(): Promise<void> {
    return this.inTurn(async () => {
      const { environment, settings, index, table, volumes, pending, promises, damages } = this.#o;
      const position = this.#o.position();
      const rows = pending.changes();
      promises.expire(environment.clock.nowMs() - settings.reclaimAgeMs);
      const given = promises.changes();
      damages.expire(environment.clock.nowMs() - settings.reclaimAgeMs);
      const lost = damages.changes();
      const live = volumes.all().map((volume) => [volume.number, volume.liveBytes] as const);
      const written = { ...this.#o.written() };
      const digests = !this.#reclaiming;
      const pages = this.#o.digests.changes();
      this.#sinceCheckpointBytes = 0;
      try {
        await table.flush();
        await index.batch([...rows.changes, ...given.changes, ...lost.changes, ...pages.changes]);
        rows.done();
        given.done();
        lost.done();
        await index.barrier();
        await writeCheckpoint(index, { position, nextVolume: volumes.nextNumber, live, ...written, digests });
      } catch (error) {
        pages.failed();
        throw error;
      }
    });
  }

  /** From here on, and durably so, the digests in the index do not count after a crash: reclaiming leaves no records to replay. */
  async beforeReclaim(): Promise<void> {
    this.#reclaiming = true;
    await this.checkpoint();
    await this.#o.index.barrier();
  }

  afterReclaim(): Promise<void> {
    this.#reclaiming = false;
    return this.checkpoint();
  }

  /** Reclaiming ended, however it did. */
  endReclaim(): void {
    this.#reclaiming = false;
  }

  /** So many bytes were written to the log: starts a checkpoint or a flush in the background when enough has come together. */
  wrote(bytes: number): void {
    const { checkpointBytes, flushEntries } = this.#o.settings;
    this.#sinceCheckpointBytes += bytes;
    if (this.#due) return;
    const checkpointDue = this.#sinceCheckpointBytes >= checkpointBytes;
    if (!checkpointDue && this.#o.table.waiting < flushEntries) return;
    this.#due = true;
    const work = checkpointDue ? this.checkpoint() : this.flush();
    work
      .catch((error: unknown) => this.#o.environment.report({ event: 'flush-failed', detail: { error: String(error) } }))
      .finally(() => (this.#due = false));
  }
}

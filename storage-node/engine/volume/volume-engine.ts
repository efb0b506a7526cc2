/**
 * The volume engine: an ObjectEngine that keeps objects in append-only volumes, with an index that the volumes can
 * rebuild. Writes go through the log (log.ts); reads ask the entry table and read the record; this file ties them, the
 * checkpoint and quarantine together. docs/on-disk-format.md describes what it leaves on the disk.
 */
import { NEVER, StoreError, type Timestamp } from '#common';
import type {
  CreateRequest, DeleteRequest, HistoryEntry, Key, KeyedState, KeyRanges, LocalReplica, Moment, ObjectEngine, ObjectInfo, ObjectReader, ObjectState, ObjectWriter,
  PendingRow, Prepared, PrepareRequest, PostRequest, PutRequest, ShippedState, Taken, WriteReceipt,
} from '#storage-node/protocol';
import { changedAt } from '#storage-node/protocol';
import type { IndexStore } from '../index-store/index-store.ts';
import { VolumeAudit, type AuditStep } from './audit.ts';
import { BigFiles } from './big-files.ts';
import { readCheckpoint } from './checkpoint.ts';
import { compactOne, type Compacted } from './compaction.ts';
import { DamageSet } from './damages.ts';
import { sliceOf, type SliceDigests } from './digests.ts';
import { stateOf, textOf, type Entry } from './entry.ts';
import { EntryTable } from './entry-table.ts';
import type { Change, Group } from './group.ts';
import { historyOf } from './history.ts';
import { Log, type LogPosition } from './log.ts';
import { PendingSet } from './pending.ts';
import { PromiseSet } from './promises.ts';
import { RecentStates } from './recent-states.ts';
import type { Location } from './record.ts';
import { RecordAccess } from './record-access.ts';
import { makeDurable, openDigests, openParts, type VolumeEngineOptions } from './opening.ts';
import { Recounting } from './recounting.ts';
import { LOG_START, recover } from './recovery.ts';
import { VolumeReplica } from './replica.ts';
import { Upkeep } from './upkeep.ts';
import type { VolumeSet } from './volume-set.ts';
import { VolumeWriter } from './volume-writer.ts';
import { appendixOf, DeleteWrite, ForgetWrite, PostWrite, PrepareWrite, PutWrite, type Write } from './write.ts';

export class VolumeEngine implements ObjectEngine, LocalReplica {
  readonly #options: VolumeEngineOptions;
  readonly #index: IndexStore;
  readonly #volumes: VolumeSet;
  readonly #table: EntryTable;
  readonly #pending: PendingSet;
  readonly #promises: PromiseSet;
  readonly #damages: DamageSet;
  readonly #recent: RecentStates;
  readonly #digests: SliceDigests;
  readonly #bigs: BigFiles;
  readonly #log: Log;
  readonly #records: RecordAccess;
  readonly #replica: VolumeReplica;
  readonly #upkeep: Upkeep;
  readonly #recounting: Recounting;
  readonly #audit: VolumeAudit;
  #written = { clientBytes: 0, copiedBytes: 0 };
  #compacting = false;
  #closed = false;
  #requests = 0;

  private constructor(options: VolumeEngineOptions, parts: { index: IndexStore; volumes: VolumeSet; table: EntryTable; pending: PendingSet; promises: PromiseSet; damages: DamageSet; digests: SliceDigests; position: LogPosition }) {
    const { environment, settings } = options;
    this.#options = options;
    this.#recent = new RecentStates(options.bornAt);
    this.#index = parts.index;
    this.#volumes = parts.volumes;
    this.#table = parts.table;
    this.#pending = parts.pending;
    this.#promises = parts.promises;
    this.#damages = parts.damages;
    this.#digests = parts.digests;
    this.#bigs = new BigFiles(environment, { directory: `${options.directory}/big`, quarantineDirectory: options.quarantineDirectory });
    this.#records = new RecordAccess({ environment, settings, volumes: parts.volumes, bigs: this.#bigs, quarantine: (keyText, entry, reason) => this.#quarantine(keyText, entry, reason) });
    this.#log = new Log({
      environment,
      settings,
      volumes: parts.volumes,
      position: parts.position,
      lookup: { get: (keyText) => this.#table.get(keyText), metadataAt: (location) => this.#records.metadataAt(location), promised: (keyText) => this.#damages.floor(keyText, this.#promises.get(keyText)) },
      apply: (changes, group) => this.#apply(changes, group),
    });
    const { volumes, table, pending, digests } = parts;
    this.#upkeep = new Upkeep({ environment, settings, ...parts, position: () => this.#log.position, written: () => this.#written });
    const flush = (): Promise<void> => this.#upkeep.flush();
    this.#replica = new VolumeReplica({ environment, settings, table, digests, pending, volumes, records: this.#records, bigs: this.#bigs, log: this.#log, flush, checkRoom: () => this.#checkSpace() });
    this.#recounting = new Recounting({ environment, digests, table, inTurn: (work) => this.#upkeep.inTurn(work) });
    this.#audit = new VolumeAudit({
      environment, volumes, table, records: this.#records, log: this.#log, flush, indexIsSound: () => parts.index.isSound(),
      quarantine: (keyText, entry, reason) => this.#quarantine(keyText, entry, reason),
      recount: (keyTexts) => this.#recounting.recount(keyTexts),
    });
  }

  /** Opens what is in the directory, recovering what the last owner left. An index that cannot be opened is made anew. */
  static async open(options: VolumeEngineOptions): Promise<VolumeEngine> {
    const { environment, directory, quarantineDirectory, device } = options;
    const { volumes, index } = await openParts(options, { directory, quarantineDirectory, device });
    const table = new EntryTable(index);
    const pending = new PendingSet();
    const checkpoint = readCheckpoint(index);
    await pending.load(index);
    const promises = new PromiseSet();
    await promises.load(index);
    const damages = new DamageSet();
    await damages.load(index);
    for (const [number, live] of checkpoint?.live ?? []) {
      const volume = volumes.get(number);
      if (volume) volume.liveBytes = live;
    }
    volumes.reserveNumbers(checkpoint?.nextVolume ?? 1);
    const touched = new Set<number>();
    const { position, tail, whole } = await recover({ environment, volumes, table, pending, promises, damages, from: checkpoint?.position ?? LOG_START, touch: (keyText) => void touched.add(sliceOf(keyText)) });
    // Before the index hears of it: a loss of power now must not leave entries whose records are gone.
    await makeDurable(volumes, tail);
    await table.flush();
    const digests = await openDigests(index, table, whole && checkpoint?.digests === true ? touched : undefined);
    const engine = new VolumeEngine(options, { index, volumes, table, pending, promises, damages, digests, position });
    engine.#written = { clientBytes: checkpoint?.clientBytes ?? 0, copiedBytes: checkpoint?.copiedBytes ?? 0 };
    await engine.#settleIn();
    return engine;
  }

  /** Makes recovery's judgement of the tail final: a new volume says where the others end. */
  async #settleIn(): Promise<void> {
    await this.#log.resume();
    await this.checkpoint();
    await this.#volumes.removeEmpty();
  }

  /** Requests of clients for data so far: what pauses for them watches it grow. */
  get requests(): number {
    return this.#requests;
  }

  async stat(key: Key): Promise<ObjectState | undefined> {
    this.#check();
    return stateOf(this.#demand(textOf(key)));
  }

  async info(key: Key): Promise<ObjectInfo | undefined> {
    this.#check();
    const keyText = textOf(key);
    const entry = this.#demand(keyText);
    return entry && this.#records.info(keyText, entry);
  }

  async open(key: Key): Promise<ObjectReader | undefined> {
    this.#check();
    this.#requests++;
    const keyText = textOf(key);
    const entry = this.#demand(keyText);
    return entry === undefined || entry.deleted ? undefined : this.#records.open(keyText, entry);
  }

  async put(request: PutRequest): Promise<WriteReceipt> {
    this.#checkRoom();
    const { key, name, timestamp, metadata, data, conditional } = request;
    if (data.length > this.#options.settings.bigBytes) {
      const writer = await this.create({ key, name, timestamp, sizeHint: data.length });
      await writer.write(data);
      return writer.commit(metadata, conditional && timestamp);
    }
    const append = appendixOf(request, this.#options.environment.crc32);
    return this.#log.append(new PutWrite(textOf(key), append, metadata['ETag'] ?? ''));
  }

  async create(request: CreateRequest): Promise<ObjectWriter> {
    this.#checkRoom();
    const { environment, settings } = this.#options;
    return new VolumeWriter(request, { settings, crc32: environment.crc32, bigs: this.#bigs, append: (write) => this.#log.append(write) });
  }

  async post({ key, name, timestamp, base, metadata }: PostRequest): Promise<WriteReceipt> {
    this.#check();
    return this.#log.append(new PostWrite(textOf(key), { key, name, timestamp, base, metadata: JSON.stringify(metadata) }));
  }

  async delete(request: DeleteRequest): Promise<WriteReceipt> {
    this.#check();
    return this.#log.append(new DeleteWrite(textOf(request.key), request));
  }

  async prepare(request: PrepareRequest): Promise<Prepared> {
    this.#check();
    const keyText = textOf(request.key);
    this.#demand(keyText);
    const { outcome, previous, promised } = await this.#log.append(new PrepareWrite(keyText, request));
    // Damaged meanwhile: the promise harms nobody, but what is held is no answer.
    if (previous === undefined) this.#demand(keyText);
    // The promise stands: what was not in force before it will not be.
    const hasHeld = request.overtaken && { hasHeld: this.#recent.hasHeld(keyText, request.overtaken, this.#table.get(keyText)?.timestamp) };
    return { outcome: outcome === 'committed' ? 'promised' : 'refused', state: previous, promised: promised ?? NEVER, ...hasHeld };
  }

  abandon(key: Key, timestamp: Timestamp): void {
    this.#promises.abandon(textOf(key), timestamp);
  }

  settle(key: Key, timestamp: Timestamp): void {
    this.#pending.settle(textOf(key), timestamp);
  }

  async pending({ olderThanMs, limit }: { olderThanMs: number; limit: number }): Promise<PendingRow[]> {
    this.#check();
    const rows: PendingRow[] = [];
    for (const keyText of this.#pending.keys(this.#options.environment.clock.nowMs() - olderThanMs)) {
      if (rows.length >= limit) break;
      const row = await this.#pendingRow(keyText);
      if (row) rows.push(row);
    }
    return rows;
  }

  /** One step of compaction: empties at most one volume, and sweeps orphaned big files. For a daemon, one step at a time. */
  async compact(): Promise<Compacted> {
    this.#check();
    if (this.#compacting) return { volume: undefined, copiedBytes: 0, freedBytes: 0 };
    this.#compacting = true;
    try {
      const { environment, settings } = this.#options;
      const done = await compactOne({
        environment, settings, volumes: this.#volumes, table: this.#table, log: this.#log, written: this.#written,
        checkpoint: () => this.#upkeep.afterReclaim(),
        isLost: (keyText, timestamp) => this.#damages.stands(keyText, timestamp),
        isPromised: (keyText, timestamp) => this.#promises.has(keyText, timestamp),
        isAgreed: (keyText, entry) => this.#replica.isAgreed(keyText, entry),
        beforeReclaim: () => this.#upkeep.beforeReclaim(),
        quarantine: (keyText, entry, reason) => this.#quarantine(keyText, entry, reason),
      });
      // A failed group may still name a file until a later volume says that it does not count.
      if (!this.#log.unsealed) await this.#bigs.sweep((key, id) => this.#table.get(textOf(key))?.bigId === id);
      return done;
    } catch (error) {
      throw error instanceof StoreError ? error : new StoreError('device-unavailable', 'compaction failed', { cause: error });
    } finally {
      this.#compacting = false;
      this.#upkeep.endReclaim();
    }
  }

  /** One step of the audit (audit.ts): reads about so many bytes of what is held. For a daemon, one step at a time. */
  audit(bytes: number): Promise<AuditStep> {
    this.#check();
    return this.#audit.step(bytes);
  }

  /** Brings the index up to the log and says so in it: recovery starts here. */
  checkpoint(): Promise<void> {
    return this.#upkeep.checkpoint();
  }

  /** Every state held, in order of key; flushes first. For audits. */
  async *everything(): AsyncGenerator<KeyedState> {
    await this.#upkeep.flush();
    for await (const [keyText, entry] of this.#table.all()) yield { key: Buffer.from(keyText, 'latin1'), state: stateOf(entry) };
  }

  digests(ranges: KeyRanges): Promise<Buffer> {
    this.#check();
    return this.#replica.digests(ranges);
  }

  states(request: KeyRanges & { after?: Key | undefined; limit: number }): Promise<KeyedState[]> {
    this.#check();
    return this.#replica.states(request);
  }

  history(key: Key): Promise<HistoryEntry[]> {
    this.#check();
    return historyOf(key, { environment: this.#options.environment, volumes: this.#volumes, entry: this.#table.get(textOf(key)) });
  }

  take(states: AsyncIterable<ShippedState>): Promise<Taken> {
    this.#check();
    return this.#replica.take(states);
  }

  ship(keys: readonly Key[]): AsyncIterable<ShippedState> {
    this.#check();
    return this.#replica.ship(keys);
  }

  release(states: readonly KeyedState[]): Promise<number> {
    this.#check();
    return this.#replica.release(states);
  }

  moment(): Moment {
    return this.#replica.moment();
  }

  agree(ranges: KeyRanges, moment: Moment): void {
    this.#replica.agree(ranges, moment);
  }

  /** How it is, for whoever looks after devices. */
  vitals(): { fenced: boolean; low: boolean; volumes: number; bytes: number; liveBytes: number; pending: number; damaged: number } {
    const volumes = this.#volumes.all();
    const sum = (of: (volume: (typeof volumes)[number]) => number): number => volumes.reduce((total, volume) => total + of(volume), 0);
    return { fenced: this.#log.isFenced, low: this.#log.isLow, volumes: volumes.length, bytes: sum(({ end }) => end), liveBytes: sum(({ liveBytes }) => liveBytes), pending: this.#pending.size, damaged: this.#damages.size };
  }

  /** How many slices' digests are not what counting their keys says: 0, whatever happened. For audits; nothing may be written meanwhile. */
  async wrongDigests(): Promise<number> {
    await this.#upkeep.flush();
    return this.#digests.wrong(this.#table);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#log.drain();
      await this.#recounting.settled();
      await this.checkpoint();
    } finally {
      await this.#bigs.close();
      await this.#index.close();
      this.#volumes.close();
    }
  }

  /** What is held; `corrupt` where that was damaged, and nobody can say from here what there is. */
  #demand(keyText: string): Entry | undefined {
    this.#damages.check(keyText);
    return this.#table.demand(keyText);
  }

  #check(): void {
    if (this.#closed) throw new StoreError('device-unavailable', 'the device is closed');
    this.#log.check();
  }

  #checkRoom(): void {
    this.#requests++;
    this.#checkSpace();
  }

  #checkSpace(): void {
    this.#check();
    if (this.#log.isLow) throw new StoreError('device-full', 'the device has less free than its reserve');
  }

  async #pendingRow(keyText: string): Promise<PendingRow | undefined> {
    const key = Buffer.from(keyText, 'latin1');
    try {
      const info = await this.info(key);
      if (info !== undefined) return { key, info };
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'corrupt')) throw error;
    }
    this.#pending.forget(keyText); // nothing is held: there is no row to send
    return undefined;
  }

  #apply(changes: readonly Change[], { bytes, clientBytes, copiedBytes, promises }: Pick<Group, 'bytes' | 'clientBytes' | 'copiedBytes' | 'promises'>): void {
    const nowMs = this.#options.environment.clock.nowMs();
    for (const [keyText, timestamp] of promises) this.#promises.give(keyText, timestamp);
    for (const { write, before, after } of changes) {
      this.#digests.change(write.keyText, before, after);
      if (after === undefined) this.#forget(write, before);
      else {
        this.#table.set(write.keyText, after);
        this.#promises.fulfil(write.keyText, after.timestamp);
        if (before?.timestamp !== after.timestamp && !this.#damages.has(write.keyText)) this.#recent.replaced(write.keyText, before?.timestamp);
        this.#damages.heal(write.keyText, after);
        if (write.rowPending) this.#pending.mark(write.keyText, changedAt(after), nowMs);
      }
      if (before !== undefined && before.bigId !== 0 && before.bigId !== after?.bigId) this.#dropBig(write, before.bigId);
    }
    this.#written.clientBytes += clientBytes;
    this.#written.copiedBytes += copiedBytes;
    this.#upkeep.wrote(bytes);
  }

  #forget(write: Write, before: Entry | undefined): void {
    const { keyText } = write;
    if (before !== undefined && write instanceof ForgetWrite) this.#damages.note(keyText, before);
    this.#table.delete(keyText);
    this.#recent.forget(keyText);
    this.#pending.forget(keyText);
  }

  #dropBig(write: Write, id: number): void {
    const key = Buffer.from(write.keyText, 'latin1');
    if (write instanceof ForgetWrite) this.#bigs.quarantine(key, id);
    else this.#bigs.remove(key, id);
  }

  /** Notes damage durably and forgets the key, unless it was written again meanwhile. */
  async #quarantine(keyText: string, entry: Entry, reason: string): Promise<void> {
    const key = Buffer.from(keyText, 'latin1');
    const { volume, offset }: Location = entry.data;
    this.#options.environment.report({ event: 'quarantined', detail: { key: key.toString('hex'), volume, offset, reason } });
    await this.#records.note(key, entry, reason);
    await this.#log.append(new ForgetWrite(keyText, key, entry));
  }
}

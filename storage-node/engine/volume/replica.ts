/** The side of a volume engine that other replicas see: digests, states, whole states taken from others and shipped to them. */
import { crc32 } from 'node:zlib';
import { isStoreError, type Timestamp } from '#common';
import { giveSlab, inSlabs } from '#common/stream';
import {
  DIGEST_BYTES, DIGEST_LANES, addState, prefixOf,
  type Key, type KeyedState, type KeyRanges, type Moment, type ShippedState, type Taken, type WriteReceipt,
} from '#storage-node/protocol';
import type { BigFiles } from './big-files.ts';
import { SLICE_BITS, type SliceDigests } from './digests.ts';
import { stateOf, textOf, type Entry } from './entry.ts';
import type { EntryTable } from './entry-table.ts';
import type { Log } from './log.ts';
import type { PendingSet } from './pending.ts';
import { RecordType } from './record.ts';
import type { RecordAccess } from './record-access.ts';
import type { Environment, VolumeSettings } from './settings.ts';
import { Shipping } from './shipping.ts';
import { readVerified } from './verified.ts';
import { VolumeWriter } from './volume-writer.ts';
import type { VolumeSet } from './volume-set.ts';
import { DeleteWrite, PostWrite, PutWrite, ReleaseWrite, type Write } from './write.ts';

export interface ReplicaOptions {
  readonly environment: Environment;
  readonly settings: VolumeSettings;
  readonly table: EntryTable;
  readonly digests: SliceDigests;
  readonly pending: PendingSet;
  readonly volumes: VolumeSet;
  readonly records: RecordAccess;
  readonly bigs: BigFiles;
  readonly log: Log;
  /** Brings the index up to the table. */
  readonly flush: () => Promise<void>;
  /** Throws where the device takes no more data. */
  readonly checkRoom: () => void;
}

/** Writes of others' states that are under way at once, and their bytes. */
const MAX_TAKING = 512;
const MAX_FILES = 16;
/** Slabs of an object that the disk may lag behind. */
const SLABS_OUT = 4;
const MAX_TAKING_BYTES = 32 << 20;

export class VolumeReplica {
  readonly #options: ReplicaOptions;
  /** By range of keys: up to when all primaries hold what is held here. */
  #agreed = { bits: 0, moments: new Map<number, Moment>() };

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  async digests({ bits, prefixes }: KeyRanges): Promise<Buffer> {
    const sums = Buffer.alloc(prefixes.length * DIGEST_BYTES);
    if (bits > SLICE_BITS) return this.#count({ bits, prefixes }, sums);
    prefixes.forEach((prefix, i) => this.#options.digests.sum({ bits, prefix }, sums, i * DIGEST_BYTES));
    return sums;
  }

  /** Ranges smaller than a slice: their keys are counted. */
  async #count({ bits, prefixes }: KeyRanges, sums: Buffer): Promise<Buffer> {
    await this.#options.flush();
    const lanes = new Uint32Array(DIGEST_LANES);
    for (const [i, prefix] of prefixes.entries()) {
      lanes.fill(0);
      for await (const [keyText, entry] of this.#options.table.range({ bits, first: prefix, count: 1 })) addState(lanes, 0, keyText, entry);
      sums.writeUInt32LE(lanes[0]!, i * DIGEST_BYTES);
      sums.writeUInt32LE(lanes[1]!, i * DIGEST_BYTES + 4);
    }
    return sums;
  }

  async states({ bits, prefixes, after, limit }: KeyRanges & { after?: Key | undefined; limit: number }): Promise<KeyedState[]> {
    const { table, flush } = this.#options;
    await flush();
    const afterText = after && textOf(after);
    const found: KeyedState[] = [];
    for (const { first, count } of runs(prefixes, afterText === undefined ? -1 : prefixOf(afterText, bits))) {
      const behind = afterText !== undefined && prefixOf(afterText, bits) >= first ? afterText : undefined;
      for await (const [keyText, entry] of table.range({ bits, first, count, after: behind })) {
        found.push({ key: Buffer.from(keyText, 'latin1'), state: stateOf(entry) });
        if (found.length >= limit) return found;
      }
    }
    return found;
  }

  async take(states: AsyncIterable<ShippedState>): Promise<Taken> {
    const taken: Taken = { taken: 0, kept: 0, damaged: 0 };
    const taking = new Set<Promise<void>>();
    let takingBytes = 0;
    let fault: unknown;
    for await (const state of states) {
      if (fault !== undefined) break;
      const held = this.#options.table.get(textOf(state.key));
      if (!isNewer(state, held)) {
        taken.kept++;
        continue;
      }
      const written = await this.#take(state, held);
      if (written === undefined) {
        taken.damaged++;
        continue;
      }
      // Those with files of their own are on the disk already, and wait for its sync only.
      const weight = state.sizeBytes > this.#options.settings.bigBytes ? MAX_TAKING_BYTES / MAX_FILES : state.sizeBytes;
      takingBytes += weight;
      const over: Promise<void> = written.receipt
        .then((receipt) => void (receipt.durability !== undefined ? taken.taken++ : taken.kept++), (error: unknown) => void (isStoreError(error, 'corrupt') ? taken.damaged++ : (fault ??= error)))
        .finally(() => {
          taking.delete(over);
          takingBytes -= weight;
        });
      taking.add(over);
      while (taking.size >= MAX_TAKING || takingBytes >= MAX_TAKING_BYTES) await Promise.race(taking);
    }
    await Promise.all(taking);
    if (fault !== undefined) throw fault as Error;
    return taken;
  }

  ship(keys: readonly Key[]): AsyncIterable<ShippedState> {
    const { environment, table, volumes, records } = this.#options;
    return new Shipping({ environment, table, volumes, records }).ship(keys);
  }

  async release(states: readonly KeyedState[]): Promise<number> {
    const { pending, log } = this.#options;
    const receipts = await Promise.all(states.flatMap(({ key, state }) => (pending.has(textOf(key)) ? [] : [log.append(new ReleaseWrite(textOf(key), { key, state }))])));
    return receipts.filter(({ outcome }) => outcome === 'committed').length;
  }

  moment(): Moment {
    const { volume, offset } = this.#options.log.position;
    return { volume, offset };
  }

  agree({ bits, prefixes }: KeyRanges, moment: Moment): void {
    if (this.#agreed.bits !== bits) this.#agreed = { bits, moments: new Map() };
    for (const prefix of prefixes) this.#agreed.moments.set(prefix, moment);
  }

  /** Whether all primaries are known to hold the state, too. */
  isAgreed(keyText: string, { data }: Entry): boolean {
    const moment = this.#agreed.moments.get(prefixOf(keyText, this.#agreed.bits));
    return moment !== undefined && (data.volume < moment.volume || (data.volume === moment.volume && data.offset < moment.offset));
  }

  /** Begins to write a state; undefined where its data is not what its checksums say. */
  async #take(state: ShippedState, held: Entry | undefined): Promise<Writing | undefined> {
    const { key, name, timestamp, conditional } = state;
    const append = (write: Write): Promise<WriteReceipt> => this.#options.log.append(write);
    if (state.deleted) return begun(append(new DeleteWrite(textOf(key), { key, name, timestamp, conditional }, false)));
    const hasData = held?.timestamp === timestamp && held.sizeBytes === state.sizeBytes;
    let data: Writing | undefined;
    // Asked of the data even where only a post is missing, if sizes say that it is other data: the ETag then decides.
    if (!hasData || state.posted === undefined) {
      this.#options.checkRoom();
      data = state.sizeBytes > this.#options.settings.bigBytes ? await this.#takeBig(state) : await this.#takeSmall(state);
      if (data === undefined) return undefined;
    }
    const { posted } = state;
    if (posted === undefined) return data;
    // The log keeps the order in which writes are queued: the post finds its data.
    const post = append(new PostWrite(textOf(key), { key, name, timestamp: posted.timestamp, base: timestamp, metadata: JSON.stringify(posted.metadata) }, false));
    return begun(Promise.all([data?.receipt, post]).then(([put, receipt]) => (put?.durability ? put : receipt)));
  }

  async #takeSmall(state: ShippedState): Promise<Writing | undefined> {
    const { key, name, timestamp, metadata, sizeBytes, blocks, conditional } = state;
    const data = await readVerified(state);
    if (data === undefined) return undefined;
    const fields = { type: RecordType.put, key, name, timestamp, base: 0 as Timestamp, sizeBytes, bigId: 0, metadata: JSON.stringify(metadata), conditional };
    return begun(this.#options.log.append(new PutWrite(textOf(key), { fields, data, blocks }, metadata['ETag'] ?? '', false)));
  }

  async #takeBig(state: ShippedState): Promise<Writing> {
    const { key, name, timestamp, metadata, sizeBytes, conditional } = state;
    const { settings, bigs, log } = this.#options;
    const writer = new VolumeWriter({ key, name, timestamp, sizeHint: sizeBytes, conditional }, { settings, crc32, bigs, append: (write) => log.append(write), rowPending: false, blocks: state.blocks });
    try {
      let out: Buffer[] = [];
      for await (const slab of inSlabs(state.read())) {
        await writer.write(slab);
        out.push(slab);
        if (out.length < SLABS_OUT || !(await writer.written())) continue;
        out.forEach(giveSlab);
        out = [];
      }
    } catch (error) {
      await writer.abort();
      throw error;
    }
    return begun(writer.commit(metadata));
  }
}

/** Whether a state may change what is held. Ties of timestamps are decided by the write, which sees the ETag. */
function isNewer({ timestamp, deleted, posted }: ShippedState, held: Entry | undefined): boolean {
  if (held === undefined || held.timestamp < timestamp) return true;
  if (held.timestamp > timestamp || held.deleted) return false;
  return deleted || posted === undefined || held.metaTimestamp <= posted.timestamp;
}

/** A write that is under way. In a box, so that whoever begins it can wait for the beginning alone. */
interface Writing {
  readonly receipt: Promise<WriteReceipt>;
}

/** Somebody will look at the receipt later: until then its fault is nobody's. */
function begun(receipt: Promise<WriteReceipt>): Writing {
  receipt.catch(() => undefined);
  return { receipt };
}

/** Neighbouring prefixes as one range, without those below `from`. */
function* runs(prefixes: readonly number[], from: number): Generator<{ first: number; count: number }> {
  let run: { first: number; count: number } | undefined;
  for (const prefix of prefixes) {
    if (prefix < from) continue;
    if (run !== undefined && run.first + run.count === prefix) run.count++;
    else {
      if (run) yield run;
      run = { first: prefix, count: 1 };
    }
  }
  if (run) yield run;
}

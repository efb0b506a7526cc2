/**
 * The ObjectEngine as a Map: the model that the volume engine is compared with, and the engine of tests that need no
 * disk. It states the port's ordering rules in their shortest form and shares no code with the volume engine, so that a
 * fault in either shows as a difference.
 */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { NEVER, StoreError, type Clock, type Timestamp } from '#common';
import { addState, changedAt, DIGEST_LANES, prefixOf } from '#storage-node/protocol';
import type {
  CreateRequest, DeleteRequest, HistoryEntry, Key, KeyedState, KeyRanges, LocalReplica, Metadata, Moment, ObjectEngine, ObjectInfo, ObjectReader, ObjectState,
  ObjectWriter, PendingRow, Prepared, PrepareRequest, PostRequest, PutRequest, ShippedState, Taken, WriteReceipt,
} from '#storage-node/protocol';

/** What is held for one key. */
interface Held {
  readonly name: string;
  readonly timestamp: Timestamp;
  readonly deleted: boolean;
  /** Of the data record; `metadata` is what is in force. */
  readonly ownMetadata: Metadata;
  /** ETag of the data record; '' for a tombstone. Decides between puts of one timestamp. */
  readonly etag: string;
  readonly data: Buffer;
  readonly metaTimestamp: Timestamp;
  readonly metadata: Metadata;
  readonly conditional?: true;
}

interface Pending {
  readonly timestamp: Timestamp;
  readonly sinceMs: number;
}

/** Largest chunk that `read` yields. */
const CHUNK_BYTES = 1 << 20;

/** An ObjectEngine in memory; nothing in it survives the process. */
export class MemoryObjectEngine implements ObjectEngine, LocalReplica {
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();
  readonly #pending = new Map<string, Pending>();
  /** By key: no data and no tombstone older than any of these any more. */
  readonly #promises = new Map<string, Set<Timestamp>>();
  /** By key: timestamps of everything that was ever in force. */
  /** By key: how new it was when it was damaged. */
  readonly #lost = new Map<string, { readonly timestamp: Timestamp; readonly metaTimestamp: Timestamp }>();
  readonly #everHeld = new Map<string, Set<Timestamp>>();
  #sequence = 0;

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
  }

  async stat(key: Key): Promise<ObjectState | undefined> {
    return stateOf(this.#demand(key));
  }

  async info(key: Key): Promise<ObjectInfo | undefined> {
    return infoOf(this.#demand(key));
  }

  async open(key: Key): Promise<ObjectReader | undefined> {
    const held = this.#demand(key);
    return held === undefined || held.deleted ? undefined : new MemoryReader(held);
  }

  async put(request: PutRequest): Promise<WriteReceipt> {
    return this.#put({ ...request, data: Buffer.from(request.data) });
  }

  async create(request: CreateRequest): Promise<ObjectWriter> {
    return new MemoryWriter((data, metadata, ballot) => this.#put({ ...request, ...(ballot === undefined ? {} : { timestamp: ballot, conditional: true }), data, metadata }));
  }

  async post({ key, timestamp, base, metadata }: PostRequest): Promise<WriteReceipt> {
    const held = this.#held.get(key.toString('hex'));
    if (held === undefined || held.deleted || held.timestamp !== base) return this.#unchanged('absent', held);
    const order = timestamp - held.metaTimestamp || compareMetadata(metadata, held.metadata);
    if (timestamp <= held.timestamp || order < 0) return this.#unchanged('superseded', held);
    if (order === 0) return this.#unchanged('committed', held);
    return this.#commit(key, held, { ...held, metaTimestamp: timestamp, metadata });
  }

  async delete({ key, name, timestamp, conditional }: DeleteRequest): Promise<WriteReceipt> {
    const held = this.#held.get(key.toString('hex'));
    if (held !== undefined && held.timestamp > timestamp) return this.#unchanged('superseded', held);
    if (held?.deleted && held.timestamp === timestamp) return this.#unchanged('committed', held);
    const promised = this.#promised(key);
    if (timestamp < promised) return { ...this.#unchanged('superseded', held), promised };
    const none = { deleted: true, ownMetadata: {}, etag: '', data: Buffer.alloc(0), metadata: {} };
    return this.#commit(key, held, { name, timestamp, metaTimestamp: timestamp, ...none, ...(conditional ? { conditional } : {}) });
  }

  async prepare(request: PrepareRequest): Promise<Prepared> {
    const prepared = this.#prepare(request);
    const { key, overtaken } = request;
    return overtaken === undefined ? prepared : { ...prepared, hasHeld: this.#everHeld.get(key.toString('hex'))?.has(overtaken) ?? false };
  }

  #prepare({ key, timestamp }: PrepareRequest): Prepared {
    const held = this.#demand(key);
    const promised = this.#promised(key);
    const state = stateOf(held);
    if (timestamp <= promised || (held !== undefined && timestamp <= changedAt(held))) return { outcome: 'refused', state, promised };
    this.#promises.set(key.toString('hex'), new Set([...(this.#promises.get(key.toString('hex')) ?? []), timestamp]));
    return { outcome: 'promised', state, promised: timestamp };
  }

  abandon(key: Key, timestamp: Timestamp): void {
    this.#promises.get(key.toString('hex'))?.delete(timestamp);
  }

  settle(key: Key, timestamp: Timestamp): void {
    const pending = this.#pending.get(key.toString('hex'));
    if (pending !== undefined && pending.timestamp <= timestamp) this.#pending.delete(key.toString('hex'));
  }

  async pending({ olderThanMs, limit }: { olderThanMs: number; limit: number }): Promise<PendingRow[]> {
    const before = this.#clock.nowMs() - olderThanMs;
    const rows: PendingRow[] = [];
    for (const [hex, { sinceMs }] of this.#pending) {
      if (rows.length >= limit) break;
      const info = infoOf(this.#held.get(hex));
      if (sinceMs <= before && info !== undefined) rows.push({ key: Buffer.from(hex, 'hex'), info });
    }
    return rows;
  }

  /** Only of what is in force: a model keeps no log. */
  async history(key: Key): Promise<HistoryEntry[]> {
    const state = await this.stat(key);
    if (state === undefined) return [];
    const { timestamp, sizeBytes, deleted, conditional } = state;
    return [{ event: deleted ? 'deleted' : 'written', timestamp, sizeBytes, conditional: conditional === true, atMs: undefined, inForce: true, again: false, place: 'memory', reason: undefined }];
  }

  async digests({ bits, prefixes }: KeyRanges): Promise<Buffer> {
    const lanes = new Uint32Array(prefixes.length * DIGEST_LANES);
    for (const { key, state } of this.#sorted()) {
      const at = prefixes.indexOf(prefixOf(key.toString('latin1'), bits));
      if (at >= 0) addState(lanes, at * DIGEST_LANES, key.toString('latin1'), state);
    }
    return Buffer.from(lanes.buffer);
  }

  async states({ bits, prefixes, after, limit }: KeyRanges & { after?: Key | undefined; limit: number }): Promise<KeyedState[]> {
    const wanted = this.#sorted().filter(({ key }) => prefixes.includes(prefixOf(key.toString('latin1'), bits)));
    return wanted.filter(({ key }) => after === undefined || Buffer.compare(key, after) > 0).slice(0, limit);
  }

  async take(states: AsyncIterable<ShippedState>): Promise<Taken> {
    const taken = { taken: 0, kept: 0, damaged: 0 };
    for await (const state of states) {
      const hex = state.key.toString('hex');
      const pending = this.#pending.get(hex);
      const outcome = await this.#takeOne(state);
      taken[outcome]++;
      // A copy's row is the business of whoever took the object from a client.
      if (pending) this.#pending.set(hex, pending);
      else this.#pending.delete(hex);
    }
    return taken;
  }

  async *ship(keys: readonly Key[]): AsyncGenerator<ShippedState, void, undefined> {
    for (const key of keys) {
      const held = this.#held.get(key.toString('hex'));
      if (held === undefined) continue;
      const { name, timestamp, deleted, data, ownMetadata, metaTimestamp, metadata } = held;
      const posted = metaTimestamp > timestamp ? { timestamp: metaTimestamp, metadata } : undefined;
      const blocks: number[] = [];
      for (let at = 0; at < data.length; at += 65_536) blocks.push(crc32(data.subarray(at, at + 65_536)));
      const read = async function* (): AsyncGenerator<Buffer, void, undefined> {
        for (let at = 0; at < data.length; at += CHUNK_BYTES) yield data.subarray(at, at + CHUNK_BYTES);
      };
      yield { key, name, timestamp, deleted, sizeBytes: data.length, conditional: held.conditional, metadata: ownMetadata, posted, blocks, data: data.length <= CHUNK_BYTES ? data : undefined, read };
    }
  }

  async release(states: readonly KeyedState[]): Promise<number> {
    let released = 0;
    for (const { key, state } of states) {
      const held = stateOf(this.#held.get(key.toString('hex')));
      if (this.#pending.has(key.toString('hex')) || held === undefined || JSON.stringify(held) !== JSON.stringify(state)) continue;
      this.forget(key);
      released++;
    }
    return released;
  }

  moment(): Moment {
    return { volume: 1, offset: this.#sequence };
  }

  agree(): void {
    // Tombstones are never reclaimed here.
  }

  async #takeOne(state: ShippedState): Promise<'taken' | 'kept' | 'damaged'> {
    const { key, name, timestamp, metadata, posted, conditional } = state;
    const chunks: Buffer[] = [];
    for await (const chunk of state.read()) chunks.push(chunk);
    const data = Buffer.concat(chunks);
    const intact = state.blocks.every((crc, i) => crc === crc32(data.subarray(i * 65_536, (i + 1) * 65_536)));
    if (data.length !== state.sizeBytes || !intact) return 'damaged';
    const before = JSON.stringify(stateOf(this.#held.get(key.toString('hex'))));
    if (state.deleted) await this.delete({ key, name, timestamp, conditional });
    else await this.put({ key, name, timestamp, metadata, data, conditional });
    if (posted) await this.post({ key, name, timestamp: posted.timestamp, base: timestamp, metadata: posted.metadata });
    return JSON.stringify(stateOf(this.#held.get(key.toString('hex')))) === before ? 'kept' : 'taken';
  }

  #sorted(): KeyedState[] {
    return [...this.#held].sort(([a], [b]) => (a < b ? -1 : 1)).map(([hex, held]) => ({ key: Buffer.from(hex, 'hex'), state: stateOf(held) }));
  }

  /** Forgets a key as if it had never been written. */
  forget(key: Key): void {
    this.#held.delete(key.toString('hex'));
    this.#pending.delete(key.toString('hex'));
  }

  /** What quarantine does to a damaged record: the key is forgotten, but for how new it was. */
  damage(key: Key): void {
    const hex = key.toString('hex');
    const { timestamp, metaTimestamp } = this.#held.get(hex) ?? this.#lost.get(hex) ?? { timestamp: NEVER, metaTimestamp: NEVER };
    this.forget(key);
    if (timestamp > NEVER) this.#lost.set(hex, { timestamp, metaTimestamp });
  }

  #demand(key: Key): Held | undefined {
    const hex = key.toString('hex');
    if (this.#lost.has(hex)) throw new StoreError('corrupt', 'what the device had was damaged');
    return this.#held.get(hex);
  }

  #promised(key: Key): Timestamp {
    const hex = key.toString('hex');
    return Math.max(NEVER, this.#lost.get(hex)?.timestamp ?? NEVER, ...(this.#promises.get(hex) ?? [])) as Timestamp;
  }

  #put({ key, name, timestamp, metadata, data, conditional }: PutRequest): WriteReceipt {
    const held = this.#held.get(key.toString('hex'));
    const etag = metadata['ETag'] ?? '';
    if (held !== undefined && held.timestamp > timestamp) return this.#unchanged('superseded', held);
    if (held?.timestamp !== timestamp) {
      const promised = this.#promised(key);
      if (timestamp < promised) return { ...this.#unchanged('superseded', held), promised };
      return this.#commit(key, held, { name, timestamp, deleted: false, ownMetadata: metadata, etag, data, metaTimestamp: timestamp, metadata, ...(conditional ? { conditional } : {}) });
    }
    const order = held.deleted ? -1 : Buffer.compare(Buffer.from(etag), Buffer.from(held.etag));
    if (order <= 0) return this.#unchanged(order < 0 ? 'superseded' : 'committed', held);
    // Metadata posted for this timestamp stays: it was made for this data record whichever of the two won.
    const posted = held.metaTimestamp > held.timestamp;
    return this.#commit(key, held, { ...held, etag, data, ownMetadata: metadata, metadata: posted ? held.metadata : metadata });
  }

  #commit(key: Key, previous: Held | undefined, held: Held): WriteReceipt {
    const hex = key.toString('hex');
    this.#held.set(hex, held);
    const lost = this.#lost.get(hex);
    if (lost !== undefined && (held.timestamp > lost.timestamp || (held.timestamp === lost.timestamp && held.metaTimestamp >= lost.metaTimestamp))) this.#lost.delete(hex);
    this.#everHeld.set(hex, (this.#everHeld.get(hex) ?? new Set()).add(held.timestamp));
    for (const promise of this.#promises.get(hex) ?? []) if (promise <= held.timestamp) this.abandon(key, promise);
    this.#pending.delete(hex); // so that the Map stays in order of time
    this.#pending.set(hex, { timestamp: changedAt(held), sinceMs: this.#clock.nowMs() });
    const durability = { volume: 1, sequence: ++this.#sequence, syncedAtMs: this.#clock.nowMs() };
    return { outcome: 'committed', state: stateOf(held), previous: stateOf(previous), durability };
  }

  #unchanged(outcome: WriteReceipt['outcome'], held: Held | undefined): WriteReceipt {
    const state = stateOf(held);
    const never = { timestamp: NEVER, deleted: true, metaTimestamp: NEVER, sizeBytes: 0 };
    return { outcome, state: state ?? never, previous: state, durability: undefined };
  }
}

/** Collects chunks until commit. */
class MemoryWriter implements ObjectWriter {
  #chunks: Buffer[] = [];
  #open = true;
  readonly #put: (data: Buffer, metadata: Metadata, ballot: Timestamp | undefined) => WriteReceipt;

  constructor(put: (data: Buffer, metadata: Metadata, ballot: Timestamp | undefined) => WriteReceipt) {
    this.#put = put;
  }

  async write(chunk: Buffer): Promise<void> {
    assert(this.#open, 'write on a writer that was committed or aborted');
    this.#chunks.push(chunk);
  }

  async commit(metadata: Metadata, ballot?: Timestamp): Promise<WriteReceipt> {
    assert(this.#open, 'commit on a writer that was committed or aborted');
    this.#open = false;
    return this.#put(Buffer.concat(this.#chunks), metadata, ballot);
  }

  async abort(): Promise<void> {
    this.#open = false;
    this.#chunks = [];
  }
}

class MemoryReader implements ObjectReader {
  readonly info: ObjectInfo;
  readonly data: Buffer;

  constructor(held: Held) {
    this.info = infoOf(held);
    this.data = held.data;
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    assert(start >= 0 && start <= end && end <= this.data.length, `range ${start}-${end} of ${this.data.length} bytes`);
    for (let at = start; at < end; at += CHUNK_BYTES) yield this.data.subarray(at, Math.min(end, at + CHUNK_BYTES));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held open.
  }
}

function stateOf(held: Held): ObjectState;
function stateOf(held: Held | undefined): ObjectState | undefined;
function stateOf(held: Held | undefined): ObjectState | undefined {
  if (held === undefined) return undefined;
  const { timestamp, deleted, metaTimestamp, data, conditional } = held;
  return { timestamp, deleted, metaTimestamp, sizeBytes: data.length, ...(conditional ? { conditional } : {}) };
}

function infoOf(held: Held): ObjectInfo;
function infoOf(held: Held | undefined): ObjectInfo | undefined;
function infoOf(held: Held | undefined): ObjectInfo | undefined {
  return held && { ...stateOf(held), name: held.name, metadata: held.metadata };
}

/** Order of two posts of one timestamp: any fixed rule will do, this is byte order of their sorted JSON. */
function compareMetadata(a: Metadata, b: Metadata): number {
  const text = (metadata: Metadata): Buffer => Buffer.from(JSON.stringify(Object.entries(metadata).sort(([x], [y]) => (x < y ? -1 : 1))));
  return Buffer.compare(text(a), text(b));
}

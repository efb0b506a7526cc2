/**
 * The bound of the cluster's clock, at the devices' doors: a write whose timestamp is far from the device's own clock is refused, since whoever made it
 * has a wrong clock. Taken, it would win over all that is written in the hour to come, or vanish behind what was written in the hour before. The
 * refusal says what time it is, so that a proxy can go on by the time that most devices agree on. What is `dated` passes, and so does all that
 * replicators bring: it was judged where it was first taken.
 */
import { MAX_SKEW_MS, StoreError, timestampToMs, type Clock, type Timestamp } from '#common';
import type {
  CreateRequest, DatabaseCopy, DatabaseInfo, DatabaseName, DatabaseRanges, DatabaseVersion, Dated, DeleteRequest, HistoryEntry, Key, KeyedState, KeyRanges, ListingEngine, ListingPage, ListingQuery, ListingRow, MergeRequest, ObjectEngine,
  ObjectInfo, ObjectReader, ObjectState, ObjectWriter, PendingRow, PostRequest, Prepared, PrepareRequest, PutDatabase, PutRequest, ReplicatedState, ShippedState, Taken, TimedMetadata, WriteReceipt,
} from '#storage-node/protocol';

export interface TimelyOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly maxSkewMs?: number | undefined;
  /** Asked before each call, and told of each that failed. */
  readonly gate?: Gate | undefined;
}

/** Who may keep everybody out of a device. */
export interface Gate {
  /** Why nobody may pass; undefined where everybody may. */
  fault(): StoreError | undefined;
  note(error: unknown): void;
}

type Judge = (request: Dated & { readonly timestamp: Timestamp }) => void;

function judgeOf({ clock, maxSkewMs = MAX_SKEW_MS }: TimelyOptions): Judge {
  return ({ timestamp, dated }) => {
    if (dated) return;
    const nowMs = clock.nowMs();
    const aheadMs = timestampToMs(timestamp) - nowMs;
    if (Math.abs(aheadMs) <= maxSkewMs) return;
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    throw new StoreError('clock-skew', `the write is of ${seconds} s ${aheadMs > 0 ? 'from now' : 'ago'} by the device's clock`, { detail: { nowMs } });
  };
}

/** The engine, behind the bound. */
export function timelyObjects(engine: ObjectEngine, options: TimelyOptions): ObjectEngine {
  return new TimelyObjects(engine, judgeOf(options), options.gate);
}

/** The same for databases; their rows come with the times of objects, which were judged there. */
export function timelyListings(engine: ListingEngine, options: TimelyOptions): ListingEngine {
  return new TimelyListings(engine, judgeOf(options), options.gate);
}

class TimelyObjects implements ObjectEngine {
  readonly #engine: ObjectEngine;
  readonly #judge: Judge;
  readonly #gate: Gate | undefined;

  constructor(engine: ObjectEngine, judge: Judge, gate: Gate | undefined) {
    this.#engine = engine;
    this.#judge = judge;
    this.#gate = gate;
  }

  async put(request: PutRequest): Promise<WriteReceipt> {
    this.#judge(request);
    return pass(this.#gate, () => this.#engine.put(request));
  }

  async create(request: CreateRequest): Promise<ObjectWriter> {
    this.#judge(request);
    return pass(this.#gate, () => this.#engine.create(request));
  }

  async post(request: PostRequest): Promise<WriteReceipt> {
    this.#judge(request);
    return pass(this.#gate, () => this.#engine.post(request));
  }

  async delete(request: DeleteRequest): Promise<WriteReceipt> {
    this.#judge(request);
    return pass(this.#gate, () => this.#engine.delete(request));
  }

  async prepare(request: PrepareRequest): Promise<Prepared> {
    this.#judge(request);
    return pass(this.#gate, () => this.#engine.prepare(request));
  }

  stat(key: Key): Promise<ObjectState | undefined> {
    return pass(this.#gate, () => this.#engine.stat(key));
  }

  info(key: Key): Promise<ObjectInfo | undefined> {
    return pass(this.#gate, () => this.#engine.info(key));
  }

  open(key: Key): Promise<ObjectReader | undefined> {
    return pass(this.#gate, () => this.#engine.open(key));
  }

  abandon(key: Key, timestamp: Timestamp): void {
    this.#engine.abandon(key, timestamp);
  }

  settle(key: Key, timestamp: Timestamp): void {
    this.#engine.settle(key, timestamp);
  }

  pending(options: { olderThanMs: number; limit: number }): Promise<PendingRow[]> {
    return pass(this.#gate, () => this.#engine.pending(options));
  }

  history(key: Key): Promise<HistoryEntry[]> {
    return pass(this.#gate, () => this.#engine.history(key));
  }

  digests(ranges: KeyRanges): Promise<Buffer> {
    return pass(this.#gate, () => this.#engine.digests(ranges));
  }

  states(request: KeyRanges & { after?: Key | undefined; limit: number }): Promise<KeyedState[]> {
    return pass(this.#gate, () => this.#engine.states(request));
  }

  take(states: AsyncIterable<ShippedState>): Promise<Taken> {
    return pass(this.#gate, () => this.#engine.take(states));
  }
}

class TimelyListings implements ListingEngine {
  readonly #engine: ListingEngine;
  readonly #judge: Judge;
  readonly #gate: Gate | undefined;

  constructor(engine: ListingEngine, judge: Judge, gate: Gate | undefined) {
    this.#engine = engine;
    this.#judge = judge;
    this.#gate = gate;
  }

  async put(request: PutDatabase): Promise<{ created: boolean; info: DatabaseInfo }> {
    this.#judge(request);
    return pass(this.#gate, () => this.#engine.put(request));
  }

  async post(request: Dated & { database: DatabaseName; timestamp: Timestamp; metadata: TimedMetadata }): Promise<DatabaseInfo | undefined> {
    this.#judge(request);
    return pass(this.#gate, () => this.#engine.post(request));
  }

  async delete(request: Dated & { database: DatabaseName; timestamp: Timestamp; force?: boolean }): Promise<'deleted' | 'not-found' | 'not-empty'> {
    this.#judge(request);
    return pass(this.#gate, () => this.#engine.delete(request));
  }

  info(database: DatabaseName): Promise<DatabaseInfo | undefined> {
    return pass(this.#gate, () => this.#engine.info(database));
  }

  merge(request: MergeRequest): Promise<DatabaseInfo | undefined> {
    return pass(this.#gate, () => this.#engine.merge(request));
  }

  sync(): Promise<string> {
    return pass(this.#gate, () => this.#engine.sync());
  }

  list(database: DatabaseName, query: ListingQuery): Promise<ListingPage | undefined> {
    return pass(this.#gate, () => this.#engine.list(database, query));
  }

  unreported(limit: number): Promise<DatabaseInfo[]> {
    return pass(this.#gate, () => this.#engine.unreported(limit));
  }

  reported(info: DatabaseInfo): void {
    this.#engine.reported(info);
  }

  databaseDigests(ranges: DatabaseRanges): Promise<Buffer> {
    return pass(this.#gate, () => this.#engine.databaseDigests(ranges));
  }

  databaseVersions(request: DatabaseRanges & { after?: Key | undefined; limit: number }): Promise<DatabaseVersion[]> {
    return pass(this.#gate, () => this.#engine.databaseVersions(request));
  }

  databaseState(database: DatabaseName): Promise<ReplicatedState | undefined> {
    return pass(this.#gate, () => this.#engine.databaseState(database));
  }

  databaseRows(database: DatabaseName, page: { after: string; limit: number }): Promise<ListingRow[]> {
    return pass(this.#gate, () => this.#engine.databaseRows(database, page));
  }

  rowDigests(database: DatabaseName, ranges: { after: string; ends: readonly string[] }): Promise<string[]> {
    return pass(this.#gate, () => this.#engine.rowDigests(database, ranges));
  }

  adopt(copies: readonly DatabaseCopy[]): Promise<void> {
    return pass(this.#gate, () => this.#engine.adopt(copies));
  }
}

function pass<T>(gate: Gate | undefined, call: () => Promise<T>): Promise<T> {
  return gate === undefined ? call() : gated(gate, call);
}

/** The call's own answer: the gate only looks on, since every read comes by here twice. */
function gated<T>(gate: Gate, call: () => Promise<T>): Promise<T> {
  const fault = gate.fault();
  if (fault !== undefined) return Promise.reject(fault);
  const answer = call();
  answer.then(undefined, (error: unknown) => gate.note(error));
  return answer;
}

/**
 * What can be appended to the log, and how each decides, when its turn comes, whether it takes effect on the state in
 * force then. The rules are the port's: newer wins; at one timestamp a tombstone, then the larger ETag.
 */
import { NEVER, type Timestamp } from '#common';
import { changedAt, type DeleteRequest, type Metadata, type ObjectState, type PrepareRequest, type PutRequest, type WriteReceipt } from '#storage-node/protocol';
import { sameLocation, type Entry } from './entry.ts';
import { blockChecksums, RecordType, type Checksum, type Location, type RecordFields } from './record.ts';

/** What the decision may look up beyond the entry; reads the disk, which only ties of timestamps need. */
export interface Lookup {
  /** Metadata in a record as JSON text; undefined where the record is damaged, or gone. */
  metadataAt(location: Location): string | undefined;
  /** The promise that stands for the key; NEVER where none does. */
  promised(keyText: string): Timestamp;
}

export interface Appendix {
  readonly fields: Omit<RecordFields, 'sequence'>;
  readonly data: Buffer;
  readonly blocks: readonly number[];
}

export interface Decision {
  readonly outcome: WriteReceipt['outcome'];
  /** The record to append; undefined where there is none to append. */
  readonly append?: Appendix;
  /** The entry once the record stands at `location` (undefined where nothing is appended); null removes the key. Left out where nothing changes. */
  readonly entry?: (location: Location) => Entry | null;
  /** The promise that was given, or that was in the way. */
  readonly promised?: Timestamp;
}

/** One write in the log's queue. */
export interface Write {
  readonly keyText: string;
  /** Rough length in the volume, for the bounds of a group. */
  readonly weightBytes: number;
  /** Brought from outside: its bytes are what compaction is measured against. */
  readonly byClient: boolean;
  /** Its container row is pending after it: a client's write, and no copy of another replica's. */
  readonly rowPending: boolean;
  decide(held: Entry | undefined, lookup: Lookup): Decision;
}

/** Records that compaction moves whatever is held. */
const MOVES_ALWAYS: ReadonlySet<RecordType> = new Set([RecordType.forget, RecordType.promise]);
const UNCHANGED = { committed: { outcome: 'committed' }, superseded: { outcome: 'superseded' }, absent: { outcome: 'absent' } } as const;
const EMPTY = Buffer.alloc(0);
const HEAD_WEIGHT = 512;

export class PutWrite implements Write {
  readonly keyText: string;
  readonly weightBytes: number;
  readonly byClient = true;
  readonly rowPending: boolean;
  readonly #append: Appendix;
  readonly #etag: string;

  constructor(keyText: string, append: Appendix, etag: string, rowPending = true) {
    this.keyText = keyText;
    this.rowPending = rowPending;
    this.weightBytes = HEAD_WEIGHT + append.data.length;
    this.#append = append;
    this.#etag = etag;
  }

  decide(held: Entry | undefined, lookup: Lookup): Decision {
    const { timestamp, sizeBytes, bigId, conditional } = this.#append.fields;
    if (held === undefined || held.timestamp < timestamp) {
      const promised = lookup.promised(this.keyText);
      if (timestamp < promised) return { outcome: 'superseded', promised };
      return { outcome: 'committed', append: this.#append, entry: (data) => marked({ timestamp, deleted: false, metaTimestamp: timestamp, sizeBytes, bigId, data, meta: undefined }, conditional) };
    }
    if (held.timestamp > timestamp || held.deleted) return UNCHANGED.superseded;
    const heldMetadata = lookup.metadataAt(held.data);
    // A record that cannot be read loses to any copy of it: this is how a replica is repaired.
    const order = heldMetadata === undefined ? 1 : compare(this.#etag, etagIn(heldMetadata));
    if (order === 0) return UNCHANGED.committed;
    if (order < 0) return UNCHANGED.superseded;
    return { outcome: 'committed', append: this.#append, entry: (data) => ({ ...held, sizeBytes, bigId, data }) };
  }
}

export class DeleteWrite implements Write {
  readonly keyText: string;
  readonly weightBytes = HEAD_WEIGHT;
  readonly byClient = true;
  readonly rowPending: boolean;
  readonly #fields: Appendix['fields'];

  constructor(keyText: string, { key, name, timestamp, conditional }: DeleteRequest, rowPending = true) {
    this.keyText = keyText;
    this.rowPending = rowPending;
    this.#fields = { type: RecordType.delete, key, name, timestamp, base: NEVER, sizeBytes: 0, bigId: 0, metadata: '', conditional };
  }

  decide(held: Entry | undefined, lookup: Lookup): Decision {
    const { timestamp, conditional } = this.#fields;
    if (held !== undefined && held.timestamp > timestamp) return UNCHANGED.superseded;
    if (held?.deleted && held.timestamp === timestamp) return UNCHANGED.committed;
    const promised = lookup.promised(this.keyText);
    if (timestamp < promised) return { outcome: 'superseded', promised };
    const entry = (data: Location): Entry => marked({ timestamp, deleted: true, metaTimestamp: timestamp, sizeBytes: 0, bigId: 0, data, meta: undefined }, conditional);
    return { outcome: 'committed', append: { fields: this.#fields, data: EMPTY, blocks: [] }, entry };
  }
}

export class PostWrite implements Write {
  readonly keyText: string;
  readonly weightBytes = HEAD_WEIGHT;
  readonly byClient = true;
  readonly rowPending: boolean;
  readonly #fields: Appendix['fields'];

  constructor(keyText: string, { key, name, timestamp, base, metadata }: { key: Buffer; name: string; timestamp: Timestamp; base: Timestamp; metadata: string }, rowPending = true) {
    this.keyText = keyText;
    this.rowPending = rowPending;
    this.#fields = { type: RecordType.meta, key, name, timestamp, base, sizeBytes: 0, bigId: 0, metadata };
  }

  decide(held: Entry | undefined, lookup: Lookup): Decision {
    const { timestamp, base, metadata } = this.#fields;
    if (held === undefined || held.deleted || held.timestamp !== base) return UNCHANGED.absent;
    if (timestamp <= held.timestamp || timestamp < held.metaTimestamp) return UNCHANGED.superseded;
    if (timestamp === held.metaTimestamp && held.meta !== undefined) {
      const heldMetadata = lookup.metadataAt(held.meta);
      const order = heldMetadata === undefined ? 1 : compare(sortedMetadata(metadata), sortedMetadata(heldMetadata));
      if (order <= 0) return order === 0 ? UNCHANGED.committed : UNCHANGED.superseded;
    }
    const entry = (meta: Location): Entry => ({ ...held, metaTimestamp: timestamp, meta });
    return { outcome: 'committed', append: { fields: this.#fields, data: EMPTY, blocks: [] }, entry };
  }
}

/** A conditional write's first half: a promise, where nothing as new is held or promised. */
export class PrepareWrite implements Write {
  readonly keyText: string;
  readonly weightBytes = HEAD_WEIGHT;
  readonly byClient = true;
  readonly rowPending = false;
  readonly #fields: Appendix['fields'];

  constructor(keyText: string, { key, name, timestamp }: PrepareRequest) {
    this.keyText = keyText;
    this.#fields = { type: RecordType.promise, key, name, timestamp, base: NEVER, sizeBytes: 0, bigId: 0, metadata: '' };
  }

  decide(held: Entry | undefined, lookup: Lookup): Decision {
    const { timestamp } = this.#fields;
    const promised = lookup.promised(this.keyText);
    if (timestamp <= promised || (held !== undefined && timestamp <= changedAt(held))) return { outcome: 'superseded', promised };
    return { outcome: 'committed', append: { fields: this.#fields, data: EMPTY, blocks: [] }, promised: timestamp };
  }
}

/** Compaction's: a record moves on if it is still in force where it was read. `absent` where it is not. */
export class CopyWrite implements Write {
  readonly keyText: string;
  readonly weightBytes: number;
  readonly byClient = false;
  readonly rowPending = false;
  readonly #from: Location;
  readonly #append: Appendix;

  constructor(keyText: string, from: Location, append: Appendix) {
    this.keyText = keyText;
    this.weightBytes = HEAD_WEIGHT + append.data.length;
    this.#from = from;
    this.#append = append;
  }

  decide(held: Entry | undefined): Decision {
    if (MOVES_ALWAYS.has(this.#append.fields.type)) return { outcome: 'committed', append: this.#append };
    if (held === undefined) return UNCHANGED.absent;
    const part = this.#append.fields.type === RecordType.meta ? 'meta' : 'data';
    if (!sameLocation(held[part], this.#from)) return UNCHANGED.absent;
    return { outcome: 'committed', append: this.#append, entry: (location) => ({ ...held, [part]: location }) };
  }
}

/** Quarantine's: the key is forgotten if the damaged record is still the one in force, and how new it was is remembered (damages.ts). */
export class ForgetWrite implements Write {
  readonly keyText: string;
  readonly weightBytes = HEAD_WEIGHT;
  readonly byClient = false;
  readonly rowPending = false;
  readonly #key: Buffer;
  readonly #damaged: Entry;

  constructor(keyText: string, key: Buffer, damaged: Entry) {
    this.keyText = keyText;
    this.#key = key;
    this.#damaged = damaged;
  }

  decide(held: Entry | undefined): Decision {
    if (held === undefined || !sameLocation(held.data, this.#damaged.data) || !sameLocation(held.meta, this.#damaged.meta)) return UNCHANGED.absent;
    const fields = { type: RecordType.forget, key: this.#key, name: '', timestamp: held.timestamp, base: held.metaTimestamp, sizeBytes: 0, bigId: 0, metadata: '' };
    return { outcome: 'committed', append: { fields, data: EMPTY, blocks: [] }, entry: () => null };
  }
}

/** Compaction's: a tombstone past the reclaim age leaves the index; its record goes with its volume. */
export class ReclaimWrite implements Write {
  readonly keyText: string;
  readonly weightBytes = 0;
  readonly byClient = false;
  readonly rowPending = false;
  readonly #from: Location;

  constructor(keyText: string, from: Location) {
    this.keyText = keyText;
    this.#from = from;
  }

  decide(held: Entry | undefined): Decision {
    return held?.deleted && sameLocation(held.data, this.#from) ? { outcome: 'committed', entry: () => null } : UNCHANGED.absent;
  }
}

/** A stand-in's: a state that all primaries have is forgotten, if it is the one in force still. Its record stays as one that no state came from. */
export class ReleaseWrite implements Write {
  readonly keyText: string;
  readonly weightBytes = HEAD_WEIGHT;
  readonly byClient = false;
  readonly rowPending = false;
  readonly #key: Buffer;
  readonly #state: ObjectState;

  constructor(keyText: string, { key, state }: { key: Buffer; state: ObjectState }) {
    this.keyText = keyText;
    this.#key = key;
    this.#state = state;
  }

  decide(held: Entry | undefined): Decision {
    const { timestamp, deleted, metaTimestamp } = this.#state;
    if (held?.timestamp !== timestamp || held.deleted !== deleted || held.metaTimestamp !== metaTimestamp) return UNCHANGED.absent;
    const fields = { type: RecordType.forget, key: this.#key, name: '', timestamp, base: NEVER, sizeBytes: 0, bigId: 0, metadata: '' };
    return { outcome: 'committed', append: { fields, data: EMPTY, blocks: [] }, entry: () => null };
  }
}

function marked(entry: Entry, conditional: true | undefined): Entry {
  return conditional ? { ...entry, conditional } : entry;
}

function etagIn(metadata: string): string {
  return metadata === '' ? '' : ((JSON.parse(metadata) as Metadata)['ETag'] ?? '');
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Text of metadata that does not depend on the order it was set in: which of two posts of one timestamp wins must not either. */
function sortedMetadata(metadata: string): string {
  return JSON.stringify(Object.entries(JSON.parse(metadata) as Metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Replicas in one process are given one request: what all of them write is made once. */
const appendices = new WeakMap<PutRequest, Appendix>();

/** The record of a small object's write, but for its place in the log. */
export function appendixOf(request: PutRequest, crc32: Checksum): Appendix {
  let appendix = appendices.get(request);
  if (appendix !== undefined) return appendix;
  const { key, name, timestamp, metadata, data, conditional } = request;
  const fields = { type: RecordType.put, key, name, timestamp, base: 0 as Timestamp, sizeBytes: data.length, bigId: 0, metadata: JSON.stringify(metadata), conditional };
  appendix = { fields, data, blocks: blockChecksums(data, crc32) };
  appendices.set(request, appendix);
  return appendix;
}

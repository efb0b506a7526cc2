/** One group on its way to a volume: its records in memory as they will stand there, and what they change once durable. */
import type { WriteReceipt } from '#storage-node/protocol';
import type { Round } from '../gatherer.ts';
import { stateOf, type Entry } from './entry.ts';
import { encodeFrame, FRAME_BYTES, groupChecksum } from './frame.ts';
import { encodeHead, headBytesOf, padded, RecordType, type Checksum, type Location } from './record.ts';
import type { Volume } from './volume.ts';
import type { Appendix, Decision, Lookup, Write } from './write.ts';
import { NEVER, type Timestamp } from '#common';

/** A write that waits for its answer. */
export interface Queued {
  readonly write: Write;
  readonly round: Round;
  readonly resolve: (receipt: WriteReceipt) => void;
  readonly reject: (error: unknown) => void;
}

/** An entry that takes effect when the group is durable. */
export interface Change {
  readonly write: Write;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

interface Answer {
  readonly queued: Queued;
  readonly outcome: Decision['outcome'];
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
  /** 0 where nothing was appended. */
  readonly sequence: number;
  readonly promised: Timestamp | undefined;
}

/** What is in force before the group. */
export interface LogLookup extends Lookup {
  get(keyText: string): Entry | undefined;
}

/** Data this long is handed to the system as it is; shorter is copied next to its head, which costs less than a vector more. */
const COPY_BYTES = 64 << 10;
const NOTHING = { timestamp: NEVER, deleted: true, metaTimestamp: NEVER, sizeBytes: 0 };

export class Group implements Lookup {
  readonly #volume: Volume;
  readonly #crc32: Checksum;
  readonly #lookup: LogLookup;
  readonly #scratch: Buffer;
  readonly #firstSequence: number;
  #sequence: number;
  /** Parts of the scratch buffer and of callers' data, in order. */
  readonly #segments: Buffer[] = [];
  #used = 0;
  #runStart = 0;
  #buffer: Buffer;
  /** Length of all segments and of the run that is not one yet. */
  bytes = 0;
  readonly #headCrcs: number[] = [];
  readonly #staged = new Map<string, Entry | null>();
  /** What was found damaged in this group: how new it was. */
  readonly #lost = new Map<string, Timestamp>();
  /** Metadata of records that are not on disk yet, by their location. */
  readonly #metadata = new Map<Location, string>();
  readonly #answers: Answer[] = [];
  readonly changes: Change[] = [];
  /** Promises that stand when the group is durable, in the order in which they were given. */
  readonly promises: (readonly [keyText: string, timestamp: Timestamp])[] = [];
  /** Bytes of records that clients wrote, and that compaction copied. */
  clientBytes = 0;
  copiedBytes = 0;

  constructor(options: { volume: Volume; firstSequence: number; crc32: Checksum; scratch: Buffer; lookup: LogLookup }) {
    this.#volume = options.volume;
    this.#crc32 = options.crc32;
    this.#lookup = options.lookup;
    this.#scratch = options.scratch;
    this.#buffer = options.scratch;
    this.#firstSequence = options.firstSequence;
    this.#sequence = options.firstSequence - 1;
  }

  get lastSequence(): number {
    return this.#sequence;
  }

  /** True if it has records, and must be written. */
  get hasRecords(): boolean {
    return this.#headCrcs.length > 0;
  }

  /** Lets a write decide on the state that all before it leave, and takes its record in. */
  add(queued: Queued): void {
    const { write } = queued;
    const staged = this.#staged.get(write.keyText);
    const before = staged === undefined ? this.#lookup.get(write.keyText) : (staged ?? undefined);
    const decision = write.decide(before, this);
    if (decision.promised !== undefined && decision.append) this.promises.push([write.keyText, decision.promised]);
    const location = decision.append && this.#append(decision.append);
    const lost = decision.append?.fields;
    if (lost?.type === RecordType.forget && lost.base !== NEVER) this.#lost.set(write.keyText, lost.timestamp);
    let after = before;
    if (decision.entry) {
      const entry = decision.entry(location ?? NO_LOCATION);
      this.#staged.set(write.keyText, entry);
      after = entry ?? undefined;
      this.changes.push({ write, before, after });
    }
    if (location && write.byClient) this.clientBytes += location.recordBytes;
    else if (location) this.copiedBytes += location.recordBytes;
    this.#answers.push({ queued, outcome: decision.outcome, before, after, sequence: location ? this.#sequence : 0, promised: decision.promised });
  }

  promised(keyText: string): Timestamp {
    const own = this.promises.length === 0 ? undefined : this.promises.findLast(([promisedFor]) => promisedFor === keyText);
    const promised = Math.max(own?.[1] ?? this.#lookup.promised(keyText), this.#lost.get(keyText) ?? NEVER) as Timestamp;
    // What was written in this very group has fulfilled it.
    return promised !== NEVER && (this.#staged.get(keyText)?.timestamp ?? NEVER) >= promised ? NEVER : promised;
  }

  metadataAt(location: Location): string | undefined {
    return this.#metadata.get(location) ?? this.#lookup.metadataAt(location);
  }

  /** Closes the group with its frame; answers the frame's hash. */
  seal(previousHash: Buffer, writtenAtMs: number): Buffer {
    const at = this.#reserve(FRAME_BYTES);
    const fields = {
      groupOffset: this.#volume.end,
      firstSequence: this.#firstSequence,
      lastSequence: this.#sequence,
      groupCrc: groupChecksum(this.#headCrcs, this.#crc32),
      previousHash,
      writtenAtMs,
    };
    return encodeFrame(fields, { target: this.#buffer, at, nonce: this.#volume.header.nonce, crc32: this.#crc32 });
  }

  /** All of the group, ready to be written at the volume's end. */
  segments(): readonly Buffer[] {
    this.#closeRun();
    return this.#segments;
  }

  /** Answers every write in it: it is durable, or had nothing to make durable. */
  resolve(syncedAtMs: number): void {
    for (const { queued, outcome, before, after, sequence, promised } of this.#answers) {
      const durability = sequence === 0 ? undefined : { volume: this.#volume.number, sequence, syncedAtMs };
      const receipt = { outcome, state: after ? stateOf(after) : NOTHING, previous: stateOf(before), durability };
      queued.resolve(promised === undefined ? receipt : { ...receipt, promised });
    }
  }

  reject(error: unknown): void {
    for (const { queued } of this.#answers) queued.reject(error);
  }

  #append({ fields, data, blocks }: Appendix): Location {
    const source = { fields: { ...fields, sequence: ++this.#sequence }, dataBytes: data.length, blocks };
    const headBytes = headBytesOf(source);
    const recordBytes = padded(headBytes + data.length);
    const location = { volume: this.#volume.number, offset: this.#volume.end + this.bytes, headBytes, recordBytes };
    const copied = data.length <= COPY_BYTES;
    const at = this.#reserve(copied ? recordBytes : headBytes);
    this.#headCrcs.push(encodeHead(source, { target: this.#buffer, at, headBytes, nonce: this.#volume.header.nonce, crc32: this.#crc32 }));
    const padding = recordBytes - headBytes - data.length;
    if (copied) {
      data.copy(this.#buffer, at + headBytes);
      if (padding > 0) this.#buffer.fill(0, at + recordBytes - padding, at + recordBytes);
    } else {
      this.#closeRun();
      this.#segments.push(data);
      this.bytes += data.length;
      if (padding > 0) {
        const paddingAt = this.#reserve(padding);
        this.#buffer.fill(0, paddingAt, paddingAt + padding);
      }
    }
    if (fields.metadata !== '') this.#metadata.set(location, fields.metadata);
    return location;
  }

  /** Room for `length` bytes in the run that is being written; answers where in `#buffer`. */
  #reserve(length: number): number {
    if (this.#used + length > this.#buffer.length) {
      this.#closeRun();
      this.#buffer = Buffer.allocUnsafe(Math.max(length, this.#scratch.length));
      this.#used = 0;
      this.#runStart = 0;
    }
    const at = this.#used;
    this.#used += length;
    this.bytes += length;
    return at;
  }

  #closeRun(): void {
    if (this.#used > this.#runStart) this.#segments.push(this.#buffer.subarray(this.#runStart, this.#used));
    this.#runStart = this.#used;
  }
}

const NO_LOCATION: Location = { volume: 0, offset: 0, headBytes: 0, recordBytes: 0 };

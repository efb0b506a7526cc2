/**
 * Walks a volume from frame to frame: for recovery, for rebuilding the index, for compaction. A record counts when a frame
 * closes its group. A group is only written after the one before it was synced, so any frame proves all that lies before
 * it: damage there is rot, is stepped over to the next head or frame whose CRC holds, and costs only the records it hit.
 * Without a frame after it, it is a torn tail that nobody was told about.
 */
import { decodeFrame, FRAME_BYTES, FRAME_MAGIC, groupChecksum, type FrameFields } from './frame.ts';
import { ALIGNMENT, claimedHeadBytes, decodeHead, FIXED_BYTES, recordBytesOf, RECORD_MAGIC, type Checksum, type Location, type RecordHead } from './record.ts';
import type { Volume } from './volume.ts';

export interface ScannedRecord {
  readonly head: RecordHead;
  readonly location: Location;
}

export interface ScannedGroup {
  readonly records: readonly ScannedRecord[];
  /** Just past the frame. */
  readonly end: number;
  /** The frame that closes it; undefined where that is damaged. */
  readonly frame: (FrameFields & { readonly hash: Buffer }) | undefined;
  /** The frame covers exactly these records: none is damaged. */
  readonly whole: boolean;
  /** No frame follows it in the volume. */
  readonly last: boolean;
}

const WINDOW_BYTES = 256 << 10;

/**
 * Groups of `volume` from offset `from` to its end, in order. In a `sealed` volume all up to the end was acknowledged, so
 * that records count there even where the frame after them is damaged.
 */
export async function* scanGroups(volume: Volume, from: number, { crc32, sealed }: { crc32: Checksum; sealed: boolean }): AsyncGenerator<ScannedGroup> {
  const window = new Window(volume);
  const options = { nonce: volume.header.nonce, crc32 };
  let records: ScannedRecord[] = [];
  let held: Omit<ScannedGroup, 'last'> | undefined;
  let position: number | undefined = from;
  while (position !== undefined) {
    const head = await headAt(window, position, options);
    if (head !== undefined) {
      const { headBytes } = head;
      const location = { volume: volume.number, offset: position, headBytes, recordBytes: recordBytesOf(head) };
      records.push({ head, location });
      position += location.recordBytes;
      continue;
    }
    const frame = decodeFrame(await window.at(position, FRAME_BYTES), 0, options);
    if (frame === undefined) {
      position = await nextHolding(window, position + ALIGNMENT, options);
      continue;
    }
    if (held) yield { ...held, last: false };
    // Records before the group of this frame are of a group whose own frame is damaged.
    const orphans = records.filter(({ location }) => location.offset < frame.groupOffset);
    if (orphans.length > 0) yield { records: orphans, end: frame.groupOffset, frame: undefined, whole: false, last: false };
    const own = records.slice(orphans.length);
    position += FRAME_BYTES;
    held = { records: own, end: position, frame, whole: frame.groupCrc === groupChecksum(own.map((record) => record.head.crc), crc32) };
    records = [];
  }
  const trailing = sealed && records.length > 0;
  if (held) yield { ...held, last: !trailing };
  if (trailing) yield { records, end: volume.end, frame: undefined, whole: false, last: true };
}

interface HeadOptions {
  readonly nonce: number;
  readonly crc32: Checksum;
}

/** The record at `position`, if its head holds and its data ends within the volume. */
async function headAt(window: Window, position: number, options: HeadOptions): Promise<RecordHead | undefined> {
  const headBytes = claimedHeadBytes(await window.at(position, FIXED_BYTES), 0);
  if (headBytes === undefined || position + headBytes > window.end) return undefined;
  const head = decodeHead(await window.at(position, headBytes), 0, options);
  return head !== undefined && position + recordBytesOf(head) <= window.end ? head : undefined;
}

/** The first place from `position` on where a head or a frame holds. */
async function nextHolding(window: Window, position: number, options: HeadOptions): Promise<number | undefined> {
  for (; position + FIXED_BYTES <= window.end || position + FRAME_BYTES <= window.end; position += ALIGNMENT) {
    const bytes = await window.at(position, FRAME_BYTES);
    const magic = bytes.readUInt32LE(0);
    if (magic === RECORD_MAGIC && (await headAt(window, position, options)) !== undefined) return position;
    if (magic === FRAME_MAGIC && decodeFrame(bytes, 0, options) !== undefined) return position;
  }
  return undefined;
}

/** Reads a volume through a buffer, so that a walk costs few reads. */
class Window {
  readonly end: number;
  readonly #volume: Volume;
  #buffer = Buffer.alloc(0);
  #start = 0;

  constructor(volume: Volume) {
    this.#volume = volume;
    this.end = volume.end;
  }

  /** Bytes from `position`: `length` of them, fewer only at the volume's end. */
  at(position: number, length: number): Buffer | Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.end - position));
    if (position >= this.#start && position + wanted <= this.#start + this.#buffer.length) {
      return this.#buffer.subarray(position - this.#start, position - this.#start + wanted);
    }
    return this.#fill(position, wanted);
  }

  async #fill(position: number, wanted: number): Promise<Buffer> {
    // A volume whose disk lost its beginning ends before the place where a scan of it begins.
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(Math.max(wanted, WINDOW_BYTES), this.end - position)));
    const count = await this.#volume.file.read(buffer, position);
    this.#buffer = buffer.subarray(0, count);
    this.#start = position;
    return this.#buffer.subarray(0, wanted);
  }
}

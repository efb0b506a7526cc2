/**
 * LevelDB's tables, seen from outside. LevelDB keeps a checksum with each block and does not look at it when it reads; worse, a bit that flips in a key
 * puts keys out of order, and the next compaction ends the process on an assertion, again and again. So tables are held against
 * their checksums here: before a database is opened that was not closed, and by the audit.
 *
 * A table ends with a footer of 48 bytes: varints of where the metaindex and the index block are, and a magic number. A block is its content, a byte
 * for its compression, and the masked CRC-32C of both. An index entry is a key, prefix-compressed, and the place of a block
 * (LevelDB's doc/table_format.md).
 */
import { open, readdir, writeFile, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '#common/checksum';
import { liveTables } from './manifest.ts';
import { unsnap } from './snappy.ts';
import { varint } from './varint.ts';

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
const TRAILER_BYTES = 5;
const TABLE = /^(\d+)\.(?:ldb|sst)$/;
/** There while a database is closed as its last owner left it. */
const CLOSED_MARK = 'closed';

interface Block {
  readonly bytes: Buffer;
  /** With Snappy. */
  readonly compressed: boolean;
}

interface Place {
  readonly offset: number;
  readonly length: number;
}

/** Names of the database's tables with a block that does not hold, or that cannot be read. Where its manifest cannot be read, LevelDB says so itself. */
export async function damagedTables(directory: string): Promise<string[]> {
  const live = await liveTables(directory);
  const damaged: string[] = [];
  for (const name of await namesIn(directory)) {
    const [, number] = TABLE.exec(name) ?? [];
    if (number !== undefined && live?.has(number) === true && !(await isSound(join(directory, name)))) damaged.push(name);
  }
  return damaged;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}

/** Whether the database in the directory was closed in order; forgets it, since it is about to be opened. */
export async function wasClosed(directory: string): Promise<boolean> {
  const names = await namesIn(directory);
  await rm(join(directory, CLOSED_MARK), { force: true });
  return names.length === 0 || names.includes(CLOSED_MARK);
}

export async function markClosed(directory: string): Promise<void> {
  await writeFile(join(directory, CLOSED_MARK), '');
}

async function isSound(path: string): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    // Compaction has taken it away since it was listed.
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  try {
    const { size } = await file.stat();
    const footer = await read(file, { offset: size - FOOTER_BYTES, length: FOOTER_BYTES });
    if (footer === undefined || footer.readBigUInt64LE(FOOTER_BYTES - 8) !== MAGIC) return false;
    const [metaindex, at] = placeIn(footer, 0);
    const [index] = placeIn(footer, at);
    // The one tells of filters, the other of data: a filter that has rotted hides keys that are there.
    for (const directoryBlock of [metaindex, index]) {
      const content = await block(file, directoryBlock);
      if (content === undefined) return false;
      for (const place of placesOf(content)) if ((await block(file, place)) === undefined) return false;
    }
    return true;
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

/** The content of a block; undefined where its checksum does not hold. */
async function block(file: FileHandle, { offset, length }: Place): Promise<Block | undefined> {
  const whole = await read(file, { offset, length: length + TRAILER_BYTES });
  if (whole === undefined) return undefined;
  const stored = unmasked(whole.readUInt32LE(length + 1));
  return crc32c(whole.subarray(0, length + 1)) === stored ? { bytes: whole.subarray(0, length), compressed: whole[length] !== 0 } : undefined;
}

/** Where the blocks are that an index block tells of. */
function placesOf({ bytes, compressed }: Block): Place[] {
  const content = compressed ? unsnap(bytes) : bytes;
  const end = content.length - 4 - 4 * content.readUInt32LE(content.length - 4);
  const places: Place[] = [];
  for (let at = 0; at < end; ) {
    const [, afterShared] = varint(content, at);
    const [unshared, afterUnshared] = varint(content, afterShared);
    const [valueLength, valueLengthEnd] = varint(content, afterUnshared);
    const value = valueLengthEnd + unshared;
    places.push(placeIn(content, value)[0]);
    at = value + valueLength;
  }
  return places;
}

function placeIn(bytes: Buffer, at: number): [place: Place, end: number] {
  const [offset, middle] = varint(bytes, at);
  const [length, end] = varint(bytes, middle);
  return [{ offset, length }, end];
}

/** LevelDB rotates checksums and adds to them, since checksums of data that holds checksums are weak. */
function unmasked(stored: number): number {
  const rotated = (stored - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

async function read(file: FileHandle, { offset, length }: Place): Promise<Buffer | undefined> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return bytesRead === length ? buffer : undefined;
}

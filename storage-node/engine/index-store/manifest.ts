/**
 * Which tables a LevelDB database consists of: what its manifest says. Others lie in its directory too, left by a process that was killed while it wrote
 * them, and may be anything.
 *
 * `CURRENT` names the manifest, which is a log: blocks of 32 KiB of records, each with a checksum, a length and whether it is whole, the first, a middle or the
 * last piece. A record is an edit: tagged fields, of which those that add and remove files matter here (LevelDB's doc/log_format.md and db/version_edit.cc).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { varint } from './varint.ts';

const BLOCK_BYTES = 32 << 10;
const HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const LAST = 4;

/** Names without their ending, e.g. `000123`. Undefined where that cannot be told. */
export async function liveTables(directory: string): Promise<ReadonlySet<string> | undefined> {
  try {
    const current = await readFile(join(directory, 'CURRENT'), 'utf8');
    const log = await readFile(join(directory, current.trim()));
    const live = new Set<number>();
    for (const edit of recordsOf(log)) applyEdit(edit, live);
    return new Set([...live].map((number) => String(number).padStart(6, '0')));
  } catch {
    return undefined;
  }
}

function* recordsOf(log: Buffer): Generator<Buffer> {
  let pieces: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= log.length; ) {
    const leftInBlock = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (leftInBlock < HEADER_BYTES) {
      at += leftInBlock;
      continue;
    }
    const length = log.readUInt16LE(at + 4);
    const type = log.readUInt8(at + 6);
    // Zeros, or a record that was cut: the end.
    if (type === 0 || at + HEADER_BYTES + length > log.length) return;
    const piece = log.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    at += HEADER_BYTES + length;
    if (type === FULL || type === FIRST) pieces = [];
    pieces.push(piece);
    if (type === FULL || type === LAST) yield Buffer.concat(pieces);
  }
}

function applyEdit(edit: Buffer, live: Set<number>): void {
  let at = 0;
  const number = (): number => {
    const [value, end] = varint(edit, at);
    at = end;
    return value;
  };
  const skipText = (): void => {
    const length = number();
    at += length;
  };
  while (at < edit.length) {
    switch (number()) {
      case 1: // comparator
        skipText();
        break;
      case 2: // log number
      case 3: // next file number
      case 4: // last sequence
      case 9: // previous log number
        number();
        break;
      case 5: // compact pointer: level, key
        number();
        skipText();
        break;
      case 6: // deleted file: level, number
        number();
        live.delete(number());
        break;
      case 7: // new file: level, number, size, smallest and largest key
        number();
        live.add(number());
        number();
        skipText();
        skipText();
        break;
      default:
        throw new RangeError('an edit with an unknown field');
    }
  }
}

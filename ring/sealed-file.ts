/**
 * A small file that is replaced whole and refused when damaged: a header in the clear, then a gzip body under a checksum.
 *
 *   offset  bytes
 *   0       8      magic, ASCII, says what the file is
 *   8       4      format version, big-endian
 *   12      8      length of the body as stored, big-endian
 *   20      8      length of the body unpacked
 *   28      32     SHA-256 of bytes 0 to 27 and of the body as stored
 *   60             body: gzip of a 4-byte length, JSON of that length, then the sections that the JSON describes
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { StoreError } from '#common';

const HEADER_BYTES = 60;
const SUMMED_HEADER_BYTES = 28;
/** A ring of power 32 would be larger; nobody has one, and a forged length must not exhaust memory. */
const MAX_UNPACKED_BYTES = 2 ** 31;

export interface FileKind {
  /** Eight ASCII characters. */
  readonly magic: string;
  readonly version: number;
  /** What it is in a sentence, e.g. `ring`. */
  readonly noun: string;
}

export interface SealedContent {
  readonly json: unknown;
  readonly sections: Buffer;
}

const pack = promisify(gzip) as (data: Buffer, options: object) => Promise<Buffer>;
const unpack = promisify(gunzip) as (data: Buffer, options: object) => Promise<Buffer>;

/** Replaces the file at `path`: readers see the old one or the new one, and after a crash too. */
export async function writeSealed(path: string, kind: FileKind, content: { json: unknown; sections: readonly Buffer[] }): Promise<void> {
  const json = Buffer.from(JSON.stringify(content.json));
  const jsonLength = Buffer.alloc(4);
  jsonLength.writeUInt32BE(json.length);
  const plain = Buffer.concat([jsonLength, json, ...content.sections]);
  // Assignments are nearly random: higher levels only cost time.
  const body = await pack(plain, { level: constants.Z_BEST_SPEED });
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(kind.magic, 0, 'latin1');
  header.writeUInt32BE(kind.version, 8);
  header.writeBigUInt64BE(BigInt(body.length), 12);
  header.writeBigUInt64BE(BigInt(plain.length), 20);
  checksum(header, body).copy(header, SUMMED_HEADER_BYTES);
  await replaceFile(path, [header, body]);
}

/** Throws `corrupt`, naming the file and its fault, or `unavailable` if it cannot be read. */
export async function readSealed(path: string, kind: FileKind): Promise<SealedContent> {
  const refuse = (fault: string, cause?: unknown): never => {
    throw new StoreError('corrupt', `${path}: ${fault}`, { cause, detail: { path } });
  };
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new StoreError('unavailable', `${path}: the ${kind.noun} file cannot be read: ${(cause as Error).message}`, { cause, detail: { path } });
  }
  if (bytes.length < HEADER_BYTES) refuse(`truncated: ${bytes.length} bytes are less than a header`);
  const magic = bytes.toString('latin1', 0, 8);
  if (magic !== kind.magic) refuse(`not a ${kind.noun} file: it begins with ${JSON.stringify(magic)}, not ${JSON.stringify(kind.magic)}`);
  const version = bytes.readUInt32BE(8);
  if (version !== kind.version) refuse(`format version ${version} is unknown; this program reads version ${kind.version}`);
  const bodyLength = bytes.readBigUInt64BE(12);
  const body = bytes.subarray(HEADER_BYTES);
  if (BigInt(body.length) < bodyLength) refuse(`truncated: ${body.length} of ${bodyLength} bytes of its body are there`);
  if (BigInt(body.length) > bodyLength) refuse(`${BigInt(body.length) - bodyLength} bytes follow its end`);
  if (!checksum(bytes, body).equals(bytes.subarray(SUMMED_HEADER_BYTES, HEADER_BYTES))) refuse('its checksum does not match its content');
  const plainLength = Number(bytes.readBigUInt64BE(20));
  if (plainLength < 4 || plainLength > MAX_UNPACKED_BYTES) refuse(`an unpacked length of ${plainLength} is out of bounds`);
  const plain = await unpack(body, { maxOutputLength: plainLength }).catch((cause: unknown) => refuse('its body does not unpack', cause));
  const jsonEnd = 4 + plain.readUInt32BE(0);
  if (plain.length !== plainLength || jsonEnd > plain.length) refuse('its body is shorter than it says');
  try {
    return { json: JSON.parse(plain.toString('utf8', 4, jsonEnd)), sections: plain.subarray(jsonEnd) };
  } catch (cause) {
    return refuse('its description is not JSON', cause);
  }
}

function checksum(header: Buffer, body: Buffer): Buffer {
  return createHash('sha256').update(header.subarray(0, SUMMED_HEADER_BYTES)).update(body).digest();
}

/** Replaces the file at `path`, durably: readers see the old one or the new one. */
export async function replaceFile(path: string, parts: readonly Buffer[]): Promise<void> {
  await withTemporary(path, parts, (temporary) => rename(temporary, path));
  await using handle = await open(dirname(path), 'r');
  await handle.sync();
}

/** Runs `use` with a synced file of that content beside `path`, which is gone afterwards unless it was renamed. */
export async function withTemporary<T>(path: string, parts: readonly Buffer[], use: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${temporaries++}.tmp`);
  try {
    {
      await using file = await open(temporary, 'wx', 0o644);
      await file.writev(parts);
      await file.sync();
    }
    return await use(temporary);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

let temporaries = 0;

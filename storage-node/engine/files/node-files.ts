/** The Files port over node:fs. */
import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beginsOnPage } from '#common/stream';
import { codeOf, type File, type Files, type OpenMode } from './files.ts';

const fdatasync = promisify(fs.fdatasync);
const fsync = promisify(fs.fsync);
const unlink = promisify(fs.unlink);

const FLAGS: Record<Exclude<OpenMode, 'create-bulk'>, string> = { read: 'r', write: 'r+', create: 'wx+' };
const DIRECT_FLAGS = fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_DIRECT;

/** Buffers of one writev: below the system's IOV_MAX of 1024. */
const VECTOR_LENGTH = 512;

class NodeFile implements File {
  readonly #fd: number;
  #open = true;

  constructor(fd: number) {
    this.#fd = fd;
  }

  readSync(buffer: Buffer, position: number): number {
    let done = 0;
    while (done < buffer.length) {
      const count = fs.readSync(this.#fd, buffer, done, buffer.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    let done = 0;
    while (done < buffer.length) {
      const count = await new Promise<number>((resolve, reject) => {
        fs.read(this.#fd, buffer, done, buffer.length - done, position + done, (error, n) => (error ? reject(error) : resolve(n)));
      });
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  writeSync(buffers: readonly Buffer[], position: number): void {
    for (let rest = buffers; rest.length > 0; ) {
      const vector = rest.slice(0, VECTOR_LENGTH);
      const [only] = vector;
      const written = vector.length === 1 && only ? fs.writeSync(this.#fd, only, 0, only.length, position) : fs.writevSync(this.#fd, vector, position);
      position += written;
      rest = after(rest, written);
    }
  }

  async write(buffers: readonly Buffer[], position: number): Promise<void> {
    for (let rest = buffers; rest.length > 0; ) {
      const vector = rest.slice(0, VECTOR_LENGTH);
      const written = await new Promise<number>((resolve, reject) => {
        fs.writev(this.#fd, vector, position, (error, n) => (error ? reject(error) : resolve(n)));
      });
      position += written;
      rest = after(rest, written);
    }
  }

  sync(): Promise<void> {
    return fdatasync(this.#fd);
  }

  sizeBytes(): number {
    return fs.fstatSync(this.#fd).size;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    fs.closeSync(this.#fd);
  }
}

/** What direct writes begin at and are multiples of; no disk asks for more. */
const DIRECT_BYTES = 4096;

/**
 * A file written past the page cache where that is possible: 4 MiB cost about 0.8 ms of CPU then instead of 6.5, and the disk gets them as
 * they come. Two descriptors of one file: what is direct goes by one, the rest by the other, never into the same page. A sync by either
 * covers both; it is done by the first, which has been open for as long as anything could fail.
 */
class BulkFile implements File {
  readonly #direct: NodeFile;
  readonly #cached: NodeFile;
  #usesDirect = true;

  constructor(direct: NodeFile, cached: NodeFile) {
    this.#direct = direct;
    this.#cached = cached;
  }

  readSync(buffer: Buffer, position: number): number {
    return this.#cached.readSync(buffer, position);
  }

  read(buffer: Buffer, position: number): Promise<number> {
    return this.#cached.read(buffer, position);
  }

  writeSync(buffers: readonly Buffer[], position: number): void {
    this.#cached.writeSync(buffers, position);
  }

  async write(buffers: readonly Buffer[], position: number): Promise<void> {
    const [only] = buffers;
    const bytes = buffers.length === 1 && only && this.#usesDirect && beginsOnPage(only) && position % DIRECT_BYTES === 0 ? only.length - (only.length % DIRECT_BYTES) : 0;
    if (only === undefined || bytes === 0 || !(await this.#writeDirect(only.subarray(0, bytes), position))) return this.#cached.write(buffers, position);
    if (bytes < only.length) await this.#cached.write([only.subarray(bytes)], position + bytes);
  }

  /** False where the disk does not take it so, now and from now on. */
  async #writeDirect(buffer: Buffer, position: number): Promise<boolean> {
    try {
      await this.#direct.write([buffer], position);
      return true;
    } catch (error) {
      if (codeOf(error) !== 'EINVAL') throw error;
      this.#usesDirect = false;
      return false;
    }
  }

  sync(): Promise<void> {
    return this.#direct.sync();
  }

  sizeBytes(): number {
    return this.#cached.sizeBytes();
  }

  close(): void {
    this.#direct.close();
    this.#cached.close();
  }
}

function createBulk(path: string): File {
  let direct: NodeFile;
  try {
    direct = new NodeFile(fs.openSync(path, DIRECT_FLAGS));
  } catch (error) {
    // Where a file system knows no direct writes, the name may have been made all the same.
    if (codeOf(error) !== 'EINVAL') throw error;
    fs.rmSync(path, { force: true });
    return new NodeFile(fs.openSync(path, FLAGS.create));
  }
  try {
    return new BulkFile(direct, new NodeFile(fs.openSync(path, FLAGS.write)));
  } catch (error) {
    direct.close();
    throw error;
  }
}

/** What is left of `buffers` when `written` bytes are done: a short write is continued, never repeated. */
function after(buffers: readonly Buffer[], written: number): readonly Buffer[] {
  let index = 0;
  let left = written;
  for (let buffer = buffers[index]; buffer !== undefined && left >= buffer.length; buffer = buffers[++index]) left -= buffer.length;
  const rest = buffers.slice(index);
  if (left > 0 && rest[0]) return [rest[0].subarray(left), ...rest.slice(1)];
  return rest;
}

/** The machine's own file system. */
export const nodeFiles: Files = {
  open: (path, mode) => (mode === 'create-bulk' ? createBulk(path) : new NodeFile(fs.openSync(path, FLAGS[mode]))),
  makeDirectory(path) {
    const first = fs.mkdirSync(path, { recursive: true });
    if (first === undefined) return;
    // Each new directory is a name in the one above it, and a file synced below is only as durable as these.
    for (let parent = dirname(resolve(path)); ; parent = dirname(parent)) {
      const fd = fs.openSync(parent, 'r');
      fs.fsyncSync(fd);
      fs.closeSync(fd);
      if (parent === dirname(resolve(first)) || parent === dirname(parent)) return;
    }
  },
  list(path) {
    try {
      return fs.readdirSync(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  },
  rename: (from, to) => fs.renameSync(from, to),
  link: (from, to) => fs.linkSync(from, to),
  async unlink(path) {
    try {
      await unlink(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  },
  async syncDirectory(path) {
    const fd = fs.openSync(path, 'r');
    try {
      await fsync(fd);
    } finally {
      fs.closeSync(fd);
    }
  },
  freeBytes(path) {
    const { bavail, bsize } = fs.statfsSync(path);
    return bavail * bsize;
  },
};

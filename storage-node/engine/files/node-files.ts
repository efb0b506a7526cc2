/** The Files port over node:fs. */
import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { codeOf, type File, type Files, type OpenMode } from './files.ts';

const fdatasync = promisify(fs.fdatasync);
const fsync = promisify(fs.fsync);
const unlink = promisify(fs.unlink);

const FLAGS: Record<OpenMode, string> = { read: 'r', write: 'r+', create: 'wx+' };

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
  open: (path, mode) => new NodeFile(fs.openSync(path, FLAGS[mode])),
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

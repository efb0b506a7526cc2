/**
 * The Files port: all that the engine asks of a file system. The real one is node:fs; the simulated disk tears, drops,
 * rots and fails. Calls that finish in the page cache are synchronous, since a hand-off to the thread pool costs ten times
 * what they do; calls that may wait for the disk are promises. Errors carry the system's code (`EIO`, `ENOSPC`, `ENOENT`).
 */

export interface File {
  /** Reads into `buffer` from `position`; answers how many bytes there were, fewer only at the end of the file. */
  readSync(buffer: Buffer, position: number): number;
  read(buffer: Buffer, position: number): Promise<number>;
  /** Writes all of `buffers`, one after the other, from `position` on. On an error some of it may have been written. */
  writeSync(buffers: readonly Buffer[], position: number): void;
  write(buffers: readonly Buffer[], position: number): Promise<void>;
  /** fdatasync: when it resolves, the bytes written before it was called are on stable storage. After a failure nothing is known. */
  sync(): Promise<void>;
  sizeBytes(): number;
  /** Harmless when closed already. */
  close(): void;
}

/**
 * `create` makes a new file and fails where there is one; `write` opens an existing one. All but `read` can read and write. `create-bulk` is
 * `create` for a file that is written once in large pieces: those in memory that begins on a page (`beginsOnPage`) may go past the page cache.
 */
export type OpenMode = 'read' | 'write' | 'create' | 'create-bulk';

export interface Files {
  open(path: string, mode: OpenMode): File;
  /** Makes the directory and its parents, durably. */
  makeDirectory(path: string): void;
  /** Names in a directory, in no order; none where it does not exist. */
  list(path: string): string[];
  rename(from: string, to: string): void;
  /** Gives a file a second name; EEXIST where there is one of that name. */
  link(from: string, to: string): void;
  /** Harmless where there is no such file. An open file stays readable. */
  unlink(path: string): Promise<void>;
  /** Makes names created, renamed and unlinked in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes a writer may still use on the file system of `path`. */
  freeBytes(path: string): number;
}

/** The system's code of an error (`EIO`, `ENOENT`), or ''. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** True if there was no room. */
export function isFull(error: unknown): boolean {
  return codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT';
}

/** The whole of a small file, or undefined where there is none. */
export function readWhole(files: Files, path: string): Buffer | undefined {
  let file: File;
  try {
    file = files.open(path, 'read');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const buffer = Buffer.alloc(file.sizeBytes());
    return buffer.subarray(0, file.readSync(buffer, 0));
  } finally {
    file.close();
  }
}

/** Writes a small file so that after a crash there is the old one, or none, or the new one whole. */
export async function replaceWhole(files: Files, { directory, name, content }: { directory: string; name: string; content: Buffer }): Promise<void> {
  const temporary = `${directory}/${name}.new`;
  await files.unlink(temporary);
  const file = files.open(temporary, 'create');
  try {
    file.writeSync([content], 0);
    await file.sync();
  } finally {
    file.close();
  }
  files.rename(temporary, `${directory}/${name}`);
  await files.syncDirectory(directory);
}

/**
 * Opening and editing a builder file from the command line: one editor at a time, and what fails is said in a sentence.
 */
import { open, readFile, rm } from 'node:fs/promises';
import { isStoreError, StoreError } from '#common';
import { loadBuilder, saveBuilder, type RingBuilder } from '#ring';
import { EXIT, type Terminal } from './terminal.ts';

/** Runs a command's body; a fault of the world becomes a line on the error output and exit status 2. */
export async function guarded(terminal: Terminal, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!isStoreError(error)) throw error;
    terminal.err(error.message);
    terminal.exit(EXIT.error);
  }
}

/** Loads the builder, applies `edit` and saves; nothing is saved if it returns false or throws. */
export async function editBuilder(path: string, terminal: Terminal, edit: (builder: RingBuilder) => boolean | void | Promise<boolean | void>): Promise<void> {
  await using _lock = await lockFile(`${path}.lock`);
  const builder = await loadBuilder(path, terminal.clock);
  if ((await edit(builder)) !== false) await saveBuilder(path, builder);
}

/** A lock file that holds the owner's process id; one whose owner is gone is taken over. */
export async function lockFile(path: string): Promise<AsyncDisposable> {
  for (let attempt = 0; ; attempt++) {
    try {
      await using file = await open(path, 'wx');
      await file.write(String(process.pid));
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST') throw new StoreError('unavailable', `${path}: ${message}`, { cause: error });
      const owner = Number(await readFile(path, 'utf8').catch(() => ''));
      if (attempt > 0 || (owner > 0 && isAlive(owner))) throw new StoreError('conflict', `${path}: process ${owner} is editing this ring; remove the file if it is not`, { cause: error });
      await rm(path, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

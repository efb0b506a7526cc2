/**
 * LevelDB's logs, seen from outside. A batch that was written without a sync lies in one of them, and is safe once that file is synced
 * or its changes are in a table, which LevelDB syncs before it removes the log.
 *
 * LevelDB itself cannot be asked for that: its sync reaches the log in use only, and a log is left unsynced when the next one begins.
 */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const LOG = /^\d+\.log$/;

export class WriteAheadLogs {
  readonly #directory: string;
  /** The newest log whose name is known to be on stable storage. */
  #named = '';

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** How many there are: one, but for the moments in which the changes of an earlier one become a table. 0 for a new database. */
  async count(): Promise<number> {
    return (await this.#names()).length;
  }

  /** Puts everything that was written to them before the call on stable storage. */
  async sync(): Promise<void> {
    const names = await this.#names();
    for (const name of names) await syncFile(join(this.#directory, name));
    const newest = names.at(-1) ?? '';
    if (newest === this.#named) return;
    await syncFile(this.#directory);
    this.#named = newest;
  }

  async #names(): Promise<string[]> {
    const names = await readdir(this.#directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names.filter((name) => LOG.test(name)).sort();
  }
}

/** A log that has gone meanwhile needs no sync: it is removed when its changes are in a table. */
async function syncFile(path: string): Promise<void> {
  try {
    await using file = await open(path, 'r');
    await file.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

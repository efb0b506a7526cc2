/** The disks of a storm: a file system of its own for each node, that can be swapped for an empty one, put back, filled up, or emptied under its node. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SIZE_BYTES = 1536 << 20;

export class Disk {
  readonly #place: string;

  /** `place`: the folder of the node's devices. */
  constructor(place: string) {
    this.#place = place;
  }

  /** A new, empty one. */
  async plugIn(): Promise<void> {
    await mkdir(this.#place, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'tmpfs', this.#place]);
  }

  /** It is gone for good. */
  async throwAway(): Promise<void> {
    await insist('umount', this.#place);
  }

  /** It is taken out, to be put back later by what is answered. */
  async takeOut(): Promise<() => Promise<void>> {
    const shelf = `${this.#place}-shelf`;
    await mkdir(shelf, { recursive: true });
    await insist('mount', '--move', this.#place, shelf);
    return async () => void (await run('mount', ['--move', shelf, this.#place]));
  }

  /** All files are removed, whoever has them open. */
  async wipe(): Promise<void> {
    for (const name of await readdir(this.#place)) await rm(path.join(this.#place, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 10 });
  }

  /** No more than so many bytes can be written. */
  async fill(leftBytes: number): Promise<void> {
    // It grows meanwhile, and cannot be made smaller than what is on it.
    for (let attempt = 1; ; attempt++) {
      const { blocks, bfree, bsize } = await statfs(this.#place);
      try {
        return await this.#resize((blocks - bfree) * bsize + leftBytes * attempt);
      } catch (error) {
        if (attempt === 20) throw error;
      }
    }
  }

  async free(): Promise<void> {
    await this.#resize(SIZE_BYTES);
  }

  async #resize(bytes: number): Promise<void> {
    await run('mount', ['-o', `remount,size=${bytes}`, this.#place]);
  }
}

/** The kernel closes the files of a process that was killed a moment after it is gone. */
async function insist(command: string, ...words: string[]): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return void (await run(command, words));
    } catch (error) {
      if (!String(error).includes('busy')) throw error;
      await sleep(50);
    }
  }
  throw new Error(`${command} ${words.join(' ')}: still busy`);
}

/**
 * Where new rings arrive while a process serves: it is told of a ring, proves it, keeps it in its folder and takes it at once. An older ring
 * than the one in force is refused, so that rings which overtake each other on their way do no harm.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isStoreError, StoreError } from '#common';
import { loadRing } from './ring-file.ts';
import type { RingSet } from './ring-set.ts';
import { replaceFile, withTemporary } from './sealed-file.ts';

/** A ring of 65,535 devices at power 24 would be larger; nobody sends one. */
export const MAX_RING_BYTES: number = 256 << 20;

/** By file name (`object-1.ring`): versions. */
export type RingVersions = Readonly<Record<string, number>>;

export class RingInbox {
  readonly #folder: string;
  readonly #rings: RingSet;

  constructor(folder: string, rings: RingSet) {
    this.#folder = folder;
    this.#rings = rings;
  }

  /** Of the rings in force. */
  versions(): RingVersions {
    return Object.fromEntries(this.#rings.all().map(([name, ring]) => [name, ring.version]));
  }

  /**
   * Takes a ring file; resolves once it is in force. Throws `bad-request` for what is no ring of this cluster or damaged, `conflict` for a ring that is
   * older than the one in force, or another of the same version.
   */
  async receive(name: string, bytes: Buffer): Promise<RingVersions> {
    const held = this.versions()[name];
    if (held === undefined) throw new StoreError('bad-request', `${JSON.stringify(name)} is no ring of this cluster; it has ${Object.keys(this.versions()).join(' ')}`);
    const path = join(this.#folder, name);
    const version = await versionOf(path, bytes);
    if (version < held) throw new StoreError('conflict', `${name}: version ${version} is older than version ${held}, which is in force`);
    if (version === held) {
      const same = (await readFile(path).catch(() => Buffer.alloc(0))).equals(bytes);
      if (!same) throw new StoreError('conflict', `${name}: another ring of version ${version} is in force`);
      return this.versions();
    }
    await replaceFile(path, [bytes]);
    await this.#rings.refresh();
    return this.versions();
  }
}

/** The version of a ring file that is whole. */
async function versionOf(path: string, bytes: Buffer): Promise<number> {
  return withTemporary(path, [bytes], async (temporary) => {
    try {
      return (await loadRing(temporary)).version;
    } catch (error) {
      if (!isStoreError(error, 'corrupt')) throw error;
      throw new StoreError('bad-request', error.message.replaceAll(temporary, basename(path)), { cause: error });
    }
  });
}

/**
 * Digests over the databases of a device, for anti-entropy: sums of their versions for each of 2^14 slices of keys. Counted when they are first
 * asked for, and kept up to date with every commit from then on: a device that nobody compares pays nothing.
 */
import { DIGEST_BYTES, DIGEST_LANES, type DatabaseRanges } from '#storage-node/protocol';
import { versionOf, type Version } from '../database-version.ts';
import type { DatabaseRecord } from './database-record.ts';
import type { DatabaseKey } from './keys.ts';

export const DATABASE_SLICE_BITS = 14;
const SLICES = 2 ** DATABASE_SLICE_BITS;

/** Versions of committed records, which never change in place. */
const versions = new WeakMap<DatabaseRecord, Version>();

export function recordVersion(record: DatabaseRecord): Version {
  let version = versions.get(record);
  if (version === undefined) versions.set(record, (version = versionOf(record.key, record.state, record.figures)));
  return version;
}

/** The number that the leading bits of a database's key are. */
export function databasePrefix(key: DatabaseKey, bits: number): number {
  return bits === 0 ? 0 : Number.parseInt(key.slice(1, 9), 16) >>> (32 - bits);
}

export class DatabaseDigests {
  /** By kind; undefined until somebody asks. */
  #lanes: { readonly a: Uint32Array; readonly c: Uint32Array } | undefined;
  #counting: Promise<void> | undefined;

  /** One record took the place of another. */
  change(key: DatabaseKey, before: DatabaseRecord | undefined, after: DatabaseRecord | undefined): void {
    if (this.#lanes === undefined) return;
    if (before) this.#add(key, before, -1);
    if (after) this.#add(key, after, 1);
  }

  /** Forgets all; they are counted anew when they are asked for. */
  reset(): void {
    this.#lanes = undefined;
    this.#counting = undefined;
  }

  /**
   * Resolves when digests are there. `begin` answers the records as they are at one moment between two commits, and is to call `started` in
   * that moment: what is committed later is added to the count while it goes on.
   */
  async ready(begin: (started: () => void) => AsyncIterable<DatabaseRecord>): Promise<void> {
    this.#counting ??= this.#count(begin).catch((error: unknown) => {
      this.reset();
      throw error;
    });
    await this.#counting;
  }

  async #count(begin: (started: () => void) => AsyncIterable<DatabaseRecord>): Promise<void> {
    const lanes = { a: new Uint32Array(SLICES * DIGEST_LANES), c: new Uint32Array(SLICES * DIGEST_LANES) };
    for await (const record of begin(() => (this.#lanes = lanes))) {
      if (this.#lanes !== lanes) throw new Error('the database was opened anew');
      this.#add(record.key, record, 1);
    }
  }

  /** Sums of ranges of at most DATABASE_SLICE_BITS bits. */
  sums({ kind, bits, prefixes }: DatabaseRanges): Buffer {
    const lanes = this.#lanes![kind === 'account' ? 'a' : 'c'];
    const length = 2 ** (DATABASE_SLICE_BITS - bits) * DIGEST_LANES;
    const sums = Buffer.alloc(prefixes.length * DIGEST_BYTES);
    prefixes.forEach((prefix, i) => {
      let low = 0;
      let high = 0;
      for (let lane = prefix * length; lane < (prefix + 1) * length; lane += DIGEST_LANES) {
        low = (low + lanes[lane]!) >>> 0;
        high = (high + lanes[lane + 1]!) >>> 0;
      }
      sums.writeUInt32LE(low, i * DIGEST_BYTES);
      sums.writeUInt32LE(high, i * DIGEST_BYTES + 4);
    });
    return sums;
  }

  #add(key: DatabaseKey, record: DatabaseRecord, sign: 1 | -1): void {
    const lanes = this.#lanes![key[0] as 'a' | 'c'];
    const at = databasePrefix(key, DATABASE_SLICE_BITS) * DIGEST_LANES;
    const [low, high] = recordVersion(record);
    lanes[at] = lanes[at]! + sign * low;
    lanes[at + 1] = lanes[at + 1]! + sign * high;
  }
}

/** Short texts that the store keeps for itself by a name, on a majority, e.g. how far some work came. Rows of containers of a reserved account. */
import { LRUCache } from 'lru-cache';
import { hash } from 'node:crypto';
import { isStoreError, NEVER, type HybridClock, type Timestamp } from '#common';
import type { ContainerName, Containers } from './containers.ts';
import { reservedName } from './reserved.ts';

const ACCOUNT = reservedName('jottings');
const SHARDS = 16;
const REMEMBERED = 10_000;

export class Jottings {
  readonly #containers: Containers;
  readonly #timestamps: HybridClock;
  /** When what was read last was written: what follows it is newer, whoever's clock wrote it. */
  readonly #seen = new LRUCache<string, Timestamp>({ max: REMEMBERED });

  constructor(containers: Containers, timestamps: HybridClock) {
    this.#containers = containers;
    this.#timestamps = timestamps;
  }

  /** Undefined where nothing was written, or it was taken away. */
  async read(name: string): Promise<string | undefined> {
    const page = await this.#containers.list(placeOf(name), { limit: 1, marker: '', endMarker: '', prefix: name, delimiter: '', reverse: false }).catch(ifMissing);
    const [row] = page?.entries ?? [];
    if (row === undefined || 'subdir' in row || row.name !== name) return undefined;
    this.#seen.set(name, row.timestamp);
    return row.contentType;
  }

  /** Undefined takes it away. */
  async write(name: string, text: string | undefined): Promise<void> {
    const place = placeOf(name);
    const timestamp = this.#timestamps.after(this.#seen.get(name) ?? NEVER);
    const row = { name, timestamp, deleted: text === undefined, metaTimestamp: timestamp, bytes: 0, count: 1, policy: 0, etag: '', contentType: text ?? '' };
    if ((await this.#containers.noteRows(place, [row])) || text === undefined) return;
    await this.#containers.put(place, { metadata: {}, policy: undefined });
    await this.#containers.noteRows(place, [row]);
  }
}

function placeOf(name: string): ContainerName {
  return { account: ACCOUNT, container: String(hash('md5', name, 'buffer')[0]! % SHARDS).padStart(2, '0') };
}

function ifMissing(error: unknown): undefined {
  if (!isStoreError(error, 'container-not-found')) throw error;
  return undefined;
}

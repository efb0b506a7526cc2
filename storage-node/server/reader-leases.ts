/**
 * Open readers of large objects, held for peers between their `open` and `release`: ranges that they read are of the version
 * they opened, whatever is written meanwhile. A peer that vanishes loses its lease after some idle time.
 */
import { randomUUID } from 'node:crypto';
import { StoreError } from '#common';
import type { ObjectReader } from '#storage-node/protocol';

interface Lease {
  readonly reader: ObjectReader;
  users: number;
  expiry: NodeJS.Timeout | undefined;
  released: boolean;
}

export class ReaderLeases {
  readonly #leases = new Map<string, Lease>();
  readonly #idleMs: number;
  readonly #maxLeases: number;

  constructor({ idleMs, maxLeases }: { idleMs: number; maxLeases: number }) {
    this.#idleMs = idleMs;
    this.#maxLeases = maxLeases;
  }

  get count(): number {
    return this.#leases.size;
  }

  /** Takes the reader over. */
  async add(reader: ObjectReader): Promise<string> {
    if (this.#leases.size >= this.#maxLeases) {
      await reader[Symbol.asyncDispose]();
      throw new StoreError('device-unavailable', 'too many objects are open');
    }
    const id = randomUUID();
    const lease: Lease = { reader, users: 0, expiry: undefined, released: false };
    this.#leases.set(id, lease);
    this.#rest(id, lease);
    return id;
  }

  /** Runs `use` on the reader of a lease, which does not expire meanwhile. */
  async use(id: string, use: (reader: ObjectReader) => Promise<void>): Promise<void> {
    const lease = this.#leases.get(id);
    if (!lease) throw new StoreError('device-unavailable', 'the object is no longer open');
    clearTimeout(lease.expiry);
    lease.users++;
    try {
      await use(lease.reader);
    } finally {
      lease.users--;
      if (lease.released) await this.#dispose(lease);
      else this.#rest(id, lease);
    }
  }

  async release(id: string): Promise<void> {
    const lease = this.#leases.get(id);
    if (!lease) return;
    this.#leases.delete(id);
    lease.released = true;
    clearTimeout(lease.expiry);
    await this.#dispose(lease);
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#leases.keys()].map((id) => this.release(id)));
  }

  async #dispose(lease: Lease): Promise<void> {
    if (lease.users === 0) await lease.reader[Symbol.asyncDispose]();
  }

  #rest(id: string, lease: Lease): void {
    if (lease.users > 0) return;
    lease.expiry = setTimeout(() => void this.release(id), this.#idleMs);
    lease.expiry.unref();
  }
}

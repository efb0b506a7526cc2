/**
 * Keys whose state here was damaged and forgotten, and how new it was. Such a device cannot say that there is nothing: what it lost may be what everybody was
 * told is safe. So it says `corrupt` until it has something as new again, and takes nothing older, as if it had promised that (promises.ts).
 *
 * In memory, with the index brought up to it at checkpoints (`r <key>`); the FORGET records between have the rest.
 */
import { NEVER, StoreError, TICKS_PER_MS, type Timestamp } from '#common';
import type { IndexChange, IndexStore } from '../index-store/index-store.ts';
import { DAMAGE_PREFIX, indexKey, textOfIndexKey } from './entry.ts';
import { readUint53, writeUint53 } from './record.ts';

/** Of what was lost: its data or tombstone, and its metadata. */
export interface Damage {
  readonly timestamp: Timestamp;
  readonly metaTimestamp: Timestamp;
}

export class DamageSet {
  readonly #damages = new Map<string, Damage>();
  /** What the index has, as of the last checkpoint. */
  #persisted = new Map<string, Damage>();

  async load(index: IndexStore): Promise<void> {
    for await (const page of index.range(Buffer.from([DAMAGE_PREFIX]), Buffer.from([DAMAGE_PREFIX + 1]))) {
      for (const [key, value] of page) {
        const damage = { timestamp: readUint53(value, 0) as Timestamp, metaTimestamp: readUint53(value, 8) as Timestamp };
        this.#damages.set(textOfIndexKey(key), damage);
        this.#persisted.set(textOfIndexKey(key), damage);
      }
    }
  }

  get size(): number {
    return this.#damages.size;
  }

  has(keyText: string): boolean {
    return this.#damages.size > 0 && this.#damages.has(keyText);
  }

  /** Throws `corrupt` where what the key had is missing. */
  check(keyText: string): void {
    if (this.has(keyText)) throw new StoreError('corrupt', 'what the device had was damaged, and has not come back yet');
  }

  /** The newer of what was promised and what was lost: nothing older takes effect. */
  floor(keyText: string, promised: Timestamp): Timestamp {
    const lost = this.#damages.size === 0 ? NEVER : (this.#damages.get(keyText)?.timestamp ?? NEVER);
    return promised > lost ? promised : lost;
  }

  /** Whether the loss of just this state is not made good. */
  stands(keyText: string, timestamp: Timestamp): boolean {
    return this.#damages.get(keyText)?.timestamp === timestamp;
  }

  note(keyText: string, lost: Damage): void {
    const held = this.#damages.get(keyText);
    if (held !== undefined && (held.timestamp > lost.timestamp || (held.timestamp === lost.timestamp && held.metaTimestamp >= lost.metaTimestamp))) return;
    this.#damages.set(keyText, { timestamp: lost.timestamp, metaTimestamp: lost.metaTimestamp });
  }

  /** This state is held now. */
  heal(keyText: string, { timestamp, metaTimestamp }: Damage): void {
    if (this.#damages.size === 0) return;
    const lost = this.#damages.get(keyText);
    if (lost !== undefined && (timestamp > lost.timestamp || (timestamp === lost.timestamp && metaTimestamp >= lost.metaTimestamp))) this.#damages.delete(keyText);
  }

  /** Forgets those older than `beforeMs`, as tombstones are. */
  expire(beforeMs: number): void {
    for (const [keyText, { metaTimestamp }] of this.#damages) if (metaTimestamp / TICKS_PER_MS < beforeMs) this.#damages.delete(keyText);
  }

  /** What brings the index up to date; call `done` when it has been applied. */
  changes(): { changes: IndexChange[]; done: () => void } {
    const changes: IndexChange[] = [];
    const now = new Map(this.#damages);
    for (const [keyText, damage] of now) {
      if (this.#persisted.get(keyText) === damage) continue;
      const value = Buffer.alloc(16);
      writeUint53(value, damage.timestamp, 0);
      writeUint53(value, damage.metaTimestamp, 8);
      changes.push({ type: 'put', key: indexKey(DAMAGE_PREFIX, keyText), value });
    }
    for (const keyText of this.#persisted.keys()) if (!now.has(keyText)) changes.push({ type: 'del', key: indexKey(DAMAGE_PREFIX, keyText) });
    return { changes, done: () => void (this.#persisted = now) };
  }
}

/**
 * A ring that follows its file. Operators push new rings to every node while it serves; a watcher looks at the file now and
 * then and takes a new one once it has proved whole. A file that is damaged or gone changes nothing but the fault report.
 */
import { stat } from 'node:fs/promises';
import { isStoreError, type Clock, type StoreError } from '#common';
import { loadRing } from './ring-file.ts';
import type { Ring } from './ring.ts';

export interface RingWatcherEvents {
  /** A new ring was taken. */
  readonly onChange?: ((change: { path: string; ring: Ring; previous: Ring }) => void) | undefined;
  /** The new file was refused and the old ring serves on; called once for each such file. */
  readonly onFault?: ((fault: StoreError) => void) | undefined;
}

export class RingWatcher {
  readonly path: string;
  readonly #events: RingWatcherEvents;
  #ring: Ring;
  /** Identity of the file that was looked at last, taken or refused. */
  #seen: string;
  /** Looks at the file, one after the other: whoever asks for one gets the ring that its look found. */
  #looking: Promise<unknown> = Promise.resolve();

  private constructor(path: string, events: RingWatcherEvents, ring: Ring, seen: string) {
    this.path = path;
    this.#events = events;
    this.#ring = ring;
    this.#seen = seen;
  }

  /** Throws as loadRing does: a server does not start on a ring it cannot read. */
  static async open(path: string, events: RingWatcherEvents = {}): Promise<RingWatcher> {
    // Identity first: if the file is replaced in between, the next refresh loads once more than needed.
    const seen = await identityOf(path);
    return new RingWatcher(path, events, await loadRing(path), seen);
  }

  get ring(): Ring {
    return this.#ring;
  }

  /** Takes the file's ring if the file is another than before; true if the ring changed. */
  refresh(): Promise<boolean> {
    const look = this.#looking.then(() => this.#look());
    this.#looking = look.catch(() => undefined);
    return look;
  }

  async #look(): Promise<boolean> {
    const identity = await identityOf(this.path);
    if (identity === this.#seen) return false;
    this.#seen = identity;
    try {
      const previous = this.#ring;
      this.#ring = await loadRing(this.path);
      this.#events.onChange?.({ path: this.path, ring: this.#ring, previous });
      return true;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      this.#events.onFault?.(error);
      return false;
    }
  }

  /** Refreshes every `intervalMs` until the signal aborts, then resolves. */
  async watch({ clock, intervalMs, signal }: { clock: Clock; intervalMs: number; signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      try {
        await clock.sleep(intervalMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      await this.refresh();
    }
  }
}

/** Changes whenever the file is replaced or written. */
async function identityOf(path: string): Promise<string> {
  try {
    const { ino, dev, size, mtimeNs } = await stat(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch (error) {
    return `unreadable: ${(error as NodeJS.ErrnoException).code ?? ''}`;
  }
}

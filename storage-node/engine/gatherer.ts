/**
 * When to close a group of writes. A sync costs about as much CPU for one write as for sixteen, so where many writers come
 * and go at once it pays to wait for those whose answers just went out: until as many have come as lately did, or a
 * moment has passed (PostgreSQL's commit_delay and commit_siblings). A lone writer waits for nothing.
 */
export interface GatherSettings {
  /** Longest wait, in microseconds; 0 only lets this turn of the event loop pass. */
  readonly gatherUs: number;
  /** Fewer writers than this in the groups before are not waited for. */
  readonly gatherSiblings: number;
}

export class Gatherer {
  readonly #settings: GatherSettings;
  readonly #queued: () => number;
  /** How many came together lately. Falls slowly, so that one short group does not end the waiting for all. */
  #siblings = 0;
  #wake: (() => void) | undefined;

  constructor(settings: GatherSettings, queued: () => number) {
    this.#settings = settings;
    this.#queued = queued;
  }

  /** Resolves when the group should close. */
  async wait(): Promise<void> {
    await new Promise(setImmediate);
    const { gatherUs, gatherSiblings } = this.#settings;
    if (gatherUs === 0 || this.#siblings < gatherSiblings || this.#queued() >= this.#siblings) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, gatherUs / 1000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  /** A write was queued. */
  joined(): void {
    if (this.#wake !== undefined && this.#queued() >= this.#siblings) this.#wake();
  }

  /** A group of `count` closed. */
  took(count: number): void {
    this.#siblings = Math.max(count, this.#siblings - 1);
  }
}

/**
 * When to close a group of writes. A sync costs about as much CPU for one write as for sixteen, so where many writers come
 * and go at once it pays to wait for those whose answers just went out: until as many have come as lately did, or a
 * moment has passed (PostgreSQL's commit_delay and commit_siblings). A lone writer waits for nothing.
 *
 * The devices of a process gather together. A client's write goes to several of them and is answered by the slowest; each in a
 * rhythm of its own, it would wait for two or three of these one after the other, and none would see all who write.
 */
export interface GatherSettings {
  /** Longest wait, in microseconds; 0 only lets this turn of the event loop pass. */
  readonly gatherUs: number;
  /** Fewer writes than this in the rounds before are not waited for; a write that goes to three devices here counts three times. */
  readonly gatherSiblings: number;
}

/** What a writer is not to wait for again: the round it came in. */
export type Round = number & { readonly __brand: 'Round' };

export const DEFAULT_GATHER: GatherSettings = { gatherUs: 2000, gatherSiblings: 9 };

/** How much of what came lately is still expected a round later, so that one short round does not end the waiting for all. */
const FADING = 0.95;

export class Gatherer {
  readonly #settings: GatherSettings;
  #round = 0;
  /** Writes that came in this round, and how many used to. */
  #joined = 0;
  #lately = 0;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: Partial<GatherSettings> = {}) {
    this.#settings = { ...DEFAULT_GATHER, ...settings };
  }

  /** A write was queued, on any device. Answers the round to name when its group is waited for. */
  join(): Round {
    this.#joined++;
    if (this.#waiting.length > 0 && this.#joined >= this.#lately) this.#close();
    return this.#round as Round;
  }

  /** Resolves when a group should close whose oldest write came in `round`. */
  async wait(round: Round): Promise<void> {
    await new Promise(setImmediate);
    // A device that was busy when its round closed is late already, and its writers are not coming again before it answers.
    if (round < this.#round) return;
    const { gatherUs, gatherSiblings } = this.#settings;
    if (gatherUs === 0 || this.#lately < gatherSiblings || this.#joined >= this.#lately) return this.#close();
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#timer ??= setTimeout(() => this.#close(), gatherUs / 1000);
    });
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lately = Math.max(this.#joined, Math.floor(this.#lately * FADING));
    this.#joined = 0;
    this.#round++;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/**
 * The network of a simulation: calls between hosts take their time, come in any order, are lost on the way there or back, or come long after
 * their sender gave up. A host that died neither hears nor answers, and what its process waited for never comes.
 */
import { StoreError } from '#common';
import type { SeededRandom } from '../../storage-node/engine/files/random.ts';
import type { Timeline } from './timeline.ts';

/** A process on a host: of one that was started again there is a new one. */
export class Host {
  readonly name: string;
  alive = true;
  /** Resolves when the process ends. */
  readonly died: Promise<void>;
  #die: () => void = () => undefined;

  constructor(name: string) {
    this.name = name;
    this.died = new Promise((resolve) => (this.#die = resolve));
  }

  die(): void {
    this.alive = false;
    this.#die();
  }
}

/** How long a caller waits for an answer. */
export const TIMEOUT_MS = 1000;

export class Network {
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  /** `from>to` of links on which nothing comes through. */
  readonly #cut = new Set<string>();
  /** One message in so many is lost; 0 for none. */
  lossOneIn = 0;
  /** One message in so many is slow. */
  slowOneIn = 30;
  /** What went wrong that no fault of the world explains. */
  fault: Error | undefined;

  constructor(timeline: Timeline, random: SeededRandom) {
    this.#timeline = timeline;
    this.#random = random;
  }

  /** Nothing comes through from one host to the other any more; the way back is a link of its own. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  join(from: string, to: string): void {
    this.#cut.delete(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
    this.lossOneIn = 0;
    this.slowOneIn = 30;
  }

  /** Calls `answer` on `to()`, as it is when the message arrives. */
  call<T>({ from, to }: { from: Host; to: () => Host }, answer: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let over = false;
      const end = (finish: () => void): void => {
        if (over || !from.alive) return;
        over = true;
        timeout.cancel();
        finish();
      };
      const fail = (what: string): void => end(() => reject(new StoreError('device-unavailable', `${to().name}: ${what}`)));
      const timeout = this.#timeline.after(TIMEOUT_MS, () => fail('no answer in time'));
      this.#send(from.name, to().name, () => {
        const server = to();
        if (!server.alive) return this.#send(server.name, from.name, () => fail('connection refused'));
        const back = (finish: () => void): void => {
          // Whoever dies takes his answers along; the peer sees the connection end, or nothing.
          if (!server.alive) return this.#send(server.name, from.name, () => fail('connection reset'));
          this.#send(server.name, from.name, () => end(finish));
        };
        answer().then(
          (value) => back(() => resolve(value)),
          (error: unknown) => {
            if (!(error instanceof StoreError) && server.alive) this.fault ??= asError(error);
            back(() => reject(asError(error)));
          },
        );
      });
    });
  }

  /** Tells `to()` something that nobody waits for. */
  tell({ from, to }: { from: Host; to: () => Host }, hear: () => void): void {
    if (from.alive) this.#send(from.name, to().name, () => void (to().alive && hear()));
  }

  #send(from: string, to: string, arrive: () => void): void {
    if (from === to) return void this.#timeline.after(0, arrive);
    if (this.#cut.has(`${from}>${to}`) || (this.lossOneIn > 0 && this.#random.oneIn(this.lossOneIn))) return;
    this.#timeline.after(this.#delayMs(), arrive);
  }

  #delayMs(): number {
    const random = this.#random;
    if (!random.oneIn(this.slowOneIn)) return 0.1 + random.below(1000) / 1000;
    return random.oneIn(20) ? random.below(3 * TIMEOUT_MS) : random.below(60);
  }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(`not an error: ${JSON.stringify(error)}`);
}

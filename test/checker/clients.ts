/** Clients that go on asking, each in a loop of its own, until they are told to stop. */
import { setTimeout as sleep } from 'node:timers/promises';

const FAULT_PAUSE_MS = 20;

export class Clients {
  readonly #running: Promise<void>[];
  #stopping = false;

  /** `begin` answers what a client does again and again; false where it got no good answer, and waits a moment. */
  constructor(count: number, begin: (number: number) => () => Promise<boolean>) {
    this.#running = Array.from({ length: count }, (_, i) => this.#run(begin(i)));
  }

  /** Lets every client finish what it is at. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #run(step: () => Promise<boolean>): Promise<void> {
    while (!this.#stopping) if (!(await step())) await sleep(FAULT_PAUSE_MS);
  }
}

/** Small notes to a peer that nobody waits for: gathered for a moment, sent in one request, lost where that fails (they are told again). */

const GATHER_MS = 50;
/** More than this are not kept for a peer that does not answer. */
const MAX_NOTES = 10_000;

export class LazySender<T> {
  readonly #send: (notes: readonly T[]) => Promise<unknown>;
  #notes: T[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(send: (notes: readonly T[]) => Promise<unknown>) {
    this.#send = send;
  }

  add(note: T): void {
    if (this.#notes.length >= MAX_NOTES) return;
    this.#notes.push(note);
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS);
  }

  /** Sends what is gathered now; resolves when it, and what was sent before, arrived or failed. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const notes = this.#notes;
    this.#notes = [];
    if (notes.length > 0) {
      const before = this.#sending;
      this.#sending = this.#send(notes).then(
        () => before,
        () => before,
      );
    }
    await this.#sending;
  }
}

/** Digests that are counted again while the engine serves: where the index has lost entries, or got some back. */
import { sliceOf, type SliceDigests } from './digests.ts';
import type { EntryTable } from './entry-table.ts';
import type { Environment } from './settings.ts';

export interface RecountingOptions {
  readonly environment: Pick<Environment, 'report'>;
  readonly digests: SliceDigests;
  readonly table: EntryTable;
  /** Runs work in turn with flushes and checkpoints. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
}

/** Slices that change while they are counted are counted again, so often. */
const ATTEMPTS = 10;

export class Recounting {
  readonly #o: RecountingOptions;
  readonly #lost = new Set<string>();
  #running: Promise<void> | undefined;

  /** Follows what the table loses, from what it has lost already on. */
  constructor(options: RecountingOptions) {
    this.#o = options;
    const { table } = options;
    table.onLoss = (keyText) => this.#note(keyText);
    for (const keyText of table.lost) this.#note(keyText);
  }

  /** Makes the digests of the keys' slices anew. */
  async recount(keyTexts: Iterable<string>): Promise<void> {
    const { digests, table, inTurn } = this.#o;
    let slices: ReadonlySet<number> = new Set([...keyTexts].map(sliceOf));
    for (let attempt = 0; attempt < ATTEMPTS && slices.size > 0; attempt++) {
      const wanted = slices;
      await inTurn(async () => {
        slices = await digests.recountBeside(table, wanted, () => table.flush());
      });
    }
  }

  /** Resolves when what was lost so far is counted. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** The record of a lost entry may be whole: the audit finds it; or the replicator brings it, once digests say that something is missing. */
  #note(keyText: string): void {
    const { report } = this.#o.environment;
    report({ event: 'quarantined', detail: { key: Buffer.from(keyText, 'latin1').toString('hex'), reason: 'checksum of the entry in the index' } });
    this.#lost.add(keyText);
    this.#running ??= Promise.resolve().then(async () => {
      const keys = [...this.#lost];
      this.#lost.clear();
      await this.recount(keys).catch((error: unknown) => report({ event: 'flush-failed', detail: { error: String(error) } }));
      this.#running = undefined;
    });
  }
}

/**
 * Puts databases right whose stored values turn out to be damaged: what is damaged is taken out and the rest counted anew, so that their digests say that
 * something is missing, and the replicator brings it from the others. Works between two groups of changes.
 */
import type { GroupCommitter } from './group-committer.ts';
import { databaseOfDamage, removeDatabase, recountDatabase } from './recount.ts';
import type { DatabaseKey } from './keys.ts';
import { isTableDamage, type ListingStore } from './listing-store.ts';

export class Mender {
  readonly #store: ListingStore;
  readonly #committer: GroupCommitter;
  /** Keys of damaged values, and of databases to be counted. */
  readonly #damaged = new Set<string>();
  #anew = false;
  #running: Promise<void> | undefined;

  constructor(store: ListingStore, committer: GroupCommitter) {
    this.#store = store;
    this.#committer = committer;
    store.onDamage = (key) => this.note(key);
  }

  /** Has the database mended that the stored key is of. */
  note(storedKey: string): void {
    this.#damaged.add(storedKey);
    this.#begin();
  }

  /** Where `error` says that LevelDB cannot read its tables: has the database put aside for an empty one. */
  noteFault(error: unknown): void {
    if (isTableDamage(error)) this.noteTables();
  }

  /** Tables are damaged: no compaction may meet them. */
  noteTables(): void {
    this.#anew = true;
    this.#begin();
  }

  /** Resolves when all that was noted is mended, or could not be. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #begin(): void {
    this.#running ??= this.#committer.between(() => this.#mend()).catch(() => undefined).finally(() => (this.#running = undefined));
  }

  async #mend(): Promise<void> {
    if (this.#anew) {
      this.#anew = false;
      this.#damaged.clear();
      return this.#store.startAnew();
    }
    const keys = [...this.#damaged];
    this.#damaged.clear();
    const databases = new Set<DatabaseKey>();
    for (const key of keys) {
      const database = await databaseOfDamage(this.#store, key);
      if (database !== undefined) databases.add(database);
    }
    for (const database of databases) {
      if (!(await recountDatabase(this.#store, database))) await removeDatabase(this.#store, database);
      this.#store.forget(database);
    }
    // Mending meets damage that nobody had met before; it has dealt with it.
    this.#damaged.clear();
  }
}

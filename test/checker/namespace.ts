/** All keys that a check uses, each with its history, and the one line of moments that orders what happened to them. */
import type { Content } from './body.ts';
import { KeyHistory, type DataWrite, type MetaWrite } from './history.ts';

export interface Key {
  readonly container: string;
  readonly object: string;
  readonly history: KeyHistory;
}

export class Namespace {
  readonly containers: string[] = [];
  readonly #keys = new Map<string, Key>();
  readonly #contents = new Map<string, Content>();
  /** Keys that were written to since the last verification, or whose listing was behind then. */
  readonly touched = new Set<Key>();
  /** Writes that broke off, with the server they were sent to. */
  readonly #cut: { readonly write: DataWrite | MetaWrite; readonly key: Key; readonly server: number }[] = [];
  #now = 0;

  /** The next moment. */
  tick(): number {
    return ++this.#now;
  }

  key(container: string, object: string): Key {
    const path = `${container}/${object}`;
    let key = this.#keys.get(path);
    if (key === undefined) this.#keys.set(path, (key = { container, object, history: new KeyHistory() }));
    return key;
  }

  keys(): Key[] {
    return [...this.#keys.values()];
  }

  has(container: string, object: string): boolean {
    return this.#keys.has(`${container}/${object}`);
  }

  remember(content: Content): void {
    this.#contents.set(content.md5, content);
  }

  contentOf(md5: string): Content | undefined {
    return this.#contents.get(md5);
  }

  noteCut(cut: { write: DataWrite | MetaWrite; key: Key; server: number }): void {
    this.#cut.push(cut);
  }

  /** The server with this number has died: what it had begun ends with it. */
  serverDied(server: number): void {
    const now = this.tick();
    for (const cut of this.#cut) if (cut.server === server) cut.key.history.bury(cut.write, now);
  }
}

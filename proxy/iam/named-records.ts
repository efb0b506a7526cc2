/**
 * Users and groups: kept by an id that never changes, found by a name that may. The name is a claim that leads to the id, made after the record
 * and given up after it; a claim that leads nowhere (its maker died between the two) is anyone's once it is old enough. Names have no case.
 */
import { IamFault } from './faults.ts';
import type { Group, User } from './entities.ts';
import type { Records } from './records.ts';

interface Claim {
  readonly id: string;
  readonly atMs: number;
}

/** Whoever claims a name makes use of it within this time, or not at all. */
const RENAMING_MS = 60_000;
const CLAIM_ATTEMPTS = 3;
const PAGE = 200;

export interface Page<T> {
  readonly entries: readonly T[];
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
}

export interface PageQuery {
  readonly marker: string;
  readonly limit: number;
  readonly pathPrefix: string;
}

export class NamedRecords<T extends User | Group> {
  readonly #records: Records;
  readonly #kind: 'user' | 'group';
  readonly #nowMs: () => number;

  constructor(records: Records, kind: 'user' | 'group', nowMs: () => number) {
    this.#records = records;
    this.#kind = kind;
    this.#nowMs = nowMs;
  }

  async byId(account: string, id: string): Promise<T | undefined> {
    const held = await this.#records.read<T>({ kind: this.#kind, account, name: id });
    return held === undefined || held.value.deleted === true ? undefined : held.value;
  }

  async byName(account: string, name: string): Promise<T | undefined> {
    const claim = await this.#records.read<Claim>(this.#claim(account, name));
    const found = claim === undefined ? undefined : await this.byId(account, claim.value.id);
    return found !== undefined && found.name.toLowerCase() === name.toLowerCase() ? found : undefined;
  }

  /** False where the name is taken. */
  async create(account: string, value: T): Promise<boolean> {
    await this.#records.create({ kind: this.#kind, account, name: value.id }, value);
    if (await this.#take(account, value.name, value.id)) return true;
    await this.#records.remove({ kind: this.#kind, account, name: value.id });
    return false;
  }

  /** Changes what is kept under an id, or begins it with `initial`. Undefined where there is nothing. */
  async change(account: string, id: string, change: (value: T) => T | undefined, initial?: T): Promise<T | undefined> {
    const name = { kind: this.#kind, account, name: id } as const;
    if (initial !== undefined && (await this.#records.read(name)) === undefined) await this.#records.create(name, initial);
    return this.#records.change<T>(name, (value) => (value.deleted === true ? undefined : change(value)));
  }

  /** Gives it another name and path. Throws EntityAlreadyExists. */
  async rename(account: string, value: T, { name, path }: { name: string; path: string }): Promise<void> {
    const same = name.toLowerCase() === value.name.toLowerCase();
    if (!same && !(await this.#take(account, name, value.id))) throw new IamFault('EntityAlreadyExists', `${this.#kind === 'user' ? 'User' : 'Group'} with name ${name} already exists.`);
    await this.change(account, value.id, (current) => ({ ...current, name, path }));
    if (!same) await this.#records.remove(this.#claim(account, value.name));
  }

  /** Removes it where `mayGo` does not throw. False where it is gone already. */
  async remove(account: string, id: string, mayGo: (value: T) => void): Promise<boolean> {
    const gone = await this.change(account, id, (value) => {
      mayGo(value);
      return { ...value, deleted: true };
    });
    if (gone?.deleted !== true) return false;
    await this.#records.remove({ kind: this.#kind, account, name: id });
    await this.#records.remove(this.#claim(account, gone.name));
    return true;
  }

  async page(account: string, { marker, limit, pathPrefix }: PageQuery): Promise<Page<T>> {
    return pageOf(limit, marker, (after) => this.#records.names({ kind: `${this.#kind}-name`, account }, { marker: after, limit: PAGE }), async (name) => {
      const found = await this.byName(account, name);
      return found?.path.startsWith(pathPrefix) === true ? found : undefined;
    });
  }

  async #take(account: string, name: string, id: string): Promise<boolean> {
    const claim = this.#claim(account, name);
    const ours = { id, atMs: this.#nowMs() };
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
      if (await this.#records.create(claim, ours)) return true;
      const held = await this.#records.read<Claim>(claim);
      if (held === undefined) continue;
      const stale = this.#nowMs() - held.value.atMs > RENAMING_MS && (await this.byName(account, name)) === undefined;
      if (!stale) return false;
      if (await this.#records.replace(claim, ours, held.etag)) return true;
    }
    return false;
  }

  #claim(account: string, name: string): { kind: 'user-name' | 'group-name'; account: string; name: string } {
    return { kind: `${this.#kind}-name`, account, name: name.toLowerCase() };
  }
}

/** Collects a page of what `look` finds under names; it may find nothing under some. */
export async function pageOf<T>(limit: number, marker: string, names: (after: string) => Promise<{ names: readonly string[]; more: boolean }>, look: (name: string) => Promise<T | undefined>): Promise<Page<T>> {
  const entries: T[] = [];
  let after = marker;
  for (;;) {
    const page = await names(after);
    for (const name of page.names) {
      if (entries.length === limit) return { entries, next: after };
      const found = await look(name);
      after = name;
      if (found !== undefined) entries.push(found);
    }
    if (!page.more) return { entries, next: undefined };
  }
}

/**
 * The rings of a cluster: one for accounts, one for containers, one for the objects of each storage policy, read from one
 * folder (`account.ring`, `container.ring`, `object.ring`, `object-1.ring`, ...) and followed as their files change.
 */
import { basename, join } from 'node:path';
import { isStoreError, StoreError, type Clock } from '#common';
import { hashPath, type HashSalt } from './hash-path.ts';
import { PolicySet } from './policy.ts';
import { RingWatcher, type RingWatcherEvents } from './ring-watcher.ts';
import type { Ring } from './ring.ts';

export interface RingSetOptions extends RingWatcherEvents {
  readonly folder: string;
  readonly salt: HashSalt;
  readonly policies?: PolicySet | undefined;
}

/** `account.ring`, `container.ring`, and `object.ring` for policy 0, `object-N.ring` for policy N. */
export function ringFileName(kind: 'account' | 'container' | 'object', policyIndex = 0): string {
  return `${kind}${kind === 'object' && policyIndex > 0 ? `-${policyIndex}` : ''}.ring`;
}

export class RingSet {
  readonly salt: HashSalt;
  readonly policies: PolicySet;
  readonly #account: RingWatcher;
  readonly #container: RingWatcher;
  readonly #objects: ReadonlyMap<number, RingWatcher>;

  private constructor(options: RingSetOptions, policies: PolicySet, watchers: ReadonlyMap<string, RingWatcher>) {
    const watcherOf = (name: string): RingWatcher => watchers.get(name) as RingWatcher;
    this.salt = options.salt;
    this.policies = policies;
    this.#account = watcherOf(ringFileName('account'));
    this.#container = watcherOf(ringFileName('container'));
    this.#objects = new Map([...policies].map(({ index }) => [index, watcherOf(ringFileName('object', index))]));
  }

  /** Throws the first fault's code and a message that names every ring that cannot be read. */
  static async open(options: RingSetOptions): Promise<RingSet> {
    const policies = options.policies ?? new PolicySet();
    const names = [ringFileName('account'), ringFileName('container'), ...[...policies].map(({ index }) => ringFileName('object', index))];
    const opened = await Promise.allSettled(names.map((name) => RingWatcher.open(join(options.folder, name), options)));
    const faults = opened.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    for (const fault of faults) if (!isStoreError(fault)) throw fault;
    const [first] = faults as StoreError[];
    if (first) throw new StoreError(first.code, (faults as StoreError[]).map((fault) => fault.message).join('; '), { cause: first });
    const watchers = new Map(opened.flatMap((result, at) => (result.status === 'fulfilled' ? [[names[at] as string, result.value] as const] : [])));
    return new RingSet(options, policies, watchers);
  }

  get account(): Ring {
    return this.#account.ring;
  }

  get container(): Ring {
    return this.#container.ring;
  }

  /** The ring of a policy's objects; throws `policy-unknown`. */
  object(policyIndex: number): Ring {
    const watcher = this.#objects.get(this.policies.byIndex(policyIndex).index) as RingWatcher;
    return watcher.ring;
  }

  /** The 16-byte key of a name, the same for every ring of the cluster. */
  keyOf(account: string, container?: string, object?: string): Buffer {
    return hashPath(this.salt, account, container, object);
  }

  /** Every ring in force with the name of its file. */
  all(): (readonly [name: string, ring: Ring])[] {
    return this.#watchers().map(({ path, ring }) => [basename(path), ring] as const);
  }

  /** Takes the rings whose files changed; true if any did. */
  async refresh(): Promise<boolean> {
    const changed = await Promise.all(this.#watchers().map((watcher) => watcher.refresh()));
    return changed.includes(true);
  }

  /** Follows the files until the signal aborts. */
  async watch(options: { clock: Clock; intervalMs: number; signal: AbortSignal }): Promise<void> {
    await Promise.all(this.#watchers().map((watcher) => watcher.watch(options)));
  }

  #watchers(): RingWatcher[] {
    return [this.#account, this.#container, ...this.#objects.values()];
  }
}

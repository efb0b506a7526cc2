/**
 * What the dialect asks of accounts at every turn (their ACL, their keys, whether they are read-only), kept in this process for some
 * seconds so that asking costs a look at a map. A change made here is seen here at once, elsewhere when the time is over.
 */
import { LRUCache } from 'lru-cache';
import type { Store } from '#proxy/core';

export type AccountMetadata = Readonly<Record<string, string>>;

interface Known {
  readonly metadata: AccountMetadata;
  readonly untilMs: number;
}

const KEPT_MS = 5000;
const KEPT_ACCOUNTS = 10_000;

export class AccountFacts {
  readonly #store: Store;
  readonly #known = new LRUCache<string, Known>({ max: KEPT_ACCOUNTS });

  constructor(store: Store) {
    this.#store = store;
  }

  /** The account's metadata where it is at hand. */
  peek(account: string): AccountMetadata | undefined {
    const known = this.#known.get(account);
    return known !== undefined && known.untilMs > this.#store.cluster.clock.nowMs() ? known.metadata : undefined;
  }

  /** The account's metadata; none for an account that is not there. */
  async metadata(account: string): Promise<AccountMetadata> {
    const held = this.peek(account);
    if (held !== undefined) return held;
    const { metadata, status } = await this.#store.accounts.summary(account);
    const living = status === 'alive' ? metadata : {};
    this.#known.set(account, { metadata: living, untilMs: this.#store.cluster.clock.nowMs() + KEPT_MS });
    return living;
  }

  /** After a change of the account. */
  forget(account: string): void {
    this.#known.delete(account);
  }
}

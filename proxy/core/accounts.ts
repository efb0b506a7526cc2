/** Accounts: who owns containers. They come into being with their first container, as users of Swift expect. */
import { StoreError } from '#common';
import { isAlive, type DatabaseInfo, type ListingPage, type ListingQuery, type ListingRow } from '#storage-node/protocol';
import type { Cluster } from './cluster.ts';
import { assertAlive, Database, liveMetadata, metadataValue } from './databases.ts';
import type { Placements } from './placement.ts';
import { SYSTEM_PREFIX } from './metadata.ts';
import { AFTER_RESERVED } from './reserved.ts';

/** What is asked at each request: kept in the cache for a moment. */
export interface AccountSummary {
  readonly status: 'alive' | 'absent' | 'deleted';
  readonly metadata: Readonly<Record<string, string>>;
}

const SUMMARY_TTL_MS = 10_000;
/** Metadata of an account that was deleted while it had containers (closing.ts). */
const CLOSED = `${SYSTEM_PREFIX}closed`;

export class Accounts {
  readonly #cluster: Cluster;
  readonly #placements: Placements;

  constructor(cluster: Cluster, placements: Placements) {
    this.#cluster = cluster;
    this.#placements = placements;
  }

  /** State of the account as a majority has it; undefined where it was never used. Throws `account-deleted` for a deleted one. */
  async info(account: string): Promise<DatabaseInfo | undefined> {
    return this.#known(await this.#database(account).info());
  }

  #known(info: DatabaseInfo | undefined): DatabaseInfo | undefined {
    if (info === undefined || isOpen(info)) return info;
    if (isDeleted(info)) throw new StoreError('account-deleted', 'the account was deleted');
    return undefined;
  }

  /** Existence and metadata, at most a few seconds old. */
  async summary(account: string): Promise<AccountSummary> {
    const key = `account/${account}`;
    const held = await this.#cluster.cache.get<AccountSummary>(key);
    if (held !== undefined) return held;
    const info = await this.#database(account).info();
    const status = info === undefined ? 'absent' : isOpen(info) ? 'alive' : isDeleted(info) ? 'deleted' : 'absent';
    const summary: AccountSummary = { status, metadata: info === undefined ? {} : liveMetadata(info.metadata) };
    if (status === 'alive') await this.#cluster.cache.set(key, summary, SUMMARY_TTL_MS);
    return summary;
  }

  /** Creates or updates the account. Throws `account-deleted` where it was deleted and not yet reclaimed. */
  async put(account: string, metadata: Readonly<Record<string, string>>): Promise<{ created: boolean }> {
    const database = this.#database(account);
    this.#known(await database.info());
    const { created } = await database.put({ metadata, policy: 0 });
    await this.forget(account);
    return { created };
  }

  /** Merges metadata into the account (an empty value removes a name), creating it where it was never used. */
  async post(account: string, metadata: Readonly<Record<string, string>>): Promise<void> {
    const database = this.#database(account);
    const known = this.#known(await database.info());
    if (known === undefined) await this.put(account, metadata);
    else if (!(await database.post(metadata))) throw new StoreError('account-not-found', 'there is no such account');
    await this.forget(account);
  }

  /** Deletes an empty account. Throws `conflict` where it still has containers (closing.ts has a way), `account-not-found`, `account-deleted`. */
  async delete(account: string): Promise<void> {
    const database = this.#database(account);
    assertAlive(this.#known(await database.info()), 'account');
    const { outcome } = await database.delete();
    await this.forget(account);
    if (outcome === 'not-empty') throw new StoreError('conflict', 'the account still has containers');
  }

  /** A page of the account's containers, but for the store's own; undefined for an account never used. */
  async list(account: string, query: ListingQuery): Promise<ListingPage | undefined> {
    const page = await this.#database(account).list(withoutReserved(query));
    if (page === undefined || !isOpen(page.info)) await this.info(account);
    return page;
  }

  /** Lets nobody in any more: for everyone the account is deleted. */
  async close(account: string): Promise<void> {
    const database = this.#database(account);
    await database.info();
    await database.post({ [CLOSED]: 'true' });
    await this.forget(account);
  }

  /** `closed` until it has been buried. */
  async closure(account: string): Promise<'open' | 'closed' | 'gone'> {
    const info = await this.#database(account).info();
    if (info === undefined || !isAlive(info)) return 'gone';
    return isOpen(info) ? 'open' : 'closed';
  }

  /** A page of all containers of a closed account. */
  listClosed(account: string, marker: string, limit: number): Promise<ListingPage | undefined> {
    return this.#database(account).list({ limit, marker, endMarker: '', prefix: '', delimiter: '', reverse: false });
  }

  /** Ends the database of a closed account, which then is deleted as one that was empty. */
  async bury(account: string): Promise<'deleted' | 'not-empty'> {
    const database = this.#database(account);
    await database.info();
    const { outcome } = await database.delete();
    return outcome === 'not-empty' ? outcome : 'deleted';
  }

  /** The store's own containers of the account: a page of those whose names begin with the (reserved) prefix. */
  async listReserved(account: string, query: Pick<ListingQuery, 'prefix' | 'marker' | 'endMarker' | 'limit'>): Promise<ListingPage | undefined> {
    return this.#database(account).list({ delimiter: '', reverse: false, ...query });
  }

  /** Makes sure that the account is there for a container to be put into. */
  async ensure(account: string): Promise<void> {
    const { status } = await this.summary(account);
    if (status === 'deleted') throw new StoreError('account-deleted', 'the account was deleted');
    if (status === 'absent') await this.put(account, {});
  }

  /** Notes a container of the account, or that it is gone. */
  async noteContainer(account: string, row: ListingRow): Promise<void> {
    await this.#database(account).merge([row], { createWith: { timestamp: row.timestamp, policy: 0 } });
  }

  forget(account: string): Promise<void> {
    return this.#cluster.cache.delete(`account/${account}`);
  }

  #database(account: string): Database {
    return new Database('account', `/${account}`, this.#placements.account(account), this.#cluster);
  }
}

function isOpen(info: DatabaseInfo): boolean {
  return isAlive(info) && metadataValue(info.metadata, CLOSED) === undefined;
}

function isDeleted(info: DatabaseInfo): boolean {
  return info.deleteTimestamp > 0 || metadataValue(info.metadata, CLOSED) !== undefined;
}

/** Reserved names come before all others: a query is moved past them. */
function withoutReserved(query: ListingQuery): ListingQuery {
  if (query.reverse) return query.endMarker > AFTER_RESERVED ? query : { ...query, endMarker: AFTER_RESERVED };
  return query.marker > AFTER_RESERVED ? query : { ...query, marker: AFTER_RESERVED };
}

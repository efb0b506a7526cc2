/**
 * Accounts that are closed while they have containers: from then on nobody gets in, and what they hold is taken down afterwards, by a janitor,
 * since it may be much. A database that has rows cannot be deleted, so a closed account is one whose metadata say so until it is empty.
 */
import { isStoreError } from '#common';
import type { ListingRow } from '#storage-node/protocol';
import type { Accounts } from './accounts.ts';
import type { Agenda, AgendaItem } from './agenda.ts';
import type { Cluster } from './cluster.ts';
import type { ContainerName, Containers } from './containers.ts';

const PAGE = 1000;

export class Closing {
  /** Closed accounts, at the second in which they were. */
  readonly agenda: Agenda;
  readonly #cluster: Cluster;
  readonly #accounts: Accounts;
  readonly #containers: Containers;

  constructor(cluster: Cluster, parts: { agenda: Agenda; accounts: Accounts; containers: Containers }) {
    this.agenda = parts.agenda;
    this.#cluster = cluster;
    this.#accounts = parts.accounts;
    this.#containers = parts.containers;
  }

  /** Deletes an account, whatever it holds. Throws `account-not-found`, `account-deleted`. */
  async close(account: string): Promise<void> {
    try {
      await this.#accounts.delete(account);
    } catch (error) {
      if (!isStoreError(error, 'conflict')) throw error;
      // First on the agenda, so that a crash between the two leaves no closed account that nobody takes down.
      await this.agenda.add({ at: Math.floor(this.#cluster.clock.nowMs() / 1000), name: account });
      await this.#accounts.close(account);
    }
  }

  closure({ name }: AgendaItem): Promise<'open' | 'closed' | 'gone'> {
    return this.#accounts.closure(name);
  }

  /** Containers of a closed account that are left, the store's own too. */
  async *containers(account: string): AsyncGenerator<ContainerName, void, undefined> {
    yield* pages((marker) => this.#accounts.listClosed(account, marker, PAGE), (row) => ({ account, container: row.name }));
  }

  /** Names of objects that a container of a closed account has left. */
  async *objects(container: ContainerName): AsyncGenerator<string, void, undefined> {
    const query = { limit: PAGE, endMarker: '', prefix: '', delimiter: '', reverse: false };
    yield* pages((marker) => this.#containers.list(container, { ...query, marker }).catch(ifMissing), (row) => row.name);
  }

  /** Takes down an empty container of the account; one that is gone already is only taken off the account's list. `not-empty` where objects are left. */
  async deleteContainer(container: ContainerName): Promise<'deleted' | 'not-empty'> {
    try {
      await this.#containers.delete(container);
    } catch (error) {
      if (isStoreError(error, 'container-not-empty')) return 'not-empty';
      if (!isStoreError(error, 'container-not-found')) throw error;
      const timestamp = this.#cluster.timestamps.now();
      await this.#accounts.noteContainer(container.account, { name: container.container, timestamp, deleted: true, metaTimestamp: timestamp, bytes: 0, count: 0, policy: 0, etag: '', contentType: '' });
    }
    return 'deleted';
  }

  /** Ends the database of a closed account. `not-empty` where containers are left. */
  bury(account: string): Promise<'deleted' | 'not-empty'> {
    return this.#accounts.bury(account);
  }
}

async function* pages<T>(list: (marker: string) => Promise<{ entries: readonly object[]; truncated: boolean } | undefined>, take: (row: ListingRow) => T): AsyncGenerator<T, void, undefined> {
  let marker = '';
  for (let more = true; more; ) {
    const page = await list(marker);
    for (const entry of page?.entries ?? []) {
      marker = (entry as ListingRow).name;
      yield take(entry as ListingRow);
    }
    more = page?.truncated === true;
  }
}

function ifMissing(error: unknown): undefined {
  if (!isStoreError(error, 'container-not-found')) throw error;
  return undefined;
}

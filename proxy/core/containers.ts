/** Containers: named sets of objects under one storage policy. S3 calls them buckets, in its own room. */
import { isStoreError, StoreError, type Timestamp } from '#common';
import type { StoragePolicy } from '#ring';
import { isAlive, type DatabaseInfo, type ListingPage, type ListingQuery, type ListingRow } from '#storage-node/protocol';
import type { Accounts } from './accounts.ts';
import type { Cluster } from './cluster.ts';
import { assertAlive, Database, liveMetadata } from './databases.ts';
import type { Encryption } from './encryption/index.ts';
import { hasMisplaced } from './misplaced.ts';
import type { Placement, Placements } from './placement.ts';
import { Settling } from './settling.ts';

export interface ContainerName {
  readonly account: string;
  readonly container: string;
}

/** What is asked at each request to an object: kept in the cache for a moment. */
export interface ContainerSummary {
  readonly putTimestamp: Timestamp;
  readonly policy: number;
  readonly metadata: Readonly<Record<string, string>>;
}

const SUMMARY_TTL_MS = 10_000;

export class Containers {
  readonly #cluster: Cluster;
  readonly #placements: Placements;
  readonly #accounts: Accounts;
  readonly #encryption: Encryption;
  readonly #settling: Settling;
  /** Hears of containers that list objects of another storage policy than theirs. */
  onMisplaced: ((name: ContainerName) => void) | undefined;

  constructor(cluster: Cluster, placements: Placements, accounts: Accounts, encryption: Encryption) {
    this.#encryption = encryption;
    this.#cluster = cluster;
    this.#placements = placements;
    this.#accounts = accounts;
    this.#settling = new Settling(cluster.log);
  }

  /** State as a majority has it. Throws `container-not-found`. */
  async info(name: ContainerName): Promise<DatabaseInfo> {
    const info = await this.#database(name).info();
    assertAlive(info, 'container');
    return info;
  }

  /** Policy and metadata, at most a few seconds old. Throws `container-not-found`. */
  async summary(name: ContainerName): Promise<ContainerSummary> {
    const key = cacheKey(name);
    const held = await this.#cluster.cache.get<ContainerSummary>(key);
    if (held !== undefined) return held;
    const info = await this.info(name);
    if (hasMisplaced(info)) this.onMisplaced?.(name);
    const summary: ContainerSummary = { putTimestamp: info.putTimestamp, policy: info.policy, metadata: liveMetadata(info.metadata) };
    await this.#cluster.cache.set(key, summary, SUMMARY_TTL_MS);
    return summary;
  }

  /**
   * Creates or updates a container, under `policy` or the default. Throws `policy-conflict` where it lives under another
   * one than asked for, `bad-request` for a new one under a deprecated policy.
   */
  async put(name: ContainerName, request: { metadata: Readonly<Record<string, string>>; policy: StoragePolicy | undefined }): Promise<{ created: boolean }> {
    await this.#accounts.ensure(name.account);
    const database = this.#database(name);
    const before = await database.info();
    const living = before !== undefined && isAlive(before) ? before : undefined;
    const policy = this.#policyFor(living, request.policy);
    const { info, timestamp } = await database.put({ metadata: request.metadata, policy });
    await this.#accounts.noteContainer(name.account, accountRow(name, info, timestamp));
    await this.forget(name);
    return { created: living === undefined };
  }

  /** Merges metadata (an empty value removes a name). Throws `container-not-found`. */
  async post(name: ContainerName, metadata: Readonly<Record<string, string>>): Promise<void> {
    const database = this.#database(name);
    // Asked first, so that the change is newer than what a faster clock wrote.
    assertAlive(await database.info(), 'container');
    const posted = await database.post(metadata);
    await this.forget(name);
    if (!posted) throw new StoreError('container-not-found', 'there is no such container');
  }

  /** Deletes an empty container. Throws `container-not-found`, `container-not-empty`. */
  async delete(name: ContainerName): Promise<void> {
    const database = this.#database(name);
    assertAlive(await database.info(), 'container');
    const { outcome, timestamp } = await database.delete();
    await this.forget(name);
    if (outcome === 'not-empty') throw new StoreError('container-not-empty', 'the container is not empty');
    if (outcome === 'not-found') throw new StoreError('container-not-found', 'there is no such container');
    await this.#accounts.noteContainer(name.account, { ...accountRow(name, undefined, timestamp), deleted: true });
  }

  /** A page of the container's objects. Throws `container-not-found`. */
  async list(name: ContainerName, query: ListingQuery): Promise<ListingPage> {
    const page = await this.#database(name).list(query);
    if (page === undefined) throw new StoreError('container-not-found', 'there is no such container');
    return { ...page, entries: this.#encryption.openedRows(name, page.entries) };
  }

  /**
   * Lists a row of an object on a majority; false where the container is gone, and where it has another storage policy than the row that policy. Synced a moment later, when the write of `object` is settled:
   * until then its devices can tell the row again.
   */
  async noteObject(name: ContainerName, row: ListingRow, { container, object }: { container: ContainerSummary; object: Placement }): Promise<boolean | number> {
    const database = this.#database(name);
    const { replicas, need } = database.placement;
    const meeting = this.#settling.meet(replicas);
    if (meeting !== undefined) await meeting;
    const createWith = { timestamp: container.putTimestamp, policy: container.policy };
    const listed = await database.merge([row], { createWith, deferSync: true });
    if (listed === undefined) return false;
    this.#settling.add(object, row, { listedBy: listed.listedBy, need });
    return listed.policy === row.policy || listed.policy;
  }

  /** Lists rows of the store's own on a majority, durably; false where the container is gone. */
  async noteRows(name: ContainerName, rows: readonly ListingRow[]): Promise<boolean> {
    const container = await this.summary(name).catch((error: unknown) => {
      if (!isStoreError(error, 'container-not-found')) throw error;
      return undefined;
    });
    if (container === undefined) return false;
    const listed = await this.#database(name).merge(rows, { createWith: { timestamp: container.putTimestamp, policy: container.policy } });
    if (listed === undefined) await this.forget(name);
    return listed !== undefined;
  }

  /** Settles the writes that were listed a moment ago. */
  close(): Promise<void> {
    return this.#settling.flush();
  }

  forget(name: ContainerName): Promise<void> {
    return this.#cluster.cache.delete(cacheKey(name));
  }

  #policyFor(living: DatabaseInfo | undefined, asked: StoragePolicy | undefined): number {
    if (living !== undefined) {
      if (asked !== undefined && asked.index !== living.policy) throw new StoreError('policy-conflict', 'the container is under another storage policy');
      return living.policy;
    }
    const policy = asked ?? this.#cluster.policies.default;
    if (policy.deprecated) throw new StoreError('bad-request', `the storage policy ${policy.name} is deprecated`);
    return policy.index;
  }

  #database({ account, container }: ContainerName): Database {
    return new Database('container', `/${account}/${container}`, this.#placements.container(account, container), this.#cluster);
  }
}

function cacheKey({ account, container }: ContainerName): string {
  return `container/${account}/${container}`;
}

/** What the account lists of a container: its totals so far, reported at `timestamp`. */
function accountRow(name: ContainerName, info: DatabaseInfo | undefined, timestamp: Timestamp): ListingRow {
  return {
    name: name.container,
    timestamp,
    deleted: false,
    metaTimestamp: timestamp,
    bytes: info?.totals.bytes ?? 0,
    count: info?.totals.objects ?? 0,
    policy: info?.policy ?? 0,
    etag: '',
    contentType: '',
  };
}

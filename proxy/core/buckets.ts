/**
 * Names of containers that are unique in the whole cluster, as S3 wants its buckets: each is claimed for one account by an object of that
 * name in a container of the store's own, written on the condition that there is none. The claim says where the container is; the
 * container says that the bucket is there. A claim without a container (its maker died between the two, or Swift deleted it) is
 * nobody's, once it is old enough that nobody can be making the container still.
 */
import { isStoreError, StoreError, timestampToMs, type Timestamp } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { isSubdirectory, type ObjectInfo } from '#storage-node/protocol';
import type { Cluster } from './cluster.ts';
import { ifAbsent } from './condition.ts';
import type { ContainerName, Containers } from './containers.ts';
import { CONTENT_TYPE, SYSTEM_PREFIX } from './metadata.ts';
import type { ObjectName, Objects } from './objects.ts';

/** Accounts that begin with a dot are no identity service's. */
const REGISTRY = { account: '.gori', container: 'buckets' };
const CLAIMANT = `${SYSTEM_PREFIX}claimed-for`;
/** A container is made within this time of its claim, or not at all. */
const MAKING_MS = 60_000;
const KNOWN_TTL_MS = 10_000;
const CLAIM_ATTEMPTS = 3;
const PAGE = 1000;

export interface BucketClaim {
  readonly account: string;
  readonly claimedAt: Timestamp;
}

export class Buckets {
  readonly #cluster: Cluster;
  readonly #containers: Containers;
  readonly #objects: Objects;

  constructor(cluster: Cluster, containers: Containers, objects: Objects) {
    this.#cluster = cluster;
    this.#containers = containers;
    this.#objects = objects;
  }

  /** Whose the name is, at most a few seconds old; undefined where nobody claimed it. */
  async find(bucket: string): Promise<BucketClaim | undefined> {
    const held = await this.#cluster.cache.get<BucketClaim>(cacheKey(bucket));
    if (held !== undefined) return held;
    const claim = await this.#claim(bucket);
    if (claim !== undefined) await this.#cluster.cache.set(cacheKey(bucket), claim, KNOWN_TTL_MS);
    return claim;
  }

  /** Claims the name for the account; answers whose it is then: the account's own, or another's who was first. */
  async claim(bucket: string, account: string): Promise<BucketClaim & { readonly fresh: boolean }> {
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
      const held = await this.#claim(bucket);
      if (held !== undefined && (held.account === account || !(await this.#isStale(bucket, held)))) return { ...held, fresh: false };
      if (held !== undefined) await this.#objects.delete(target(bucket)).catch(ifMissing);
      await this.#prepare();
      try {
        const { timestamp } = await this.#objects.put({ target: target(bucket), body: bodyOfBuffer(Buffer.alloc(0)), metadata: { [CONTENT_TYPE]: 'text/plain', [CLAIMANT]: account }, condition: ifAbsent });
        await this.#forget(bucket);
        // Of two who found none at the same moment the store may let both write: the one that is read is whose it is.
        const settled = await this.#claim(bucket);
        return settled === undefined ? { account, claimedAt: timestamp, fresh: true } : { ...settled, fresh: settled.account === account };
      } catch (error) {
        if (!isStoreError(error, 'precondition-failed', 'conflict')) throw error;
      }
    }
    throw new StoreError('unavailable', 'the name is being claimed by many');
  }

  /** Gives the name up; harmless where it is not the account's. */
  async release(bucket: string, account: string): Promise<void> {
    const held = await this.#claim(bucket);
    if (held?.account === account) await this.#objects.delete(target(bucket)).catch(ifMissing);
    await this.#forget(bucket);
  }

  /** Every bucket of the cluster. */
  async *all(): AsyncGenerator<ContainerName> {
    for (let marker = ''; ; ) {
      const page = await this.#containers.list(REGISTRY, { limit: PAGE, marker, endMarker: '', prefix: '', delimiter: '', reverse: false }).catch((error: unknown) => {
        if (isStoreError(error, 'container-not-found', 'account-not-found')) return undefined;
        throw error;
      });
      for (const row of page?.entries ?? []) {
        if (isSubdirectory(row)) continue;
        marker = row.name;
        const claim = await this.#claim(row.name);
        if (claim !== undefined) yield { account: claim.account, container: row.name };
      }
      if (page?.truncated !== true) return;
    }
  }

  async #claim(bucket: string): Promise<BucketClaim | undefined> {
    try {
      return claimOf(await this.#objects.head(target(bucket)));
    } catch (error) {
      if (isStoreError(error, 'object-not-found', 'container-not-found')) return undefined;
      throw error;
    }
  }

  async #isStale(bucket: string, { account, claimedAt }: BucketClaim): Promise<boolean> {
    if (this.#cluster.clock.nowMs() - timestampToMs(claimedAt) < MAKING_MS) return false;
    try {
      await this.#containers.info({ account, container: bucket });
      return false;
    } catch (error) {
      if (isStoreError(error, 'container-not-found')) return true;
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    try {
      await this.#containers.summary(REGISTRY);
    } catch (error) {
      if (!isStoreError(error, 'container-not-found')) throw error;
      await this.#containers.put(REGISTRY, { metadata: {}, policy: undefined });
    }
  }

  #forget(bucket: string): Promise<void> {
    return this.#cluster.cache.delete(cacheKey(bucket));
  }
}

function target(bucket: string): ObjectName {
  return { ...REGISTRY, object: bucket };
}

function cacheKey(bucket: string): string {
  return `bucket/${bucket}`;
}

function claimOf(info: ObjectInfo): BucketClaim | undefined {
  const account = info.metadata[CLAIMANT];
  return account === undefined ? undefined : { account, claimedAt: info.timestamp };
}

function ifMissing(error: unknown): undefined {
  if (!isStoreError(error, 'object-not-found')) throw error;
  return undefined;
}

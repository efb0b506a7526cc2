/** A bucket as requests see it: where it lives, whose it is, and its configuration, each part of which is parsed once for each text it has. */
import { isStoreError } from '#common';
import { LRUCache } from 'lru-cache';
import { owns, SYSTEM_PREFIX, VERSIONS, type ContainerName, type ContainerSummary, type KeyHolder, type Store } from '#proxy/core';
import type { Caller } from '#proxy/iam';
import { S3Error } from '../errors.ts';
import { isBucketName } from './names.ts';

/** Container metadata of the dialect: XML or JSON as it is shown, or a word. */
export const BUCKET_METADATA = {
  owner: `${SYSTEM_PREFIX}s3-owner`,
  acl: `${SYSTEM_PREFIX}s3-acl`,
  policy: `${SYSTEM_PREFIX}s3-policy`,
  cors: `${SYSTEM_PREFIX}s3-cors`,
  tagging: `${SYSTEM_PREFIX}s3-tagging`,
  lifecycle: `${SYSTEM_PREFIX}s3-lifecycle`,
  website: `${SYSTEM_PREFIX}s3-website`,
  logging: `${SYSTEM_PREFIX}s3-logging`,
  notification: `${SYSTEM_PREFIX}s3-notification`,
  encryption: `${SYSTEM_PREFIX}s3-encryption`,
  objectLock: `${SYSTEM_PREFIX}s3-object-lock`,
  publicAccessBlock: `${SYSTEM_PREFIX}s3-public-access-block`,
  ownership: `${SYSTEM_PREFIX}s3-ownership`,
  requestPayment: `${SYSTEM_PREFIX}s3-request-payment`,
  accelerate: `${SYSTEM_PREFIX}s3-accelerate`,
  replication: `${SYSTEM_PREFIX}s3-replication`,
  mfaDelete: `${SYSTEM_PREFIX}s3-mfa-delete`,
} as const;

export type BucketSetting = keyof typeof BUCKET_METADATA;

const parsed = new LRUCache<string, object>({ max: 1000 });

export class Bucket implements ContainerName {
  readonly account: string;
  readonly container: string;
  readonly summary: ContainerSummary;

  constructor({ account, container }: ContainerName, summary: ContainerSummary) {
    this.account = account;
    this.container = container;
    this.summary = summary;
  }

  /** The owner's canonical id; of a container that Swift made, its project. */
  get ownerId(): string {
    const owner = this.setting('owner');
    return owner ?? this.account.slice(this.account.indexOf('_') + 1);
  }

  get versioning(): 'Enabled' | 'Suspended' | undefined {
    const versions = this.summary.metadata[VERSIONS];
    return versions === undefined ? undefined : versions === 'enabled' ? 'Enabled' : 'Suspended';
  }

  isOwnedBy(holder: KeyHolder | undefined): boolean {
    return owns(holder, this.account);
  }

  /** The text of a setting; undefined where it was never made. */
  setting(name: BucketSetting): string | undefined {
    const value = this.summary.metadata[BUCKET_METADATA[name]];
    return value === undefined || value === '' ? undefined : Buffer.from(value, 'latin1').toString('utf8');
  }

  /** A setting as `parse` reads it. */
  parsed<T extends object>(name: BucketSetting, parse: (text: string) => T): T | undefined {
    const value = this.summary.metadata[BUCKET_METADATA[name]];
    if (value === undefined || value === '') return undefined;
    const key = `${name}\n${value}`;
    let held = parsed.get(key) as T | undefined;
    if (held === undefined) {
      held = parse(Buffer.from(value, 'latin1').toString('utf8'));
      parsed.set(key, held);
    }
    return held;
  }
}

/** The bucket of that name. A container that Swift made in the caller's own account becomes a bucket when it is first asked for. Throws NoSuchBucket, and InvalidBucketName for what can be none. */
export async function findBucket(store: Store, name: string, caller: Caller | undefined): Promise<Bucket> {
  let claim = await store.buckets.find(name);
  if (claim === undefined && caller !== undefined && isBucketName(name)) {
    const own = { account: caller.account, container: name };
    if ((owns(caller, caller.account) || !caller.trusted) && (await summaryOf(store, own)) !== undefined) claim = await store.buckets.claim(name, caller.account);
  }
  if (claim === undefined && !isBucketName(name)) throw new S3Error('InvalidBucketName', undefined, { BucketName: name });
  const place = claim === undefined ? undefined : { account: claim.account, container: name };
  const summary = place === undefined ? undefined : await summaryOf(store, place);
  if (place === undefined || summary === undefined) throw new S3Error('NoSuchBucket', undefined, { BucketName: name });
  return new Bucket(place, summary);
}

async function summaryOf(store: Store, place: ContainerName): Promise<ContainerSummary | undefined> {
  try {
    return await store.containers.summary(place);
  } catch (error) {
    if (isStoreError(error, 'container-not-found', 'account-not-found', 'account-deleted')) return undefined;
    throw error;
  }
}

/** Changes settings; undefined removes one. */
export async function changeSettings(store: Store, bucket: ContainerName, changes: Partial<Record<BucketSetting, string | undefined>>): Promise<void> {
  const metadata = Object.entries(changes).map(([name, text]) => [BUCKET_METADATA[name as BucketSetting], text === undefined ? '' : Buffer.from(text, 'utf8').toString('latin1')]);
  await store.containers.post(bucket, Object.fromEntries(metadata) as Record<string, string>);
}

/** A container as if it were a bucket, whatever its name: where something of a bucket leads to. */
export async function findBucketOf(store: Store, place: ContainerName): Promise<Bucket> {
  const summary = await summaryOf(store, place);
  if (summary === undefined) throw new S3Error('NoSuchBucket', undefined, { BucketName: place.container });
  return new Bucket({ account: place.account, container: place.container }, summary);
}

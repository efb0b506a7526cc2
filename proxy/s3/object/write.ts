/** How every upload ends, whatever its data are: what the object is stored with besides them, and the write in the bucket's way of keeping versions. */
import type { Body } from '#common/stream';
import type { Keymaster, Stored } from '#proxy/core';
import { ENCODED_TAGS_LIMIT } from './limits.ts';
import type { Metadata } from '#storage-node/protocol';
import { isPrivate, packAcl, type Acl } from '../access/acl.ts';
import { aclOfHeaders } from '../access/grants.ts';
import { refusePublicAcl } from '../access/public-access.ts';
import { S3Error } from '../errors.ts';
import { packText, type BucketRequest, type ObjectRequest } from '../request.ts';
import type { Encrypting } from './encryption.ts';
import { lockMetadata } from './lock.ts';
import { OBJECT_ACL, OBJECT_ENCRYPTION, OBJECT_OWNER, OBJECT_TAGS } from './metadata.ts';
import { checkTags, MAX_OBJECT_TAGS, parseTagQuery, tagQuery, type Tags } from './tags.ts';
import { writeCondition } from './conditions.ts';
import { formatVersionId, type VersionId } from './version-id.ts';
import type { WriteCondition } from '#proxy/core';

/** Tags that the header names. */
export function tagsOfHeader({ exchange }: BucketRequest): Tags | undefined {
  const header = exchange.header('x-amz-tagging');
  if (header === undefined) return undefined;
  if (header.length > ENCODED_TAGS_LIMIT) throw new S3Error('InvalidTag');
  return checkTags(parseTagQuery(header), MAX_OBJECT_TAGS);
}

/** Owner, access control list, tags, lock and encryption that a new object is stored with. */
export function governedMetadata(request: BucketRequest, given: { tags?: Tags | undefined; acl?: Acl | undefined; encryption: Encrypting | undefined }): Record<string, string> {
  const { exchange, bucket, directory } = request;
  const enforced = bucket.setting('ownership') === 'BucketOwnerEnforced';
  const owner = ownerOf(request);
  const acl = given.acl ?? aclOfHeaders(exchange, directory, { owner, bucketOwner: bucket.ownerId });
  if (enforced && acl !== undefined && exchange.header('x-amz-acl') !== 'bucket-owner-full-control' && (exchange.headers['x-amz-acl'] !== undefined || !isFullControlOfBucketOwner(acl, bucket.ownerId))) throw new S3Error('AccessControlListNotSupported');
  refusePublicAcl(bucket, acl);
  const tags = given.tags ?? tagsOfHeader(request);
  return {
    ...(owner === bucket.ownerId ? {} : { [OBJECT_OWNER]: packText(owner) }),
    ...(acl === undefined || enforced || isPrivate(acl) ? {} : { [OBJECT_ACL]: packText(packAcl(acl)) }),
    ...(tags === undefined || tags.size === 0 ? {} : { [OBJECT_TAGS]: packText(tagQuery(tags)) }),
    ...(given.encryption === undefined ? {} : { [OBJECT_ENCRYPTION]: given.encryption.label }),
    ...lockMetadata(request),
  };
}

/** Who owns what the caller writes: the writer, unless the bucket's ownership controls say that its owner does. */
export function ownerOf({ bucket, caller, exchange, settings }: BucketRequest): string {
  const ownership = bucket.setting('ownership') ?? settings.objectOwnership;
  if (ownership === 'BucketOwnerEnforced' || bucket.isOwnedBy(caller) || (caller?.trusted === false && caller.account === bucket.account)) return bucket.ownerId;
  if (ownership === 'BucketOwnerPreferred' && exchange.header('x-amz-acl') === 'bucket-owner-full-control') return bucket.ownerId;
  return caller?.canonicalId ?? ANONYMOUS_ID;
}

/** What AWS calls those who write without being anybody. */
export const ANONYMOUS_ID = '65a011a29cdf8ec533ec3d1ccaae921c';

function isFullControlOfBucketOwner({ owner, grants }: Acl, bucketOwner: string): boolean {
  return grants.every(({ grantee, permission }) => permission === 'FULL_CONTROL' && 'user' in grantee && (grantee.user === bucketOwner || grantee.user === owner));
}

export interface Upload {
  readonly body: Body;
  readonly metadata: Metadata;
  readonly lateMetadata?: (() => Metadata) | undefined;
  /** MD5 in hex. */
  readonly expectedEtag?: string | undefined;
  readonly condition?: WriteCondition | undefined;
  /** Who keeps the key of the body, where it is encrypted as its client asks. */
  readonly keymaster?: Keymaster | undefined;
}

export interface Written extends Stored {
  /** Undefined in buckets that never kept versions. */
  readonly versionId: VersionId | undefined;
}

/** Stores an upload, as a version where the bucket keeps them. */
export async function writeObject({ store, bucket, target, exchange }: ObjectRequest, upload: Upload): Promise<Written> {
  const put = { target, condition: writeCondition(exchange), ...upload };
  switch (bucket.versioning) {
    case 'Enabled':
      return store.versions.put(put, bucket.summary);
    case 'Suspended':
      return { ...(await store.nullVersions.put(put, bucket.summary)), versionId: 'null' };
    case undefined:
      return { ...(await store.objects.put(put)), versionId: undefined };
  }
}

/** What an answer to a write says: of what is written without versions, nothing. */
export function writtenHeader(versionId: VersionId | undefined): Record<string, string> {
  return versionId === 'null' ? {} : versionHeader(versionId);
}

export function versionHeader(versionId: VersionId | undefined): Record<string, string> {
  return versionId === undefined ? {} : { 'x-amz-version-id': formatVersionId(versionId) };
}

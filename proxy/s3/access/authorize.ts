/**
 * Who may do what: the bucket's policy (an explicit deny wins), then ownership, then the policy's allow, then access control lists, each
 * within what the bucket's public access block leaves of it. Anonymous is a caller like any other, with nothing of its own.
 */
import type { ObjectInfo } from '#storage-node/protocol';
import { S3Error } from '../errors.ts';
import type { BucketRequest } from '../request.ts';
import type { Bucket } from '../bucket/bucket.ts';
import { objectAcl } from '../object/metadata.ts';
import { aclGrants, unpackAcl, type Acl, type Permission } from './acl.ts';
import { contextOf, type ContextExtras } from './context.ts';
import { parsePolicy, type PolicyDocument } from './policy/document.ts';
import { isPublicPolicy, verdictOf } from './policy/verdict.ts';
import { publicAccessBlockOf } from './public-access.ts';

export interface Wanted {
  /** e.g. `s3:GetObject`. */
  readonly action: string;
  /** What an access control list must grant; undefined where none can. */
  readonly permission?: Permission | undefined;
  /** The key that is acted on; undefined for the bucket itself. */
  readonly key?: string | undefined;
  /** Of an action on an object that is there: what its list, and its tags, are read from. */
  readonly object?: Pick<ObjectInfo, 'metadata'> | undefined;
  readonly extras?: ContextExtras | undefined;
}

export function bucketAcl(bucket: Bucket): Acl {
  return bucket.parsed('acl', unpackAcl) ?? { owner: bucket.ownerId, grants: [{ grantee: { user: bucket.ownerId }, permission: 'FULL_CONTROL' }] };
}

export function bucketPolicy(bucket: Bucket): PolicyDocument | undefined {
  return bucket.parsed('policy', (text) => parsePolicy(text, bucket.container));
}

/** Refuses what the caller may not do. */
export function authorize(request: BucketRequest, wanted: Wanted): void {
  checkExpectedOwner(request);
  if (!isAllowed(request, wanted)) throw new S3Error('AccessDenied');
}

export function isAllowed(request: BucketRequest, wanted: Wanted): boolean {
  const { bucket, caller } = request;
  const { object } = wanted;
  const isOwner = bucket.isOwnedBy(caller);
  const policy = bucketPolicy(bucket);
  const block = publicAccessBlockOf(bucket);
  if (policy !== undefined) {
    const verdict = verdictOf(policy, { caller, action: wanted.action, resource: arnOf(bucket, wanted.key), context: contextOf(request, wanted) });
    // The owner can always mend the policy that keeps everybody out.
    if (verdict === 'deny') return isOwner && POLICY_ACTIONS.has(wanted.action);
    if (verdict === 'allow' && (isOwner || block?.restrictPublicBuckets !== true || !isPublicPolicy(policy))) return true;
  }
  const enforced = bucket.setting('ownership') === 'BucketOwnerEnforced';
  if (object === undefined || enforced) {
    if (isOwner) return true;
    if (enforced || wanted.permission === undefined) return false;
    return aclGrants(bucketAcl(bucket), wanted.permission, caller, block?.ignorePublicAcls === true);
  }
  const acl = objectAcl(object.metadata, bucket);
  const ownsObject = acl.owner === bucket.ownerId ? isOwner : caller?.canonicalId === acl.owner;
  // What no list can grant is the bucket owner's, whoever wrote the object.
  if (ownsObject || (isOwner && wanted.permission === undefined)) return true;
  return wanted.permission !== undefined && aclGrants(acl, wanted.permission, caller, block?.ignorePublicAcls === true);
}

const POLICY_ACTIONS: ReadonlySet<string> = new Set(['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy']);

function arnOf({ container }: Bucket, key: string | undefined): string {
  return key === undefined ? `arn:aws:s3:::${container}` : `arn:aws:s3:::${container}/${key}`;
}

/** Who names the account that he expects to own the bucket is refused where another does. */
function checkExpectedOwner({ exchange, bucket, directory }: BucketRequest): void {
  const expected = exchange.header('x-amz-expected-bucket-owner');
  if (expected === undefined) return;
  const owner = directory.byCanonicalId(bucket.ownerId);
  if (expected !== bucket.ownerId && expected !== owner?.project) throw new S3Error('AccessDenied');
}

/**
 * Who may do what: an explicit deny wins, be it in the bucket's policy or in the caller's own; then the bucket's policy may allow it, the
 * policies of its owner's account, or access control lists, each within what the bucket's public access block leaves of it. What another account
 * grants, the caller's own has to let him use. Anonymous is a caller like any other, with nothing of its own.
 */
import { isPublicPolicy, letsIn, parsePolicy, permits, standingOf, verdictOf, type PolicyDocument, type Question } from '#proxy/iam';
import type { ObjectInfo } from '#storage-node/protocol';
import { S3Error } from '../errors.ts';
import type { BucketRequest, S3Request } from '../request.ts';
import type { Bucket } from '../bucket/bucket.ts';
import { objectAcl } from '../object/metadata.ts';
import { aclGrants, unpackAcl, type Acl, type Permission } from './acl.ts';
import { contextOf, type ContextExtras } from './context.ts';
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
  return bucket.parsed('policy', (text) => parsePolicy(text, { bucket: bucket.container }));
}

/** Refuses what the caller may not do. */
export function authorize(request: BucketRequest, wanted: Wanted): void {
  checkExpectedOwner(request);
  if (!isAllowed(request, wanted)) throw new S3Error('AccessDenied');
}

export function isAllowed(request: BucketRequest, wanted: Wanted): boolean {
  const { bucket, caller } = request;
  const { permission, object } = wanted;
  const question: Question = { caller, action: wanted.action, resource: arnOf(bucket, wanted.key), context: contextOf(request, wanted) };
  const standing = standingOf(caller, question);
  if (standing.denied) return false;
  const isOwner = bucket.isOwnedBy(caller);
  const sameAccount = isOwner || isOfAccount(request);
  const policy = bucketPolicy(bucket);
  const block = publicAccessBlockOf(bucket);
  if (policy !== undefined) {
    const verdict = verdictOf(policy, question);
    // The owner can always mend the policy that keeps everybody out.
    if (verdict === 'deny') return isOwner && standing.withinBounds && POLICY_ACTIONS.has(wanted.action);
    if (letsIn(verdict, { standing, sameAccount }) && (sameAccount || block?.restrictPublicBuckets !== true || !isPublicPolicy(policy))) return true;
  }
  const asOwner = (isOwner && standing.withinBounds) || (sameAccount && standing.mayInOwnAccount);
  const enforced = bucket.setting('ownership') === 'BucketOwnerEnforced';
  if (object === undefined || enforced) {
    if (asOwner) return true;
    if (enforced || permission === undefined) return false;
    return standing.mayUseGrants && aclGrants(bucketAcl(bucket), permission, caller, block?.ignorePublicAcls === true);
  }
  const acl = objectAcl(object.metadata, bucket);
  const ownsObject = acl.owner === bucket.ownerId ? asOwner : standing.mayUseGrants && caller?.canonicalId === acl.owner;
  // What no list can grant is the bucket owner's, whoever wrote the object.
  if (ownsObject || (asOwner && permission === undefined)) return true;
  return permission !== undefined && standing.mayUseGrants && aclGrants(acl, permission, caller, block?.ignorePublicAcls === true);
}

/** Refuses what the caller may not do in his own account, where there is no bucket that could say something; `everyone` where it takes no right. Throws AccessDenied for nobody in particular. */
export function authorizeInAccount(request: S3Request, action: string, resource: string, everyone = false): void {
  const { caller } = request;
  const owner = everyone || caller?.ownedAccounts.includes(caller.account) === true;
  if (caller === undefined || !permits(caller, { caller, action, resource, context: contextOf(request, {}) }, owner)) throw new S3Error('AccessDenied');
}

/** Whether the bucket is of the caller's account, or of nobody's as he is himself. */
function isOfAccount({ bucket, caller, directory }: BucketRequest): boolean {
  if (caller === undefined) return false;
  return caller.account === bucket.account || (caller.accountId === '' && directory.byCanonicalId(bucket.ownerId)?.accountId === '');
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

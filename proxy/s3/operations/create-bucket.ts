/** CreateBucket: claims the name in the whole cluster, then makes the container. */
import { isStoreError } from '#common';
import { VERSIONS } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { cannedAcl, isPrivate, packAcl } from '../access/acl.ts';
import { aclOfHeaders, hasAclHeaders } from '../access/grants.ts';
import { BUCKET_METADATA, findBucketOf } from '../bucket/bucket.ts';
import { isBucketName } from '../bucket/names.ts';
import { authorizeInAccount, bucketAcl } from '../access/authorize.ts';
import { S3Error } from '../errors.ts';
import { emptyAnswer, packText, smallBody, type S3Request } from '../request.ts';
import { parseXml } from '../xml/parse.ts';

const OWNERSHIPS: ReadonlySet<string> = new Set(['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter']);

export async function createBucket(request: S3Request, name: string): Promise<Response> {
  const { store, caller, exchange, settings } = request;
  if (!isBucketName(name)) throw new S3Error('InvalidBucketName', undefined, { BucketName: name });
  if (caller === undefined) throw new S3Error('AccessDenied');
  authorizeCreation(request, name);
  await checkLocation(request);
  const metadata = settingsOf(request);
  const claim = await store.buckets.claim(name, caller.account);
  if (claim.account !== caller.account) throw new S3Error('BucketAlreadyExists', undefined, { BucketName: name });
  const place = { account: caller.account, container: name };
  if (!claim.fresh && (await isThere(request, name))) return again(request, name);
  try {
    await store.containers.put(place, { metadata, policy: undefined });
  } catch (error) {
    await store.buckets.release(name, caller.account);
    throw error;
  }
  return emptyAnswer(200, { Location: exchange.path.startsWith(`/${name}`) ? `/${name}` : '/', ...(settings.region === 'us-east-1' ? {} : { 'x-amz-bucket-region': settings.region }) });
}

/** What a request configures beside the bucket takes the right to configure it. */
function authorizeCreation(request: S3Request, name: string): void {
  const { headers } = request.exchange;
  const actions = ['s3:CreateBucket'];
  if (hasAclHeaders(request.exchange)) actions.push('s3:PutBucketAcl');
  if (headers['x-amz-object-ownership'] !== undefined) actions.push('s3:PutBucketOwnershipControls');
  if (headers['x-amz-bucket-object-lock-enabled'] !== undefined) actions.push('s3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning');
  for (const action of actions) authorizeInAccount(request, action, `arn:aws:s3:::${name}`);
}

async function isThere({ store, caller }: S3Request, name: string): Promise<boolean> {
  try {
    await store.containers.info({ account: caller!.account, container: name });
    return true;
  } catch (error) {
    if (isStoreError(error, 'container-not-found')) return false;
    throw error;
  }
}

/**
 * Somebody of the account makes a bucket that is there: nothing happens to it. To its owner that is no fault in us-east-1, as AWS documents, unless it would change
 * the bucket's list, which there is another request for.
 */
async function again(request: S3Request, name: string): Promise<Response> {
  const { caller, store, exchange, directory, settings } = request;
  const bucket = await findBucketOf(store, { account: caller!.account, container: name });
  const asked = aclOfHeaders(exchange, directory, { owner: bucket.ownerId, bucketOwner: bucket.ownerId });
  const wanted = asked ?? cannedAcl('private', bucket.ownerId, bucket.ownerId);
  const changes = packAcl(wanted) !== packAcl(bucketAcl(bucket));
  const isOwners = bucket.ownerId === caller!.canonicalId;
  if (!changes && isOwners && settings.region === 'us-east-1' && !settings.swiftHabits) return emptyAnswer(200, { Location: `/${name}` });
  throw new S3Error(changes || !isOwners ? 'BucketAlreadyExists' : 'BucketAlreadyOwnedByYou', undefined, { BucketName: name });
}

async function checkLocation(request: S3Request): Promise<void> {
  const body = await smallBody(request, 64 * 1024);
  if (body.length === 0) return;
  const location = parseXml(body, 'CreateBucketConfiguration').textOf('LocationConstraint');
  const { region } = request.settings;
  if (location !== undefined && location !== '' && location !== region && !(location === 'default' && region === 'us-east-1')) throw new S3Error('InvalidLocationConstraint', undefined, { LocationConstraint: location });
}

function settingsOf({ exchange, caller, directory }: S3Request): Record<string, string> {
  const owner = caller!.canonicalId;
  const acl = aclOfHeaders(exchange, directory, { owner, bucketOwner: owner });
  const ownership = exchange.header('x-amz-object-ownership');
  if (ownership !== undefined && !OWNERSHIPS.has(ownership)) throw new S3Error('InvalidArgument', undefined, { ArgumentName: 'x-amz-object-ownership', ArgumentValue: ownership });
  if (ownership === 'BucketOwnerEnforced' && hasAclHeaders(exchange) && acl !== undefined && !isPrivate(acl)) throw new S3Error('InvalidBucketAclWithObjectOwnership');
  const lock = exchange.header('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true';
  return {
    [BUCKET_METADATA.owner]: packText(owner),
    ...(acl === undefined || isPrivate(acl) ? {} : { [BUCKET_METADATA.acl]: packText(packAcl(acl)) }),
    ...(ownership === undefined ? {} : { [BUCKET_METADATA.ownership]: ownership }),
    ...(lock ? { [BUCKET_METADATA.objectLock]: JSON.stringify({ enabled: true }), [VERSIONS]: 'enabled' } : {}),
  };
}

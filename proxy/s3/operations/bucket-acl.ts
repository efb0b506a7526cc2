/** GetBucketAcl, PutBucketAcl. */
import type { Response } from '#proxy/edge';
import { isPrivate, packAcl, type Acl } from '../access/acl.ts';
import { authorize, bucketAcl } from '../access/authorize.ts';
import { aclOfHeaders, aclOfXml, aclXml, type Owners } from '../access/grants.ts';
import { refusePublicAcl } from '../access/public-access.ts';
import { changeSettings, type Bucket } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import { vouchedBody } from '../object/content-md5.ts';
import { emptyAnswer, xmlAnswer, type BucketRequest } from '../request.ts';
import { parseXml } from '../xml/parse.ts';

export async function getBucketAcl(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:GetBucketAcl', permission: 'READ_ACP' });
  const { bucket, directory } = request;
  const enforced = bucket.setting('ownership') === 'BucketOwnerEnforced';
  return xmlAnswer(aclXml(enforced ? { owner: bucket.ownerId, grants: [{ grantee: { user: bucket.ownerId }, permission: 'FULL_CONTROL' }] } : bucketAcl(bucket), directory));
}

export async function putBucketAcl(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:PutBucketAcl', permission: 'WRITE_ACP' });
  const { bucket, store } = request;
  const acl = await askedAcl(request, bucketAcl(bucket), { owner: bucket.ownerId, bucketOwner: bucket.ownerId });
  await changeSettings(store, bucket, { acl: isPrivate(acl) ? undefined : packAcl(acl) });
  return emptyAnswer();
}

/** The list that a PUT brings, in its headers or its body; refused where the bucket has none, or makes it public and must not. */
export async function askedAcl(request: BucketRequest, current: Acl, owners: Owners): Promise<Acl> {
  const { exchange, directory, bucket } = request;
  const ofHeaders = aclOfHeaders(exchange, directory, owners);
  const body = await vouchedBody(request);
  if (ofHeaders !== undefined && body.length > 0) throw new S3Error('InvalidRequest', 'This request does not support content');
  if (ofHeaders === undefined && body.length === 0) throw new S3Error('MissingSecurityHeader', 'Your request was missing a required header', { MissingHeaderName: 'x-amz-acl' });
  const acl = ofHeaders ?? aclOfXml(parseXml(body, 'AccessControlPolicy'), directory);
  refuseWithoutAcls(bucket);
  if (acl.owner !== current.owner) throw new S3Error('AccessDenied');
  refusePublicAcl(bucket, acl);
  return acl;
}

export function refuseWithoutAcls(bucket: Bucket): void {
  if (bucket.setting('ownership') === 'BucketOwnerEnforced') throw new S3Error('AccessControlListNotSupported');
}


/** GetBucketPolicy, PutBucketPolicy, DeleteBucketPolicy, GetBucketPolicyStatus. */
import type { Response } from '#proxy/edge';
import { authorize, bucketAcl, bucketPolicy } from '../access/authorize.ts';
import { isPublicAcl } from '../access/acl.ts';
import { isPublicPolicy, parsePolicy } from '#proxy/iam';
import { publicAccessBlockOf } from '../access/public-access.ts';
import { changeSettings } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import { vouchedBody } from '../object/content-md5.ts';
import { emptyAnswer, xmlAnswer, type BucketRequest } from '../request.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

const MAX_POLICY_BYTES = 20 * 1024;

export async function getBucketPolicy(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:GetBucketPolicy' });
  const text = request.bucket.setting('policy');
  if (text === undefined) throw new S3Error('NoSuchBucketPolicy', undefined, { BucketName: request.bucket.container });
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body: text };
}

export async function putBucketPolicy(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:PutBucketPolicy' });
  const { bucket, store } = request;
  const text = (await vouchedBody(request)).toString('utf8');
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) throw new S3Error('InvalidArgument', 'The policy exceeds the maximum allowed size of 20 KB');
  const policy = parsePolicy(text, { bucket: bucket.container });
  if (publicAccessBlockOf(bucket)?.blockPublicPolicy === true && isPublicPolicy(policy)) throw new S3Error('AccessDenied');
  await changeSettings(store, bucket, { policy: text });
  return emptyAnswer(204);
}

export async function deleteBucketPolicy(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:DeleteBucketPolicy' });
  await changeSettings(request.store, request.bucket, { policy: undefined });
  return emptyAnswer(204);
}

export async function getBucketPolicyStatus(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:GetBucketPolicyStatus' });
  const { bucket } = request;
  const block = publicAccessBlockOf(bucket);
  const policy = bucketPolicy(bucket);
  const isPublic = (block?.ignorePublicAcls !== true && isPublicAcl(bucketAcl(bucket))) || (block?.restrictPublicBuckets !== true && policy !== undefined && isPublicPolicy(policy));
  return xmlAnswer(xmlDocument('PolicyStatus', leaf('IsPublic', isPublic)));
}

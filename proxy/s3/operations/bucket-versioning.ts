/** GetBucketVersioning, PutBucketVersioning: the same switch as Swift's X-Versions-Enabled. */
import { VERSIONS } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { S3Error } from '../errors.ts';
import { vouchedBody } from '../object/content-md5.ts';
import { lockConfigurationOf } from '../object/lock.ts';
import { emptyAnswer, xmlAnswer, type BucketRequest } from '../request.ts';
import { malformed, parseXml } from '../xml/parse.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

/** Swift's older way of keeping versions, which cannot be had together with this one. */
const ARCHIVE = 'sys:versions-location';

export async function getBucketVersioning(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:GetBucketVersioning' });
  const { bucket } = request;
  return xmlAnswer(xmlDocument('VersioningConfiguration', leaf('Status', bucket.versioning), leaf('MfaDelete', bucket.setting('mfaDelete'))));
}

export async function putBucketVersioning(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:PutBucketVersioning' });
  const { bucket, store } = request;
  const root = parseXml(await vouchedBody(request), 'VersioningConfiguration');
  const status = root.textOf('Status');
  if (status === undefined) throw new S3Error('IllegalVersioningConfigurationException');
  if (status !== 'Enabled' && status !== 'Suspended') throw malformed();
  if (status === 'Suspended' && lockConfigurationOf(bucket) !== undefined) throw new S3Error('InvalidBucketState', 'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.');
  if (bucket.summary.metadata[ARCHIVE] !== undefined) throw new S3Error('InvalidBucketState', 'The container keeps versions in Swift\'s older way.');
  if (status === 'Enabled') await store.versions.prepare(bucket, bucket.summary.policy);
  await store.containers.post(bucket, { [VERSIONS]: status === 'Enabled' ? 'enabled' : 'suspended' });
  return emptyAnswer();
}

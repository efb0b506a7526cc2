/** Object lock of buckets, and retention and legal hold of versions. */
import { ETAG } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { changeSettings } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import { vouchedBody } from '../object/content-md5.ts';
import { asksBypass, lockConfigurationOf, lockConfigurationOfXml, mayBypass, packRetention, parseMode, parseUntil, retentionOf, type Retention } from '../object/lock.ts';
import { lookAt, type Looking, type Seen } from '../object/look.ts';
import { OBJECT_LEGAL_HOLD, OBJECT_RETENTION } from '../object/metadata.ts';
import { emptyAnswer, xmlAnswer, type BucketRequest, type ObjectRequest } from '../request.ts';
import { malformed, parseXml } from '../xml/parse.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

export async function getObjectLockConfiguration(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:GetBucketObjectLockConfiguration' });
  const configuration = lockConfigurationOf(request.bucket);
  if (configuration === undefined) throw new S3Error('ObjectLockConfigurationNotFoundError');
  const { mode, days, years } = configuration;
  const rule = mode === undefined ? '' : element('Rule', element('DefaultRetention', leaf('Mode', mode), leaf('Days', days), leaf('Years', years)));
  return xmlAnswer(xmlDocument('ObjectLockConfiguration', leaf('ObjectLockEnabled', 'Enabled'), rule));
}

export async function putObjectLockConfiguration(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:PutBucketObjectLockConfiguration' });
  const { bucket, store } = request;
  const body = await vouchedBody(request);
  if (bucket.versioning !== 'Enabled') throw new S3Error('InvalidBucketState', "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
  const configuration = lockConfigurationOfXml(parseXml(body, 'ObjectLockConfiguration'));
  await changeSettings(store, bucket, { objectLock: JSON.stringify(configuration) });
  return emptyAnswer();
}

function refuseWithoutLock({ bucket }: BucketRequest): void {
  if (lockConfigurationOf(bucket) === undefined) throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration');
}

function looking(action: string): Looking {
  return { reading: 'head', actions: [`s3:${action}`, `s3:${action}`], permission: undefined };
}

export async function getObjectRetention(request: ObjectRequest): Promise<Response> {
  refuseWithoutLock(request);
  await using seen = await lookAt(request, looking('GetObjectRetention'));
  const retention = retentionOf(seen.info.metadata);
  if (retention === undefined) throw new S3Error('NoSuchObjectLockConfiguration');
  return xmlAnswer(xmlDocument('Retention', leaf('Mode', retention.mode), leaf('RetainUntilDate', new Date(retention.untilMs).toISOString())));
}

export async function putObjectRetention(request: ObjectRequest): Promise<Response> {
  refuseWithoutLock(request);
  await using seen = await lookAt(request, looking('PutObjectRetention'));
  const root = parseXml(await vouchedBody(request), 'Retention');
  const mode = root.textOf('Mode');
  const until = root.textOf('RetainUntilDate');
  const asked = mode === undefined && until === undefined ? undefined : retention(request, mode, until);
  checkChange(request, retentionOf(seen.info.metadata), asked);
  await change(request, seen, OBJECT_RETENTION, asked === undefined ? '' : packRetention(asked));
  return emptyAnswer();
}

function retention({ store }: ObjectRequest, mode: string | undefined, until: string | undefined): Retention {
  if (mode === undefined || until === undefined) throw malformed();
  return { mode: parseMode(mode), untilMs: parseUntil(until, store.cluster.clock.nowMs()) };
}

/** Retention can be made longer by who may set it; shorter, or of another mode, only under governance, by who may bypass it. */
function checkChange(request: ObjectRequest, held: Retention | undefined, asked: Retention | undefined): void {
  if (held === undefined || held.untilMs <= request.store.cluster.clock.nowMs()) return;
  if (asked !== undefined && asked.untilMs >= held.untilMs && asked.mode === held.mode) return;
  if (held.mode === 'GOVERNANCE' && asksBypass(request) && mayBypass(request, request.key)) return;
  throw new S3Error('AccessDenied', 'Access Denied because object protected by object lock.');
}

export async function getObjectLegalHold(request: ObjectRequest): Promise<Response> {
  refuseWithoutLock(request);
  await using seen = await lookAt(request, looking('GetObjectLegalHold'));
  const hold = seen.info.metadata[OBJECT_LEGAL_HOLD];
  if (hold === undefined) throw new S3Error('NoSuchObjectLockConfiguration');
  return xmlAnswer(xmlDocument('LegalHold', leaf('Status', hold)));
}

export async function putObjectLegalHold(request: ObjectRequest): Promise<Response> {
  refuseWithoutLock(request);
  await using seen = await lookAt(request, looking('PutObjectLegalHold'));
  const status = parseXml(await vouchedBody(request), 'LegalHold').textOf('Status');
  if (status !== 'ON' && status !== 'OFF') throw malformed();
  await change(request, seen, OBJECT_LEGAL_HOLD, status);
  return emptyAnswer();
}

function change({ store }: ObjectRequest, { place }: Seen, name: string, value: string): Promise<void> {
  return store.objects.post(place, ({ metadata: { [ETAG]: _, [name]: _before, ...metadata } }) => ({ ...metadata, ...(value === '' ? {} : { [name]: value }) }));
}

/** HeadBucket: whether the bucket is there and may be listed; and, to who asks for it as Ceph's clients do (`read-stats`), how much is in it. */
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { emptyAnswer, type BucketRequest } from '../request.ts';

export async function headBucket(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:ListBucket', permission: 'READ' });
  return emptyAnswer(200, { ...(await usage(request)), 'x-amz-bucket-region': request.settings.region, 'x-amz-access-point-alias': 'false', 'Content-Type': 'application/xml' });
}

async function usage({ query, store, bucket }: BucketRequest): Promise<Record<string, string | number>> {
  if (query.get('read-stats') !== 'true') return {};
  const { objects, bytes } = (await store.containers.info(bucket)).totals;
  return { 'x-rgw-object-count': objects, 'x-rgw-bytes-used': bytes };
}

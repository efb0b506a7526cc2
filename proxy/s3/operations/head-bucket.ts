/** HeadBucket: whether the bucket is there and may be listed. */
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { emptyAnswer, type BucketRequest } from '../request.ts';

export async function headBucket(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:ListBucket', permission: 'READ' });
  return emptyAnswer(200, { 'x-amz-bucket-region': request.settings.region, 'x-amz-access-point-alias': 'false', 'Content-Type': 'application/xml' });
}

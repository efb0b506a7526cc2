/** What the requests of the API cause. */
import type { Bucket } from '../bucket/bucket.ts';
import type { S3Request } from '../request.ts';
import type { Cause } from './cause.ts';

const CREATED = 's3:ObjectCreated:';

/** `resource` is the sub-resource that the request is for; '' is the bucket or the object itself. */
export function causeOf({ exchange, caller, key }: S3Request, bucket: Bucket, resource: string): Cause {
  const { method, headers } = exchange;
  const request = { principalId: caller?.canonicalId ?? 'Anonymous', sourceIp: exchange.remoteAddress, requestId: exchange.transactionId };
  if (key !== undefined && method === 'PUT' && resource === '') return { ...request, put: CREATED + (headers['x-amz-copy-source'] === undefined ? 'Put' : 'Copy') };
  if (key === undefined && method === 'POST' && resource === '') return { ...request, put: `${CREATED}Post` };
  if (method === 'POST' && resource === 'uploadId') return { ...request, put: `${CREATED}CompleteMultipartUpload` };
  // Where versions are kept, what ends or marks one tells of it: what is on top then is put there by us.
  if (bucket.versioning === undefined && (method === 'DELETE' || resource === 'delete')) return { ...request, delete: 's3:ObjectRemoved:Delete' };
  return request;
}

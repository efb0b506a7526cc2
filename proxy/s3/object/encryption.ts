/** What a request and its bucket ask of encryption at rest, checked. Data are not encrypted by this dialect yet: requests that demand it are refused. */
import { S3Error } from '../errors.ts';
import type { BucketRequest } from '../request.ts';

/** What the object is stored with to say how it is encrypted; undefined for not at all. Refuses what cannot be kept. */
export function encryptionOf({ exchange }: BucketRequest): string | undefined {
  for (const name of Object.keys(exchange.headers)) {
    if (name.startsWith('x-amz-server-side-encryption') && exchange.headers[name] !== '') throw new S3Error('NotImplemented', 'Server-side encryption is not available');
  }
  return undefined;
}

/** Keys that are too long. */
import { S3Error } from '../errors.ts';
import { MAX_KEY_BYTES } from './limits.ts';

export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) throw new S3Error('KeyTooLongError', undefined, { Size: String(bytes), MaxSizeAllowed: String(MAX_KEY_BYTES) });
}

/** Content-MD5, and what takes its place where a request must say what its body is. */
import { hash } from 'node:crypto';
import { checksumsOf } from '#common/checksum';
import type { Exchange } from '#proxy/edge';
import { badMd5, S3Error } from '../errors.ts';
import { smallBody, type S3Request } from '../request.ts';
import { badChecksum, COMMON, expectedValue, promisedChecksum } from './checksum.ts';

/** The MD5 in hex that the request promises; undefined for none. */
export function contentMd5(exchange: Exchange): string | undefined {
  const header = exchange.header('content-md5');
  if (header === undefined) return undefined;
  const bytes = Buffer.from(header, 'base64');
  if (bytes.length !== 16 || !/^[A-Za-z0-9+/]{22}==$/.test(header.trim())) throw new S3Error('InvalidDigest', undefined, { 'Content-MD5': header });
  return bytes.toString('hex');
}

export interface Vouching {
  readonly maxBytes?: number;
  /** Something must say what the body is. */
  readonly required?: boolean;
  /** Whether a checksum among the headers is the body's: that of a completed upload is the object's. */
  readonly checksums?: boolean;
}

/** A whole small body that is what Content-MD5 or a checksum says. */
export async function vouchedBody(request: S3Request, { maxBytes, required = false, checksums = true }: Vouching = {}): Promise<Buffer> {
  const md5 = contentMd5(request.exchange);
  const promised = checksums ? promisedChecksum(request) : undefined;
  if (required && md5 === undefined && promised === undefined) throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  const body = await smallBody(request, maxBytes);
  if (md5 !== undefined) {
    const found = hash('md5', body, 'hex');
    if (found !== md5) throw badMd5(Buffer.from(md5, 'hex').toString('base64'), found);
  }
  if (promised !== undefined) {
    const name = COMMON[promised.algorithm];
    if (checksumsOf([name], [body])[name].toString('base64') !== expectedValue(request, promised)) throw badChecksum(promised.algorithm);
  }
  return body;
}

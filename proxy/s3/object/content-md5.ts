/** Content-MD5, and what takes its place where a request must say what its body is. */
import { hash } from 'node:crypto';
import { checksumsOf } from '#common/checksum';
import type { Exchange } from '#proxy/edge';
import { S3Error } from '../errors.ts';
import { smallBody, type S3Request } from '../request.ts';
import { checksumHeader, COMMON, promisedChecksum } from './checksum.ts';

/** The MD5 in hex that the request promises; undefined for none. */
export function contentMd5(exchange: Exchange): string | undefined {
  const header = exchange.header('content-md5');
  if (header === undefined) return undefined;
  const bytes = Buffer.from(header, 'base64');
  if (bytes.length !== 16 || !/^[A-Za-z0-9+/]{22}==$/.test(header.trim())) throw new S3Error('InvalidDigest', undefined, { 'Content-MD5': header });
  return bytes.toString('hex');
}

/** A whole small body that is what Content-MD5 or a checksum says; `required` where one of them must be there. */
export async function vouchedBody(request: S3Request, { maxBytes, required = false }: { maxBytes?: number; required?: boolean } = {}): Promise<Buffer> {
  const md5 = contentMd5(request.exchange);
  const promised = promisedChecksum(request);
  if (required && md5 === undefined && promised === undefined) throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  const body = await smallBody(request, maxBytes);
  if (md5 !== undefined && hash('md5', body, 'hex') !== md5) throw new S3Error('BadDigest');
  if (promised !== undefined) {
    const expected = promised.value ?? request.trailers.get(checksumHeader(promised.algorithm));
    const name = COMMON[promised.algorithm];
    if (checksumsOf([name], [body])[name].toString('base64') !== expected) throw new S3Error('BadDigest');
  }
  return body;
}

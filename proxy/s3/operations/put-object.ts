/** PutObject: the body of the request becomes an object. */
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { S3Error } from '../errors.ts';
import { checkedBody, checksumHeaders, packChecksum, promisedChecksum } from '../object/checksum.ts';
import { encryptionHeaders, metadataOfHeaders, OBJECT_CHECKSUM } from '../object/metadata.ts';
import { expirationHeader, ownExpiration } from '../object/expiration.ts';
import { encryptionFor } from '../object/encryption.ts';
import { governedMetadata, writeObject, writtenHeader } from '../object/write.ts';
import { bodyOf, emptyAnswer, MAX_OBJECT_BYTES, type ObjectRequest, type S3Request } from '../request.ts';
import { contentMd5 } from '../object/content-md5.ts';

export async function putObject(request: ObjectRequest): Promise<Response> {
  const { exchange, key, settings } = request;
  authorize(request, { action: 's3:PutObject', permission: 'WRITE', key });
  checkLength(request);
  const promised = promisedChecksum(request);
  const encryption = encryptionFor(request);
  const metadata = { ...metadataOfHeaders(exchange.headers, { keepsFraming: settings.swiftHabits && !isFramed(request) }), ...ownExpiration(exchange, request.store.cluster.clock.nowMs()), ...governedMetadata(request, { encryption }) };
  const { body, counted } = checkedBody(request, bodyOf(request), promised);
  const lateMetadata = (): Record<string, string> => {
    const checksum = counted();
    return checksum === undefined ? {} : { [OBJECT_CHECKSUM]: packChecksum(checksum) };
  };
  const { etag, versionId, sizeBytes, timestamp } = await writeObject(request, { body, metadata, lateMetadata, expectedEtag: contentMd5(exchange), keymaster: encryption?.keymaster });
  return emptyAnswer(200, { ETag: `"${etag}"`, ...writtenHeader(versionId), ...checksumHeaders(counted()), ...encryptionHeaders(encryption?.label), ...expirationHeader(request.bucket, { key, bytes: sizeBytes, timestamp, metadata }) });
}

/** Whether the body comes in chunks of its own. Swift's s3api keeps the word for that where it does not. */
function isFramed({ exchange }: S3Request): boolean {
  return exchange.header('x-amz-content-sha256')?.startsWith('STREAMING-') === true;
}

/** Refuses uploads whose length nobody says, or that are too large for one request. */
export function checkLength({ identified, exchange }: S3Request): void {
  const bytes = identified.decodedBytes;
  if (bytes === undefined && !exchange.chunked) throw new S3Error('MissingContentLength');
  if (bytes !== undefined && bytes > MAX_OBJECT_BYTES) throw new S3Error('EntityTooLarge', undefined, { ProposedSize: String(bytes), MaxSizeAllowed: String(MAX_OBJECT_BYTES) });
}

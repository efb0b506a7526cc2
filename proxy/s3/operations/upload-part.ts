/** UploadPart, and UploadPartCopy, whose bytes come from another object. */
import { CONTENT_TYPE } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { S3Error } from '../errors.ts';
import { checksumOfUpload, findUpload, partNumberOf, partType } from '../multipart/upload.ts';
import { checkedBody, checkedCopy, checksumHeader, promisedChecksum, type CheckedBody } from '../object/checksum.ts';
import { checkCopyConditions } from '../object/conditions.ts';
import { contentMd5 } from '../object/content-md5.ts';
import { copySource } from '../object/copy-source.ts';
import { encryptionLike } from '../object/encryption.ts';
import { encryptionHeaders, OBJECT_ENCRYPTION } from '../object/metadata.ts';
import { lookAt, READING } from '../object/look.ts';
import { formatVersionId } from '../object/version-id.ts';
import { bodyOf, emptyAnswer, MAX_OBJECT_BYTES, xmlAnswer, type ObjectRequest } from '../request.ts';
import { bytesOf, resultXml } from './copy-object.ts';
import { checkLength } from './put-object.ts';

export async function uploadPart(request: ObjectRequest): Promise<Response> {
  const { store, target, key, exchange } = request;
  authorize(request, { action: 's3:PutObject', permission: 'WRITE', key });
  checkLength(request);
  const number = partNumberOf(request);
  const upload = await findUpload(request);
  const encryption = encryptionLike(request, upload.metadata[OBJECT_ENCRYPTION]);
  const wanted = checksumOfUpload(upload);
  const promised = promisedChecksum(request);
  if (wanted !== undefined && promised !== undefined && promised.algorithm !== wanted.algorithm) {
    throw new S3Error('InvalidRequest', `Checksum Type mismatch occurred, expected checksum Type: ${wanted.algorithm.toLowerCase()}, actual checksum Type: ${promised.algorithm.toLowerCase()}`);
  }
  const checked = promised === undefined ? checkedCopy(bodyOf(request), wanted?.algorithm, undefined) : checkedBody(request, bodyOf(request), promised);
  const { etag } = await store.uploads.putPart(target, upload.id, { number, body: checked.body, lateMetadata: lateType(checked), expectedEtag: contentMd5(exchange), keymaster: encryption?.keymaster });
  const counted = checked.counted();
  return emptyAnswer(200, { ETag: `"${etag}"`, ...encryptionHeaders(encryption?.label), ...(counted === undefined ? {} : { [checksumHeader(counted.algorithm)]: counted.value }) });
}

export async function uploadPartCopy(request: ObjectRequest): Promise<Response> {
  const { store, target, key, exchange } = request;
  // Before the source is looked at: a stranger learns not even which uploads there are.
  authorize(request, { action: 's3:PutObject', permission: 'WRITE', key });
  const number = partNumberOf(request);
  const upload = await findUpload(request);
  const encryption = encryptionLike(request, upload.metadata[OBJECT_ENCRYPTION]);
  const source = await copySource(request);
  await using seen = await lookAt(source.request, { reading: 'get', ...READING, keyPrefix: 'x-amz-copy-source-' }, source.versionId);
  checkCopyConditions(exchange, seen);
  const { start, end } = rangeOf(exchange.header('x-amz-copy-source-range'), seen.sizeBytes);
  const checked = checkedCopy(bytesOf(seen, start, end), checksumOfUpload(upload)?.algorithm, undefined);
  const stored = await store.uploads.putPart(target, upload.id, { number, body: checked.body, lateMetadata: lateType(checked), keymaster: encryption?.keymaster });
  return xmlAnswer(resultXml('CopyPartResult', stored, checked.counted()), { ...encryptionHeaders(encryption?.label), ...(seen.versionId === undefined ? {} : { 'x-amz-copy-source-version-id': formatVersionId(seen.versionId) }) });
}

function lateType({ counted }: CheckedBody): () => Record<string, string> {
  return () => ({ [CONTENT_TYPE]: partType(counted()) });
}

/** Exactly `bytes=first-last`, within the source. */
function rangeOf(header: string | undefined, sizeBytes: number): { start: number; end: number } {
  if (header === undefined) {
    if (sizeBytes > MAX_OBJECT_BYTES) throw new S3Error('InvalidRequest', 'The specified copy source is larger than the maximum allowable size for a copy source: 5368709120');
    return { start: 0, end: sizeBytes };
  }
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header);
  const [first, last] = match === null ? [1, 0] : [Number(match[1]), Number(match[2])];
  if (first > last) throw new S3Error('InvalidArgument', 'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy', { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: header });
  if (last >= sizeBytes) throw new S3Error('InvalidRange', `Range specified is not valid for source object of size: ${sizeBytes}`);
  return { start: first, end: last + 1 };
}

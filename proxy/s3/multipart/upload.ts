/** An upload as requests name it, and what is kept of it and of its parts besides their data. */
import { isStoreError } from '#common';
import { SYSTEM_PREFIX, type Upload, type UploadPart } from '#proxy/core';
import { S3Error } from '../errors.ts';
import { parseAlgorithm, type ChecksumType, type S3Checksum } from '../object/checksum.ts';
import { MAX_PARTS } from '../object/limits.ts';
import type { ObjectRequest } from '../request.ts';

/** `CRC32 COMPOSITE`: the checksum that the upload's parts and its object have. */
export const UPLOAD_CHECKSUM = `${SYSTEM_PREFIX}s3-upload-checksum`;
/** Canonical id of who began it. */
export const UPLOAD_INITIATOR = `${SYSTEM_PREFIX}s3-upload-initiator`;
const PART_TYPE = 'application/x-part';

/** The upload that a request names. Throws NoSuchUpload; so does one that is completed, unless `completed` is welcome. */
export async function findUpload({ store, target, query }: ObjectRequest, completed = false): Promise<Upload> {
  const id = query.get('uploadId') ?? '';
  try {
    if (id === '' || id.includes('\0')) throw noSuchUpload(id);
    const upload = await store.uploads.get(target, id);
    if (upload.completed !== undefined && !completed) throw noSuchUpload(id);
    return upload;
  } catch (error) {
    if (isStoreError(error, 'object-not-found')) throw noSuchUpload(id);
    throw error;
  }
}

export function noSuchUpload(id: string): S3Error {
  return new S3Error('NoSuchUpload', undefined, { UploadId: id });
}

export function partNumberOf({ query }: ObjectRequest): number {
  const text = query.get('partNumber') ?? '';
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > MAX_PARTS) throw new S3Error('InvalidArgument', `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`, { ArgumentName: 'partNumber', ArgumentValue: text });
  return number;
}

export interface UploadChecksum {
  readonly algorithm: S3Checksum;
  readonly type: ChecksumType;
}

/** The checksum that CreateMultipartUpload asks for. */
export function checksumAsked({ exchange }: ObjectRequest): UploadChecksum | undefined {
  const algorithm = parseAlgorithm(exchange.header('x-amz-checksum-algorithm'));
  const type = exchange.header('x-amz-checksum-type')?.toUpperCase();
  if (type !== undefined && type !== 'COMPOSITE' && type !== 'FULL_OBJECT') throw new S3Error('InvalidRequest', 'Value for x-amz-checksum-type header is invalid.');
  if (algorithm === undefined) {
    if (type !== undefined) throw new S3Error('InvalidRequest', 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.');
    return undefined;
  }
  if ((algorithm === 'SHA1' || algorithm === 'SHA256') && type === 'FULL_OBJECT') throw new S3Error('InvalidRequest', `The FULL_OBJECT checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`);
  if (algorithm === 'CRC64NVME' && type === 'COMPOSITE') throw new S3Error('InvalidRequest', 'The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.');
  return { algorithm, type: type ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE') };
}

export function checksumOfUpload({ metadata }: Upload): UploadChecksum | undefined {
  const [algorithm, type] = (metadata[UPLOAD_CHECKSUM] ?? '').split(' ') as [S3Checksum | '', ChecksumType];
  return algorithm === '' ? undefined : { algorithm, type };
}

/** The type that a part is stored with: it is what a listing of parts shows, so a completion need not open them. */
export function partType(checksum: { algorithm: S3Checksum; value: string } | undefined): string {
  return checksum === undefined ? PART_TYPE : `${PART_TYPE};${checksum.algorithm}=${checksum.value}`;
}

export function checksumOfType(contentType: string): { algorithm: S3Checksum; value: string } | undefined {
  const [, algorithm, value] = /;([A-Z0-9]+)=(.+)$/.exec(contentType) ?? [];
  return algorithm === undefined || value === undefined ? undefined : { algorithm: algorithm as S3Checksum, value };
}

export function checksumOfPart({ contentType }: UploadPart): { algorithm: S3Checksum; value: string } | undefined {
  return checksumOfType(contentType);
}

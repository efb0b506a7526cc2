/** Dynamic large objects, which Swift makes, as S3 shows them: with a length and a tag always, since an answer of S3's has both. */
import { isStoreError } from '#common';
import { DYNAMIC, dynamicParts, measureDynamic, parseDynamic, readParts, type ObjectName, type OpenSegment } from '#proxy/core';
import type { ObjectInfo } from '#storage-node/protocol';
import { findBucketOf } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import type { ObjectRequest } from '../request.ts';
import { madeEtag } from './conditions.ts';

export interface DynamicBytes {
  readonly sizeBytes: number;
  readonly etag: string;
  read(this: void, start: number, end: number): AsyncIterable<Buffer>;
}

/** A segment as the caller may see it: with its bytes, or its head. */
export type SegmentFor = (request: ObjectRequest, reading: 'get' | 'head') => Promise<OpenSegment>;

/** What the dynamic object makes for the caller, who needs the right to read each segment. Throws as `openSegment` does where he may not read the first. */
export async function dynamicBytes(request: ObjectRequest, { metadata }: Pick<ObjectInfo, 'metadata'>, openSegment: SegmentFor): Promise<DynamicBytes> {
  const { store } = request;
  const { container, prefix } = parseDynamic(metadata[DYNAMIC]!);
  const account = request.bucket.account;
  const bucket = container === request.bucket.container ? request.bucket : await findBucketOf(store, { account, container }).catch(asNoKey(request));
  const segmentOf = (target: ObjectName): ObjectRequest => ({ ...request, bucket, key: target.object, target });
  const { first, parts, whole } = await dynamicParts(store.containers, bucket, prefix).catch(asNoKey(request));
  // Asked before anything of the segments is told: a stranger learns not even how many bytes they have.
  if (first !== undefined && !bucket.isOwnedBy(request.caller)) await (await openSegment(segmentOf(first.target), 'head'))[Symbol.asyncDispose]();
  const { sizeBytes, etag } = whole ?? (await measureDynamic(store.containers, bucket, prefix));
  return { sizeBytes, etag: madeEtag(etag), read: (start, end) => readParts(parts, start, end, (target) => openSegment(segmentOf(target), 'get')) };
}

/** Where there is no container of segments, there is nothing to be read under the key. */
function asNoKey({ key }: ObjectRequest): (error: unknown) => never {
  return (error) => {
    if (isStoreError(error, 'container-not-found') || (error instanceof S3Error && error.code === 'NoSuchBucket')) throw new S3Error('NoSuchKey', undefined, { Key: key });
    throw error;
  };
}

/** DeleteBucket: of a bucket without objects, versions and markers. Uploads that were not completed end with it, as in AWS. */
import { versionsContainer } from '#proxy/core';
import { isStoreError } from '#common';
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { emptyAnswer, type BucketRequest } from '../request.ts';
import { S3Error } from '../errors.ts';

export async function deleteBucket(request: BucketRequest): Promise<Response> {
  const { store, bucket } = request;
  authorize(request, { action: 's3:DeleteBucket' });
  const versions = versionsContainer(bucket);
  if (bucket.versioning !== undefined) await deleteEmpty(() => store.containers.delete(versions));
  await deleteEmpty(() => store.containers.delete(bucket));
  await store.uploads.endContainer(bucket);
  await store.buckets.release(bucket.container, bucket.account);
  return emptyAnswer(204);
}

async function deleteEmpty(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isStoreError(error, 'container-not-empty')) throw new S3Error('BucketNotEmpty');
    if (!isStoreError(error, 'container-not-found')) throw error;
  }
}

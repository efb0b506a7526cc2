/** AbortMultipartUpload: the upload ends, and its parts with it. */
import { isStoreError } from '#common';
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { findUpload, noSuchUpload } from '../multipart/upload.ts';
import { emptyAnswer, type ObjectRequest } from '../request.ts';

export async function abortMultipartUpload(request: ObjectRequest): Promise<Response> {
  const { store, target, key } = request;
  authorize(request, { action: 's3:AbortMultipartUpload', permission: 'WRITE', key });
  const { id } = await findUpload(request);
  await store.uploads.abort(target, id).catch((error: unknown) => Promise.reject(isStoreError(error, 'object-not-found') ? noSuchUpload(id) : (error as Error)));
  return emptyAnswer(204);
}

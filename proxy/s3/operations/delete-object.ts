/** DeleteObject: the object, or a marker on it, or one version of it. */
import type { Response } from '#proxy/edge';
import { deleteCondition } from '../object/conditions.ts';
import { deleteOne } from '../object/delete.ts';
import { versionIdOf } from '../object/version-id.ts';
import { versionHeader } from '../object/write.ts';
import { emptyAnswer, type ObjectRequest } from '../request.ts';

export async function deleteObject(request: ObjectRequest): Promise<Response> {
  const { exchange, query } = request;
  const condition = deleteCondition({ etag: exchange.header('if-match'), modified: exchange.header('x-amz-if-match-last-modified-time'), size: exchange.header('x-amz-if-match-size') });
  const { versionId, marker } = await deleteOne(request, versionIdOf(query), condition);
  return emptyAnswer(204, { ...versionHeader(versionId), ...(marker ? { 'x-amz-delete-marker': 'true' } : {}) });
}

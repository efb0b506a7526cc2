/** DELETE of an object. */
import type { Response } from '#proxy/edge';
import { authorizeContainer } from '../container/access.ts';
import { empty, type ObjectRequest } from '../request.ts';

export async function deleteObject(request: ObjectRequest): Promise<Response> {
  const { store, account, container, object } = request;
  await authorizeContainer(request, 'object-write');
  await store.objects.delete({ account, container, object });
  return empty(204);
}

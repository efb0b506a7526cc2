/** DELETE of an object, perhaps only where it is to expire at a given moment. */
import { DELETE_AT } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorizeContainer } from '../container/access.ts';
import { Refusal } from '../refusal.ts';
import { empty, type ObjectRequest } from '../request.ts';

export async function deleteObject(request: ObjectRequest): Promise<Response> {
  const { store, account, container, object, exchange } = request;
  await authorizeContainer(request, 'object-write');
  const ifDeleteAt = exchange.header('x-if-delete-at');
  if (ifDeleteAt !== undefined) {
    if (!/^\d+$/.test(ifDeleteAt)) throw new Refusal(400, 'Bad X-If-Delete-At header value');
    const info = await store.objects.head({ account, container, object });
    if (Number(info.metadata[DELETE_AT]) !== Number(ifDeleteAt)) throw new Refusal(412, 'X-If-Delete-At and X-Delete-At do not match');
  }
  await store.objects.delete({ account, container, object });
  return empty(204);
}

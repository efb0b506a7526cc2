/** DELETE of a container, which must be empty. */
import type { Response } from '#proxy/edge';
import { authorize } from '../authorize.ts';
import { empty, type ContainerRequest } from '../request.ts';

export async function deleteContainer(request: ContainerRequest): Promise<Response> {
  const { store, account, container } = request;
  await authorize(request, 'container-write', request, undefined, request.accounts);
  await store.containers.delete({ account, container });
  return empty(204);
}

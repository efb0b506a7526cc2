/** DELETE of a container, which must be empty. */
import { VERSIONS } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorize } from '../authorize.ts';
import { empty, type ContainerRequest } from '../request.ts';
import { deleteVersionsContainer } from '../versions/container.ts';

export async function deleteContainer(request: ContainerRequest): Promise<Response> {
  const { store, account, container } = request;
  await authorize(request, 'container-write', request, undefined, request.accounts);
  const info = await store.containers.info({ account, container });
  if (info.metadata[VERSIONS] !== undefined) await deleteVersionsContainer(request);
  await store.containers.delete({ account, container });
  return empty(204);
}

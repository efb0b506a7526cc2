/** Whether the caller may do it to this container; strangers learn nothing of what is not there. */
import { isStoreError } from '#common';
import type { ContainerSummary } from '#proxy/core';
import { authorize, type Access } from '../authorize.ts';
import type { ContainerRequest } from '../request.ts';

/** Authorizes against the container's ACLs; its summary, or undefined where there is no such container. */
export async function authorizeContainer(request: ContainerRequest, access: Access): Promise<ContainerSummary | undefined> {
  const { store, account, container } = request;
  const summary = await store.containers.summary({ account, container }).catch((error: unknown) => {
    if (isStoreError(error, 'container-not-found')) return undefined;
    throw error;
  });
  const asking = authorize(request, access, request, summary?.metadata, request.accounts);
  if (asking !== undefined) await asking;
  if (request.notes.container === container && request.notes.account === account) request.notes.summary = summary;
  return summary;
}

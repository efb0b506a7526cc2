/** POST of a container: sets and removes its metadata and ACLs. */
import { liveMetadata } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorize, isOwner } from '../authorize.ts';
import { checkMetadataHeaders } from '../constraints.ts';
import { empty, type ContainerRequest } from '../request.ts';
import { checkMergedMetadata } from '../user-metadata.ts';
import { containerChanges } from './headers.ts';

export async function postContainer(request: ContainerRequest): Promise<Response> {
  const { store, account, container, exchange } = request;
  await authorize(request, 'container-write', request, undefined, request.accounts);
  checkMetadataHeaders('container', exchange.headers);
  const changes = containerChanges(exchange.headers, await isOwner(request, account, request.accounts));
  const current = await store.containers.info({ account, container });
  checkMergedMetadata(liveMetadata(current.metadata), changes);
  await store.containers.post({ account, container }, changes);
  return empty(204);
}

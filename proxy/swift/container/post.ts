/** POST of a container: sets and removes its metadata and ACLs. */
import { liveMetadata, VERSIONS } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorize, isOwner } from '../authorize.ts';
import { checkMetadataHeaders } from '../constraints.ts';
import { empty, type ContainerRequest } from '../request.ts';
import { checkMergedMetadata } from '../user-metadata.ts';
import { checkQuotaHeaders } from '../quotas/container.ts';
import { versioningChanges } from '../versions/container.ts';
import { beginSync } from '../container-sync/changes.ts';
import { containerChanges } from './headers.ts';

export async function postContainer(request: ContainerRequest): Promise<Response> {
  const { store, account, container, exchange } = request;
  await authorize(request, 'container-write', request, undefined, request.accounts);
  checkMetadataHeaders('container', exchange.headers);
  checkQuotaHeaders(exchange.headers);
  const changes = containerChanges(exchange.headers, await isOwner(request, account, request.accounts));
  const current = await store.containers.info({ account, container });
  const before = liveMetadata(current.metadata);
  checkMergedMetadata(before, changes);
  const versioning = versioningChanges(exchange.headers, before);
  await beginSync(request, { ...before, ...changes, ...versioning }, changes);
  if (versioning[VERSIONS] === 'enabled') await store.versions.prepare({ account, container }, current.policy);
  await store.containers.post({ account, container }, { ...changes, ...versioning });
  return empty(204);
}

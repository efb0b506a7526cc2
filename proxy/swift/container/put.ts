/** PUT of a container: creates it, or updates its metadata where it is there. */
import { isStoreError } from '#common';
import { liveMetadata, VERSIONS } from '#proxy/core';
import type { Response } from '#proxy/edge';
import type { StoragePolicy } from '#ring';
import { authorize, isOwner } from '../authorize.ts';
import { checkMetadataHeaders, checkNameLength } from '../constraints.ts';
import { HTML, Refusal } from '../refusal.ts';
import { empty, type ContainerRequest } from '../request.ts';
import { checkMergedMetadata } from '../user-metadata.ts';
import { checkQuotaHeaders } from '../quotas/container.ts';
import { versioningChanges } from '../versions/container.ts';
import { beginSync } from '../container-sync/changes.ts';
import { containerChanges } from './headers.ts';

export async function putContainer(request: ContainerRequest): Promise<Response> {
  const { store, account, container, exchange } = request;
  await authorize(request, 'container-write', request, undefined, request.accounts);
  checkMetadataHeaders('container', exchange.headers);
  checkQuotaHeaders(exchange.headers);
  const changes = containerChanges(exchange.headers, await isOwner(request, account, request.accounts));
  const policy = policyOf(request, exchange.header('x-storage-policy'));
  checkNameLength('container', container);
  const current = await store.containers.info({ account, container }).catch(ifAbsent);
  const before = current === undefined ? {} : liveMetadata(current.metadata);
  checkMergedMetadata(before, changes);
  const versioning = versioningChanges(exchange.headers, before);
  await beginSync(request, { ...before, ...changes, ...versioning }, changes);
  const { created } = await store.containers.put({ account, container }, { metadata: { ...changes, ...versioning }, policy });
  if (versioning[VERSIONS] === 'enabled') await store.versions.prepare({ account, container }, current?.policy ?? policy?.index);
  return empty(created ? 201 : 202);
}

/** Creates a container among others that a request makes, plain, where it is not there. False where it is. */
export async function createContainer(request: ContainerRequest): Promise<boolean> {
  const { store, account, container } = request;
  const there = await store.containers.summary({ account, container }).catch(ifAbsent);
  if (there !== undefined) return false;
  await authorize(request, 'container-write', request, undefined, request.accounts);
  checkNameLength('container', container);
  return (await store.containers.put({ account, container }, { metadata: {}, policy: undefined })).created;
}

function policyOf(request: ContainerRequest, name: string | undefined): StoragePolicy | undefined {
  if (name === undefined || name === '') return undefined;
  try {
    return request.store.cluster.policies.byName(name);
  } catch (error) {
    if (isStoreError(error, 'policy-unknown')) throw new Refusal(400, `Invalid X-Storage-Policy '${name}'`, { 'Content-Type': HTML });
    throw error;
  }
}

function ifAbsent(error: unknown): undefined {
  if (!isStoreError(error, 'container-not-found')) throw error;
  return undefined;
}

/** PUT, POST and DELETE of objects with versions (Swift's "Object Versioning"). */
import { formatTimestamp, isStoreError } from '#common';
import { DELETE_AT, versionOfLink, VERSIONS, versionsContainer, versionTarget, type ContainerSummary, type Link } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorize } from '../authorize.ts';
import { lastingMetadata } from '../object/headers.ts';
import { created } from '../object/write.ts';
import { HTML, page, Refusal } from '../refusal.ts';
import { empty, type ObjectRequest } from '../request.ts';
import { versionHeaders, versionIdOf } from './show.ts';

/** PUT with `?version-id=`: brings that version into force again. */
export async function restoreVersion(request: ObjectRequest, container: ContainerSummary): Promise<Response> {
  const { exchange, store } = request;
  const versionId = versionIdOf(request, container);
  if (exchange.chunked || (exchange.contentLength ?? 0) !== 0) throw new Refusal(400, 'PUT version-id requests require a zero byte body', { 'Content-Type': 'text/plain' });
  if (versionId === undefined || versionId === 'null') throw new Refusal(400, 'Invalid version parameter', { 'Content-Type': 'text/plain' });
  try {
    return created({ ...(await store.versions.restore(request, versionId)), headers: versionHeaders(versionId) });
  } catch (error) {
    if (isStoreError(error, 'object-not-found')) throw new Refusal(404, 'The specified version does not exist', { 'Content-Type': 'text/plain' });
    throw error;
  }
}

/** DELETE in a container with versions; undefined where it is a plain one after all. */
export async function deleteVersioned(request: ObjectRequest, container: ContainerSummary | undefined): Promise<Response | undefined> {
  const { store } = request;
  const versionId = versionIdOf(request, container);
  if (versionId === 'null') return undefined;
  if (versionId !== undefined) {
    await authorize(request, 'object-write', versionsContainer(request), undefined, request.accounts);
    const { current } = await store.versions.deleteVersion(request, versionId);
    return empty(204, { ...versionHeaders(versionId), 'X-Object-Current-Version-Id': current === undefined ? 'null' : formatTimestamp(current) });
  }
  if (container?.metadata[VERSIONS] !== 'enabled') return undefined;
  const marker = await store.versions.delete(request, container);
  if (!marker.existed) throw new Refusal(404, page(404), { ...versionHeaders(marker.versionId), 'Content-Type': HTML });
  return empty(204, versionHeaders(marker.versionId));
}

/** A POST of an object is one of its version in force: the metadata are the version's, but for the time when the object ends. False for any other link. */
export async function postVersion({ store, account, container, object }: ObjectRequest, link: Link, metadata: Readonly<Record<string, string>>): Promise<boolean> {
  const versionId = versionOfLink(link);
  if (versionId === undefined) return false;
  const { [DELETE_AT]: _, ...kept } = metadata;
  await store.objects.post(versionTarget({ account, container, object }, versionId), (current) => ({ ...lastingMetadata(current.metadata), ...kept }));
  return true;
}

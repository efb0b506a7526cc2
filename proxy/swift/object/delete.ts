/** DELETE of an object, perhaps only where it is to expire at a given moment. */
import { DELETE_AT, VERSIONS, type ContainerSummary } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorizeContainer } from '../container/access.ts';
import { Refusal } from '../refusal.ts';
import { empty, isTrue, type ObjectRequest } from '../request.ts';
import { deleteSegmentsLater } from '../slo/delete-later.ts';
import { deleteManifest } from '../slo/delete.ts';
import { ARCHIVE, archiveDelete } from '../versions/legacy.ts';
import { deleteVersioned } from '../versions/object.ts';

export async function deleteObject(request: ObjectRequest): Promise<Response> {
  const { store, account, container, object, exchange } = request;
  if (request.syncedAt !== undefined) {
    await store.objects.delete({ account, container, object }, { at: request.syncedAt });
    return empty(204);
  }
  if (request.query.get('multipart-manifest') === 'delete') return request.settings.slo.asyncDelete && isTrue(request.query.get('async')) ? deleteManifestLater(request) : deleteManifest(request);
  const summary = await authorizeContainer(request, 'object-write');
  const ifDeleteAt = exchange.header('x-if-delete-at');
  if (ifDeleteAt !== undefined) {
    if (!/^\d+$/.test(ifDeleteAt)) throw new Refusal(400, 'Bad X-If-Delete-At header value');
    const info = await store.objects.head({ account, container, object });
    if (Number(info.metadata[DELETE_AT]) !== Number(ifDeleteAt)) throw new Refusal(412, 'X-If-Delete-At and X-Delete-At do not match');
  }
  return remove(request, summary);
}

/** DELETE of a manifest whose segments go after the answer: they are on the agenda before it is gone. */
async function deleteManifestLater(request: ObjectRequest): Promise<Response> {
  await deleteSegmentsLater(request);
  return removeObject(request);
}

/** A delete among others, without conditions. */
export async function removeObject(request: ObjectRequest): Promise<Response> {
  return remove(request, await authorizeContainer(request, 'object-write'));
}

async function remove(request: ObjectRequest, summary: ContainerSummary | undefined): Promise<Response> {
  const { store, account, container, object } = request;
  if (summary?.metadata[VERSIONS] !== undefined || request.query.has('version-id')) {
    const answer = await deleteVersioned(request, summary);
    if (answer !== undefined) return answer;
  }
  if (summary?.metadata[ARCHIVE] !== undefined && (await archiveDelete(request, summary)) === 'restored') {
    return empty(204);
  }
  await store.objects.delete({ account, container, object });
  return empty(204);
}

/** GET and HEAD in a container that keeps versions: each says which version it is, and any can be asked for. */
import { CONTENT_TYPE, DELETE_MARKER_TYPE, versionsContainer, versionTarget, type ContainerSummary } from '#proxy/core';
import { authorize } from '../authorize.ts';
import type { Representation } from '../object/representation.ts';
import { page, Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';
import { VERSION_ID, versionHeaders, versionIdOf } from './show.ts';

/** What the caller sees in a container with versions. `look` sees whatever is at a name; `request.container` may be reserved. */
export async function lookAtVersion(request: ObjectRequest, container: ContainerSummary | undefined, look: (request: ObjectRequest) => Promise<Representation>): Promise<Representation> {
  const versionId = versionIdOf(request, container);
  if (versionId === undefined || versionId === 'null') {
    const seen = await look(request);
    const itsVersion = seen.headers[VERSION_ID];
    if (itsVersion === undefined) return { ...seen, headers: { ...seen.headers, [VERSION_ID]: 'null' } };
    if (versionId === undefined) return seen;
    await seen[Symbol.asyncDispose]();
    throw new Refusal(404);
  }
  // Who may read the container may read what is in force; the past is its owner's.
  await authorize(request, 'object-read', versionsContainer(request), undefined, request.accounts);
  const seen = await look({ ...request, ...versionTarget(request, versionId) });
  if (seen.info.metadata[CONTENT_TYPE] !== DELETE_MARKER_TYPE) return { ...seen, headers: { ...seen.headers, ...versionHeaders(versionId) } };
  await seen[Symbol.asyncDispose]();
  throw new Refusal(404, page(404), { ...versionHeaders(versionId), 'Content-Type': DELETE_MARKER_TYPE });
}

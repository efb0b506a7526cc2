/** Dynamic large objects as Swift shows them: as long as all segments are on one page of the listing, with length and ETag. */
import { CONTENT_TYPE, DYNAMIC, dynamicParts, parseDynamic, readParts } from '#proxy/core';
import { authorizeContainer } from '../container/access.ts';
import { asItIs, type Show } from '../object/representation.ts';
import type { ContainerRequest } from '../request.ts';

export const showDynamic: Show = async (request, found, _reading, { trail, lookAt }) => {
  // Within a dynamic one another is what it is stored as: it could name itself.
  if (request.query.get('multipart-manifest') === 'get' || trail.dynamic) return asItIs(found);
  const { info } = found;
  await found.open?.[Symbol.asyncDispose]();
  const { container, prefix } = parseDynamic(info.metadata[DYNAMIC]!);
  const segments: ContainerRequest = { ...request, container };
  // Asked before anything of the segments is listed: a stranger learns not even how many there are.
  await authorizeContainer(segments, 'object-read');
  const { parts, whole, leastBytes } = await dynamicParts(request.store.containers, { account: request.account, container }, prefix);
  return {
    info,
    contentType: info.metadata[CONTENT_TYPE] ?? 'application/octet-stream',
    sizeBytes: whole?.sizeBytes,
    leastBytes,
    etag: whole === undefined ? undefined : `"${whole.etag}"`,
    multipleRanges: false,
    headers: {},
    data: undefined,
    unproven: true,
    read: (start, end) => readParts(parts, start, end, (target) => lookAt({ ...request, ...target, query: NO_QUERY }, 'get', { links: 0, led: true, manifests: trail.manifests + 1, dynamic: true })),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
};

const NO_QUERY: ReadonlyMap<string, string> = new Map();

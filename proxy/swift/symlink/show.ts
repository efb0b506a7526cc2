/** Symbolic links as they are read: their target, as the reader may see it; or, with `?symlink=get`, the link itself. */
import { linkOf, versionOfLink } from '#proxy/core';
import { asRefusal } from '../errors.ts';
import { asItIs, type Show } from '../object/representation.ts';
import { Refusal } from '../refusal.ts';
import { versionHeaders, versionPath } from '../versions/show.ts';
import { linkHeaders, pathOf, SYMLOOP_MAX } from './link.ts';

export const showLink: Show = async (request, found, reading, { trail, lookAt }) => {
  const link = linkOf(found.info.metadata)!;
  const version = versionOfLink(link);
  if (request.query.get('symlink') === 'get' && version === undefined) return { ...asItIs(found), headers: linkHeaders(link) };
  await found.open?.[Symbol.asyncDispose]();
  const target = { account: link.account ?? request.account, container: link.container, object: link.object };
  if (version !== undefined) {
    // The link that a version is in force by is nobody's but the store's: it counts for nothing, and is shown as what it leads to,
    // which never changes.
    const seen = await lookAt({ ...request, ...target }, reading, { ...trail, led: true });
    return { ...seen, headers: { 'Content-Location': versionPath(request, version), ...versionHeaders(version), ...seen.headers } };
  }
  const location = { 'Content-Location': pathOf(target) };
  if (trail.links >= SYMLOOP_MAX) throw new Refusal(409, `Too many levels of symbolic links, maximum allowed is ${SYMLOOP_MAX}`, { 'Content-Type': 'text/plain' });
  const next = { ...trail, links: trail.links + 1, led: true, expects: link.etag };
  try {
    const seen = await lookAt({ ...request, ...target, query: request.query }, reading, next);
    // The last link says where it led.
    return { ...seen, headers: { ...location, ...seen.headers } };
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal === undefined || refusal.status >= 500) throw error;
    throw new Refusal(refusal.status, refusal.body, { ...location, ...refusal.headers });
  }
};

/** POST of an object: replaces its metadata. What is not sent again is gone, but for the Content-Type. */
import { CONTENT_TYPE, linkOf, type Link } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorizeContainer } from '../container/access.ts';
import { checkMetadataHeaders } from '../constraints.ts';
import { dynamicMetadata } from '../dlo/header.ts';
import { empty, type ObjectRequest } from '../request.ts';
import { Refusal } from '../refusal.ts';
import { redirected } from '../symlink/post.ts';
import { postVersion } from '../versions/object.ts';
import { RESERVED } from './checks.ts';
import { checkContentType } from './content-type.ts';
import { expiryMetadata } from './expiry.ts';
import { lastingMetadata, storedMetadata } from './headers.ts';

export async function postObject(request: ObjectRequest): Promise<Response> {
  const { store, account, container, object, exchange } = request;
  await authorizeContainer(request, 'object-write');
  if (request.query.has('version-id')) throw new Refusal(400, 'POST to a specific version is not allowed');
  checkMetadataHeaders('object', exchange.headers);
  if (exchange.header('x-symlink-target') !== undefined) throw new Refusal(400, 'A PUT request is required to set a symlink target', { 'Content-Type': 'text/plain' });
  if (exchange.header('x-static-large-object') !== undefined) throw new Refusal(400, RESERVED);
  const contentType = exchange.header('content-type');
  checkContentType(contentType);
  const metadata = {
    ...storedMetadata(exchange.headers),
    ...expiryMetadata(exchange.headers, store.cluster.clock.nowMs()),
    ...dynamicMetadata(exchange.header('x-object-manifest')),
    ...(contentType === undefined || contentType === '' ? {} : { [CONTENT_TYPE]: contentType }),
  };
  let link: Link | undefined;
  await store.objects.post({ account, container, object }, (current) => {
    link = linkOf(current.metadata);
    return { ...lastingMetadata(current.metadata), ...metadata };
  });
  if (link !== undefined && !(await postVersion(request, link, metadata))) return redirected(account, link);
  return empty(202);
}

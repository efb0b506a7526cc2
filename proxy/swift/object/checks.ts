/** What every upload is asked before its body: names, headers, and the metadata that they make. */
import { CONTENT_TYPE, ifAbsent, type WriteCondition } from '#proxy/core';
import type { Exchange } from '#proxy/edge';
import { checkMetadataHeaders, checkNameLength } from '../constraints.ts';
import { dynamicMetadata } from '../dlo/header.ts';
import { Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';
import { checkContentType, contentTypeOf } from './content-type.ts';
import { expiryMetadata } from './expiry.ts';
import { storedMetadata } from './headers.ts';

/** What is said of a header that only a manifest's PUT may set. */
export const RESERVED = 'X-Static-Large-Object is a reserved header. To create a static large object add query param multipart-manifest=put.';

/** The checks that a body and a copy share; the condition under which the write is to happen, if there is one. */
export function checkPutHeaders({ exchange, object }: ObjectRequest): WriteCondition | undefined {
  checkNameLength('object', object);
  checkMetadataHeaders('object', exchange.headers);
  checkContentType(exchange.header('content-type'));
  const ifNoneMatch = exchange.header('if-none-match');
  if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== '*') throw new Refusal(400, 'If-None-Match only supports *');
  return ifNoneMatch === undefined ? undefined : ifAbsent;
}

export function putMetadata({ exchange, object, store }: ObjectRequest): Record<string, string> {
  return {
    [CONTENT_TYPE]: contentTypeOf(object, exchange.header('content-type'), exchange.header('x-detect-content-type')),
    ...storedMetadata(exchange.headers),
    ...expiryMetadata(exchange.headers, store.cluster.clock.nowMs()),
    ...dynamicMetadata(exchange.header('x-object-manifest')),
  };
}

/** The Etag header, without quotes. */
export function expectedEtag(exchange: Exchange): string | undefined {
  const etag = exchange.header('etag');
  return etag === undefined || etag === '' ? undefined : etag.trim().replace(/^"(.*)"$/, '$1');
}

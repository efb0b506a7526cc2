/** PUT of an object: from the body, or from another object (X-Copy-From: copy.ts). */
import { CONTENT_TYPE } from '#proxy/core';
import type { Exchange, Response } from '#proxy/edge';
import { authorizeContainer } from '../container/access.ts';
import { checkMetadataHeaders, checkNameLength, CONSTRAINTS } from '../constraints.ts';
import { dynamicMetadata } from '../dlo/header.ts';
import { Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';
import { checkContentType, contentTypeOf } from './content-type.ts';
import { copyFrom } from './copy.ts';
import { expiryMetadata } from './expiry.ts';
import { storedMetadata } from './headers.ts';
import { created, writeObject } from './write.ts';

export async function putObject(request: ObjectRequest): Promise<Response> {
  const { exchange } = request;
  const copySource = exchange.header('x-copy-from');
  if (copySource !== undefined && copySource !== '') return copyFrom(request, copySource);
  const container = await authorizeContainer(request, 'object-write');
  if (container === undefined) throw new Refusal(404);
  const onlyIfAbsent = checkPutHeaders(request);
  checkLength(exchange);
  const body = exchange.body(CONSTRAINTS.max_file_size);
  return created(await writeObject(request, container, { body, metadata: putMetadata(request), expectedEtag: expectedEtag(exchange), onlyIfAbsent }));
}

/** The checks that a body and a copy share; whether the write is only to happen where nothing is. */
export function checkPutHeaders({ exchange, object }: ObjectRequest): boolean {
  checkNameLength('object', object);
  checkMetadataHeaders('object', exchange.headers);
  checkContentType(exchange.header('content-type'));
  const ifNoneMatch = exchange.header('if-none-match');
  if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== '*') throw new Refusal(400, 'If-None-Match only supports *');
  return ifNoneMatch !== undefined;
}

export function putMetadata({ exchange, object, store }: ObjectRequest): Record<string, string> {
  return {
    [CONTENT_TYPE]: contentTypeOf(object, exchange.header('content-type'), exchange.header('x-detect-content-type')),
    ...storedMetadata(exchange.headers),
    ...expiryMetadata(exchange.headers, store.cluster.clock.nowMs()),
    ...dynamicMetadata(exchange.header('x-object-manifest')),
  };
}

function checkLength(exchange: Exchange): void {
  if (exchange.chunked) {
    if (exchange.header('transfer-encoding')?.trim().toLowerCase() !== 'chunked') throw new Refusal(501, 'Unsupported Transfer-Coding header value specified in Transfer-Encoding header');
    return;
  }
  if (exchange.contentLength === undefined) throw new Refusal(411, 'Missing Content-Length header.');
  if (exchange.contentLength > CONSTRAINTS.max_file_size) throw new Refusal(413, 'Your request is too large.');
}

function expectedEtag(exchange: Exchange): string | undefined {
  const etag = exchange.header('etag');
  return etag === undefined || etag === '' ? undefined : etag.trim().replace(/^"(.*)"$/, '$1');
}

/** PUT of an object: from the body, or from another object (X-Copy-From: copy.ts). */
import type { Exchange, Response } from '#proxy/edge';
import { authorizeContainer } from '../container/access.ts';
import { putSynced } from '../container-sync/incoming.ts';
import { CONSTRAINTS } from '../constraints.ts';
import { Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';
import { putManifest } from '../slo/put.ts';
import { putLink } from '../symlink/put.ts';
import { restoreVersion } from '../versions/object.ts';
import { checkPutHeaders, expectedEtag, putMetadata, RESERVED } from './checks.ts';
import { copyFrom } from './copy.ts';
import { created, writeObject } from './write.ts';

export async function putObject(request: ObjectRequest): Promise<Response> {
  const { exchange, query, syncedAt } = request;
  if (syncedAt !== undefined) return putSynced(request, syncedAt);
  const manifest = query.get('multipart-manifest') === 'put';
  if (exchange.header('x-static-large-object') !== undefined && !manifest) throw new Refusal(400, RESERVED);
  const copySource = exchange.header('x-copy-from');
  if (copySource !== undefined && copySource !== '') {
    if (manifest) throw new Refusal(405, 'Multipart Manifest PUTs cannot be COPY requests');
    return copyFrom(request, copySource);
  }
  const container = await authorizeContainer(request, 'object-write');
  if (container === undefined) throw new Refusal(404);
  if (manifest) return putManifest(request, container);
  if (query.has('version-id')) return restoreVersion(request, container);
  if (exchange.header('x-symlink-target') !== undefined) return putLink(request, container);
  const condition = checkPutHeaders(request);
  checkLength(exchange);
  const body = exchange.body(CONSTRAINTS.max_file_size);
  return created(await writeObject(request, container, { body, metadata: putMetadata(request), expectedEtag: expectedEtag(exchange), condition }));
}

function checkLength(exchange: Exchange): void {
  if (exchange.chunked) {
    if (exchange.header('transfer-encoding')?.trim().toLowerCase() !== 'chunked') throw new Refusal(501, 'Unsupported Transfer-Coding header value specified in Transfer-Encoding header');
    return;
  }
  if (exchange.contentLength === undefined) throw new Refusal(411, 'Missing Content-Length header.');
  if (exchange.contentLength > CONSTRAINTS.max_file_size) throw new Refusal(413, 'Your request is too large.');
}

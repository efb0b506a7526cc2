/** COPY with Destination, and PUT with X-Copy-From: one object's bytes and metadata to another name, without the client in between. */
import { formatTimestamp } from '#common';
import { formatHttpDate, parseRange, percentEncodePath } from '#common/http';
import { bodyOfBuffer, bodyOfChunks, type Body } from '#common/stream';
import { CONTENT_TYPE, DYNAMIC, linkOf, MANIFEST_ETAG, type ContainerSummary, type WriteCondition } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorizeContainer } from '../container/access.ts';
import { CONSTRAINTS } from '../constraints.ts';
import { dynamicMetadata } from '../dlo/header.ts';
import { Refusal } from '../refusal.ts';
import { isTrue, type ObjectRequest } from '../request.ts';
import { parseManifest } from '../slo/parse.ts';
import { writeManifest } from '../slo/put.ts';
import { writeLink } from '../symlink/put.ts';
import { VERSION_ID } from '../versions/show.ts';
import { carriedMetadata, modifiedSeconds, storedMetadata } from './headers.ts';
import { expiryMetadata } from './expiry.ts';
import { accountHeader, parsePathHeader } from './path-headers.ts';
import { checkPutHeaders } from './checks.ts';
import { lookAt } from './look.ts';
import type { Representation } from './representation.ts';
import { created, writeObject, type Written } from './write.ts';

/** COPY: the request's target is the source. */
export async function copyObject(request: ObjectRequest): Promise<Response> {
  const destination = request.exchange.header('destination');
  if (destination === undefined || destination === '') throw new Refusal(412, 'Destination header required');
  const { container, object } = parsePathHeader('Destination', destination);
  const account = accountHeader(request, 'destination-account');
  return copy(request, { ...request, account, container, object });
}

/** PUT with X-Copy-From: the request's target is the destination. */
export async function copyFrom(request: ObjectRequest, header: string): Promise<Response> {
  if ((request.exchange.contentLength ?? 0) > 0 || request.exchange.chunked) throw new Refusal(400, 'Copy requests require a zero byte body', { 'Content-Type': 'text/plain' });
  const { container, object } = parsePathHeader('X-Copy-From', header);
  const account = accountHeader(request, 'x-copy-from-account');
  return copy({ ...request, account, container, object }, request);
}

async function copy(source: ObjectRequest, destination: ObjectRequest): Promise<Response> {
  await using seen = await lookAt(manifestItself(source), 'get');
  const container = await authorizeContainer(destination, 'object-write');
  if (container === undefined) throw new Refusal(404);
  const condition = checkPutHeaders(destination);
  // Of a source whose length nobody knows, nobody knows whether it may be stored as one object.
  if (seen.sizeBytes === undefined || seen.sizeBytes > CONSTRAINTS.max_file_size) throw new Refusal(413);
  const metadata = copiedMetadata(source, destination, seen);
  const written = await writeCopy({ source, destination, container }, seen, { metadata, condition });
  return created({ ...written, headers: { ...copyHeaders(source, destination, seen, written), ...written.headers } });
}

/** Writes what was seen: a link or a manifest where it is itself to be copied, else bytes. */
function writeCopy({ source, destination, container }: Copying, seen: Representation, upload: { metadata: Record<string, string>; condition: WriteCondition | undefined }): Promise<Written> {
  const link = source.query.get('symlink') === 'get' ? linkOf(seen.info.metadata) : undefined;
  if (link !== undefined) {
    const account = destination.exchange.header('x-symlink-target-account') === undefined ? link.account : accountHeader(destination, 'x-symlink-target-account');
    return writeLink(destination, container, { link: { ...link, account }, ...upload });
  }
  if (isManifestItself(source) && seen.info.metadata[MANIFEST_ETAG] !== undefined) {
    return writeManifest(destination, container, { segments: parseManifest(seen.data!.toString('utf8'), `${destination.container}/${destination.object}`), ...upload });
  }
  return writeObject(destination, container, { body: bodyOf(source, seen, seen.sizeBytes!), ...upload });
}

interface Copying {
  readonly source: ObjectRequest;
  readonly destination: ObjectRequest;
  readonly container: ContainerSummary;
}

function isManifestItself({ query }: ObjectRequest): boolean {
  return query.get('multipart-manifest') === 'get';
}

/** Of a manifest that is itself to be copied, what can be put again: its segments are those of the new account. */
function manifestItself(source: ObjectRequest): ObjectRequest {
  return isManifestItself(source) ? { ...source, query: new Map([...source.query, ['format', 'raw']]) } : source;
}

function copyHeaders(source: ObjectRequest, destination: ObjectRequest, { info, headers }: Representation, { timestamp }: Written): Record<string, string> {
  return {
    'X-Copied-From': percentEncodePath(`${source.container}/${source.object}`),
    'X-Copied-From-Account': percentEncodePath(source.account),
    'X-Copied-From-Last-Modified': formatHttpDate(modifiedSeconds(info)),
    'X-Timestamp': formatTimestamp(timestamp),
    ...(headers[VERSION_ID] === undefined ? {} : { 'X-Copied-From-Version-Id': String(headers[VERSION_ID]) }),
    ...shownMetadata(destination.exchange.headers),
  };
}

/** The source's bytes, or the range of them that the request names. */
function bodyOf({ exchange }: ObjectRequest, { data, read, part }: Representation, sizeBytes: number): Body {
  const header = exchange.header('range');
  const ranges = part === 'none' ? [] : part !== undefined ? [part] : header === undefined ? undefined : parseRange(header, sizeBytes);
  if (ranges?.length === 0) throw new Refusal(416);
  const { start, end } = ranges?.[0] ?? { start: 0, end: sizeBytes };
  if (data !== undefined) return bodyOfBuffer(data.subarray(start, end));
  return start === end ? bodyOfBuffer(Buffer.alloc(0)) : bodyOfChunks(read(start, end), end - start);
}

/** The source's metadata (unless fresh is asked for) under what the request sets. */
function copiedMetadata(source: ObjectRequest, destination: ObjectRequest, { info, contentType }: Representation): Record<string, string> {
  const { exchange, store } = destination;
  const fresh = isTrue(exchange.header('x-fresh-metadata'));
  const given = exchange.header('content-type');
  const keepManifest = isManifestItself(source) && info.metadata[DYNAMIC] !== undefined;
  return {
    ...(fresh ? {} : carriedMetadata(info.metadata)),
    [CONTENT_TYPE]: given === undefined || given === '' ? contentType : given,
    ...storedMetadata(exchange.headers),
    ...expiryMetadata(exchange.headers, store.cluster.clock.nowMs()),
    ...(keepManifest ? { [DYNAMIC]: info.metadata[DYNAMIC]! } : {}),
    ...dynamicMetadata(exchange.header('x-object-manifest')),
  };
}

function shownMetadata(headers: ObjectRequest['exchange']['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (name.startsWith('x-object-meta-') && typeof value === 'string' ? [[name, value]] : [])));
}

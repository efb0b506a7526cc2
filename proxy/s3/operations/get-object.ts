/** GetObject and HeadObject: whole, a range, or a part of a multipart object; conditional. */
import { evaluateConditions, parseRange, formatHttpDate, type ByteRange } from '#common/http';
import { begun } from '#common/stream';
import { partBytes, type ManifestEntry } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { S3Error } from '../errors.ts';
import { checksumOfType } from '../multipart/upload.ts';
import { checksumHeader, checksumHeaders, checksumOf } from '../object/checksum.ts';
import { conditionsOf } from '../object/conditions.ts';
import { refuseOnRead } from '../object/encryption.ts';
import { lookAt, READING, type Seen } from '../object/look.ts';
import { shownMetadata } from '../object/metadata.ts';
import { versionHeader } from '../object/write.ts';
import type { ObjectRequest, Query } from '../request.ts';
import { expirationHeader } from '../object/expiration.ts';

export async function getObject(request: ObjectRequest): Promise<Response> {
  refuseOnRead(request.exchange);
  return show(request, await lookAt(request, { reading: 'get', ...READING }));
}

export async function headObject(request: ObjectRequest): Promise<Response> {
  refuseOnRead(request.exchange);
  // The parts of an object are known only to who opens it.
  const reading = request.query.has('partNumber') ? 'get' : 'head';
  return show(request, await lookAt(request, { reading, ...READING }));
}

async function show(request: ObjectRequest, seen: Seen): Promise<Response> {
  const release = (): Promise<void> => Promise.resolve(seen[Symbol.asyncDispose]());
  try {
    const response = answer(request, seen);
    if (response.body === undefined || typeof response.body === 'string' || Buffer.isBuffer(response.body) || request.exchange.method === 'HEAD') {
      await release();
      return response;
    }
    if (!seen.made) return { ...response, release };
    const started = await begun(response.body);
    return { ...response, body: started.body, release: () => started.close().finally(release) };
  } catch (error) {
    await release();
    throw error;
  }
}

function answer(request: ObjectRequest, seen: Seen): Response {
  const { exchange, query } = request;
  const headers = headersOf(request, seen);
  const verdict = evaluateConditions(conditionsOf(exchange), { etags: [seen.etag], modifiedSeconds: seen.modifiedSeconds });
  if (verdict === 'precondition-failed') throw new S3Error('PreconditionFailed');
  if (verdict === 'not-modified') return { status: 304, headers: { ETag: headers['ETag']!, 'Last-Modified': headers['Last-Modified']!, 'Accept-Ranges': 'bytes', ...versionHeader(seen.versionId) } };
  const part = query.get('partNumber');
  if (part !== undefined && exchange.header('range') !== undefined) throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  const range = part === undefined ? rangeOf(exchange.header('range'), seen.sizeBytes) : partRange(part, seen);
  const count = part === undefined ? undefined : seen.parts?.length;
  if (count !== undefined) headers['x-amz-mp-parts-count'] = count;
  if (range === undefined) return { status: 200, headers: { ...headers, 'Content-Length': seen.sizeBytes }, body: bytesOf(seen, 0, seen.sizeBytes) };
  const { start, end } = range;
  if (start > 0 || end < seen.sizeBytes) keepChecksumOf(headers, part === undefined ? undefined : seen.entries?.[Number(part) - 1]);
  return { status: 206, headers: { ...headers, 'Content-Length': end - start, 'Content-Range': `bytes ${start}-${end - 1}/${seen.sizeBytes}` }, body: bytesOf(seen, start, end) };
}

/** What is not the whole has not the whole's checksum: a part has its own, other ranges have none. */
function keepChecksumOf(headers: Record<string, string | number>, entry: ManifestEntry | undefined): void {
  const shown = Object.keys(headers).filter((name) => name.startsWith('x-amz-checksum-'));
  if (shown.length === 0) return;
  const type = headers['x-amz-checksum-type']!;
  for (const name of shown) delete headers[name];
  const own = entry === undefined || 'data' in entry ? undefined : checksumOfType(entry.content_type);
  if (own !== undefined) Object.assign(headers, { [checksumHeader(own.algorithm)]: own.value, 'x-amz-checksum-type': type });
}

function bytesOf({ data, read }: Seen, start: number, end: number): Buffer | AsyncIterable<Buffer> {
  if (data !== undefined) return start === 0 && end === data.length ? data : data.subarray(start, end);
  return start === end ? Buffer.alloc(0) : read(start, end);
}

/** The one range asked for; undefined for the whole: where the header cannot be read, or asks for several. */
function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const ranges = header === undefined ? undefined : parseRange(header, sizeBytes);
  if (ranges === undefined || ranges.length > 1) return undefined;
  const [range] = ranges;
  if (range === undefined) throw unsatisfiable(header!, sizeBytes);
  return range;
}

function unsatisfiable(header: string, sizeBytes: number): S3Error {
  return new S3Error('InvalidRange', undefined, { RangeRequested: header, ActualObjectSize: String(sizeBytes) }, { 'Content-Range': `bytes */${sizeBytes}` });
}

function partRange(text: string, { parts, sizeBytes }: Seen): ByteRange | undefined {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 10_000) throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', { ArgumentName: 'partNumber', ArgumentValue: text });
  const number = Number(text);
  if (parts === undefined) {
    if (number > 1) throw invalidPartNumber(number, 1);
    return sizeBytes === 0 ? undefined : { start: 0, end: sizeBytes };
  }
  const part = parts[number - 1];
  if (part === undefined) throw invalidPartNumber(number, parts.length);
  const start = parts.slice(0, number - 1).reduce((sum, before) => sum + partBytes(before), 0);
  return { start, end: start + partBytes(part) };
}

function invalidPartNumber(number: number, count: number): S3Error {
  return new S3Error('InvalidPartNumber', undefined, { PartNumberRequested: String(number), ActualPartCount: String(count) });
}

const OVERRIDES: readonly (readonly [parameter: string, header: string])[] = [
  ['response-content-type', 'Content-Type'],
  ['response-content-language', 'Content-Language'],
  ['response-expires', 'Expires'],
  ['response-cache-control', 'Cache-Control'],
  ['response-content-disposition', 'Content-Disposition'],
  ['response-content-encoding', 'Content-Encoding'],
];

function headersOf(request: ObjectRequest, { info, etag, modifiedSeconds, versionId, sizeBytes }: Seen): Record<string, string | number> {
  const { exchange, query, caller } = request;
  const headers: Record<string, string | number> = {
    ...shownMetadata(info.metadata),
    ETag: `"${etag}"`,
    'Last-Modified': formatHttpDate(modifiedSeconds),
    'Accept-Ranges': 'bytes',
    ...versionHeader(versionId),
    ...expirationHeader(request.bucket, { key: request.key, bytes: sizeBytes, timestamp: info.timestamp, metadata: info.metadata }),
  };
  if (exchange.header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED') Object.assign(headers, checksumHeaders(checksumOf(info.metadata)));
  if (query.size > 0) override(headers, query, caller !== undefined);
  return headers;
}

/** Only who signed may choose what the answer says of itself: a link could make a page of ours say what its maker likes. */
function override(headers: Record<string, string | number>, query: Query, signed: boolean): void {
  for (const [parameter, header] of OVERRIDES) {
    const value = query.get(parameter);
    if (value === undefined) continue;
    if (!signed) throw new S3Error('InvalidRequest', 'Request specific response headers cannot be used for anonymous GET requests.');
    if (/[\r\n]/.test(value)) throw new S3Error('InvalidArgument', undefined, { ArgumentName: parameter });
    headers[header] = Buffer.from(value, 'utf8').toString('latin1');
  }
}

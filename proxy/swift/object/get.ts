/** GET and HEAD of an object: whole, a range, or several; conditional. */
import { isStoreError } from '#common';
import { evaluateConditions, formatHttpDate, matchesEtag, parseHttpDate, parseRange, type ByteRange } from '#common/http';
import { begun } from '#common/stream';
import type { Exchange, Response } from '#proxy/edge';
import { page, HTML, Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';
import { modifiedSeconds, objectHeaders } from './headers.ts';
import { multipartAnswer } from './multipart.ts';
import { lookAt } from './look.ts';
import type { Representation } from './representation.ts';

export async function getObject(request: ObjectRequest): Promise<Response> {
  const { exchange } = request;
  try {
    return await show(exchange, await lookAt(request, exchange.method === 'HEAD' ? 'head' : 'get'));
  } catch (error) {
    // Where there is no object, nothing matches: If-Match fails before the object is missed.
    if (exchange.header('if-match') !== undefined && isStoreError(error, 'object-not-found')) throw new Refusal(412);
    throw error;
  }
}

/** The answer that shows a representation, which it disposes. */
async function show(exchange: Exchange, representation: Representation): Promise<Response> {
  const release = (): Promise<void> => Promise.resolve(representation[Symbol.asyncDispose]());
  try {
    const response = answer(exchange, representation);
    const { body } = response;
    if (typeof body !== 'object' || Buffer.isBuffer(body) || exchange.method === 'HEAD') {
      await release();
      return response;
    }
    if (!representation.unproven) return { ...response, release };
    const started = await begun(body);
    return { ...response, body: started.body, release: () => started.close().then(release) };
  } catch (error) {
    await release();
    throw error;
  }
}

const NO_SUCH_PART = 'The requested part number is not satisfiable';

function answer(exchange: Exchange, representation: Representation): Response {
  const { info, sizeBytes, etag } = representation;
  const headers = objectHeaders(info);
  for (const name in representation.headers) headers[name] = representation.headers[name]!;
  headers['Content-Type'] = representation.contentType;
  if (etag === undefined) delete headers['Etag'];
  else headers['Etag'] = etag;
  const verdict = evaluateConditions(conditionsOf(exchange), { etags: etag === undefined ? [] : [etag.replaceAll('"', '')], modifiedSeconds: modifiedSeconds(info) }, true);
  if (verdict === 'not-modified') return { status: 304, headers };
  if (verdict === 'precondition-failed') return { status: 412, headers: { ...headers, 'Content-Type': HTML }, body: page(412) };
  if (sizeBytes === undefined) return ofUnknownLength(exchange, representation, headers);
  const { part } = representation;
  const ranges = part === undefined ? rangesOf(exchange, representation, sizeBytes) : part === 'none' ? [] : [part];
  if (ranges === undefined || (ranges.length > 1 && !representation.multipleRanges)) {
    headers['Content-Length'] = sizeBytes;
    return { status: 200, headers, body: bodyOf(representation, 0, sizeBytes) };
  }
  if (ranges.length === 0 && part === 'none') return { status: 416, headers: { ...headers, 'Content-Type': HTML, 'Content-Range': `bytes */${sizeBytes}` }, body: NO_SUCH_PART };
  if (ranges.length === 0) {
    return { status: 416, headers: { ...headers, 'Content-Type': HTML, 'Content-Range': `bytes */${sizeBytes}` }, body: page(416) };
  }
  if (ranges.length > 1) return multipartAnswer(representation, { sizeBytes, ranges, headers });
  const [{ start, end }] = ranges as [ByteRange];
  headers['Content-Length'] = end - start;
  headers['Content-Range'] = `bytes ${start}-${end - 1}/${sizeBytes}`;
  return { status: 206, headers, body: bodyOf(representation, start, end) };
}

/** The whole, in chunks; or one range, where it lies within what is known to be there. */
function ofUnknownLength(exchange: Exchange, representation: Representation, headers: Record<string, string | number>): Response {
  const { leastBytes = 0, read } = representation;
  const ranges = rangesOf(exchange, representation, Infinity) ?? [];
  const [range] = ranges;
  if (range === undefined || ranges.length > 1 || range.end > leastBytes) return { status: 200, headers, body: read(0, Infinity) };
  headers['Content-Length'] = range.end - range.start;
  headers['Content-Range'] = `bytes ${range.start}-${range.end - 1}/*`;
  return { status: 206, headers, body: read(range.start, range.end) };
}

function bodyOf({ data, read }: Representation, start: number, end: number): Buffer | AsyncIterable<Buffer> {
  if (data !== undefined) return start === 0 && end === data.length ? data : data.subarray(start, end);
  return start === end ? Buffer.alloc(0) : read(start, end);
}

/** The ranges asked for; undefined for the whole. A HEAD and a failed If-Range show the whole. */
function rangesOf(exchange: Exchange, { etag, info }: Representation, sizeBytes: number): ByteRange[] | undefined {
  const header = exchange.header('range');
  if (header === undefined || exchange.method === 'HEAD') return undefined;
  const ifRange = exchange.header('if-range');
  if (ifRange !== undefined) {
    const date = parseHttpDate(ifRange);
    const same = date === undefined ? etag !== undefined && matchesEtag(ifRange, [etag.replaceAll('"', '')]) : formatHttpDate(date) === formatHttpDate(modifiedSeconds(info));
    if (!same) return undefined;
  }
  return parseRange(header, sizeBytes);
}

function conditionsOf(exchange: Exchange): Parameters<typeof evaluateConditions>[0] {
  return {
    ifMatch: exchange.header('if-match'),
    ifNoneMatch: exchange.header('if-none-match'),
    ifModifiedSince: exchange.header('if-modified-since'),
    ifUnmodifiedSince: exchange.header('if-unmodified-since'),
  };
}

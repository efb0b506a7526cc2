/** GET and HEAD of an object: whole, a range, or several; conditional. */
import { evaluateConditions, formatHttpDate, matchesEtag, parseHttpDate, parseRange, type ByteRange } from '#common/http';
import type { Exchange, Response } from '#proxy/edge';
import { authorizeContainer } from '../container/access.ts';
import { page, HTML, Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';
import { modifiedSeconds, objectHeaders } from './headers.ts';
import { multipartAnswer } from './multipart.ts';
import { represent, type Representation } from './representation.ts';

export async function getObject(request: ObjectRequest): Promise<Response> {
  const { store, account, container, object, exchange } = request;
  await authorizeContainer(request, 'object-read');
  const target = { account, container, object };
  try {
    if (exchange.method === 'HEAD') {
      const info = await store.objects.head(target);
      return answer(exchange, await represent(request, info, undefined));
    }
    const open = await store.objects.get(target);
    const release = (): Promise<void> => Promise.resolve(open[Symbol.asyncDispose]());
    try {
      const response = answer(exchange, await represent(request, open.info, open));
      if (typeof response.body === 'object' && !Buffer.isBuffer(response.body)) return { ...response, release };
      await release();
      return response;
    } catch (error) {
      await release();
      throw error;
    }
  } catch (error) {
    // Where there is no object, nothing matches: If-Match fails before the object is missed.
    if (exchange.header('if-match') !== undefined && isMissing(error)) throw new Refusal(412);
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'object-not-found';
}

function answer(exchange: Exchange, representation: Representation): Response {
  const { info, sizeBytes, etag } = representation;
  const headers = objectHeaders(info);
  headers['Etag'] = etag;
  const verdict = evaluateConditions(conditionsOf(exchange), { etags: [etag.replaceAll('"', '')], modifiedSeconds: modifiedSeconds(info) }, true);
  if (verdict === 'not-modified') return { status: 304, headers };
  if (verdict === 'precondition-failed') return { status: 412, headers: { ...headers, 'Content-Type': HTML }, body: page(412) };
  const ranges = rangesOf(exchange, representation);
  if (ranges === undefined) return whole(representation, headers);
  if (ranges.length === 0) {
    return { status: 416, headers: { ...headers, 'Content-Type': HTML, 'Content-Range': `bytes */${sizeBytes}` }, body: page(416) };
  }
  // The segments of a manifest are read one after the other: several ranges of it are answered by the whole.
  if (ranges.length > 1 && representation.segmented) return whole(representation, headers);
  if (ranges.length > 1) return multipartAnswer(representation, ranges, headers);
  const [{ start, end }] = ranges as [ByteRange];
  headers['Content-Length'] = end - start;
  headers['Content-Range'] = `bytes ${start}-${end - 1}/${sizeBytes}`;
  return { status: 206, headers, body: bodyOf(representation, start, end) };
}

function whole(representation: Representation, headers: Record<string, string | number>): Response {
  headers['Content-Length'] = representation.sizeBytes;
  return { status: 200, headers, body: bodyOf(representation, 0, representation.sizeBytes) };
}

function bodyOf({ data, read }: Representation, start: number, end: number): Buffer | AsyncIterable<Buffer> {
  if (data !== undefined) return start === 0 && end === data.length ? data : data.subarray(start, end);
  return start === end ? Buffer.alloc(0) : read(start, end);
}

/** The ranges asked for; undefined for the whole. A HEAD and a failed If-Range show the whole. */
function rangesOf(exchange: Exchange, { sizeBytes, etag, info }: Representation): ByteRange[] | undefined {
  const header = exchange.header('range');
  if (header === undefined || exchange.method === 'HEAD') return undefined;
  const ifRange = exchange.header('if-range');
  if (ifRange !== undefined) {
    const date = parseHttpDate(ifRange);
    const same = date === undefined ? matchesEtag(ifRange, [etag.replaceAll('"', '')]) : formatHttpDate(date) === formatHttpDate(modifiedSeconds(info));
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

/** Many deletes in one request (Swift's "Bulk delete"): a name a line, percent-encoded; objects first, then containers. */
import { percentDecode } from '#common/http';
import type { Body } from '#common/stream';
import { concurrently, isStoreError } from '#common';
import type { Response } from '#proxy/edge';
import { deleteContainer } from '../container/delete.ts';
import { asRefusal } from '../errors.ts';
import { removeObject } from '../object/delete.ts';
import { Refusal, statusLine } from '../refusal.ts';
import { whileWorking } from '../report/keep-alive.ts';
import { reportFormat, type ReportFormat } from '../report/report.ts';
import type { SwiftRequest } from '../request.ts';
import { BULK_DELETE, CONCURRENCY } from './limits.ts';
import { Outcome } from './outcome.ts';

const DELETED = 'Number Deleted';
const NOT_FOUND = 'Number Not Found';

/** Names in encoded form may be three times as long, and lines are separated by a byte. */
const MAX_LINE = 2 * (1024 + 256 + 2);
const MAX_BODY_BYTES = BULK_DELETE.max_deletes_per_request * (MAX_LINE + 2);

/** Something to delete: an object, of which perhaps only a version, or a container. */
export interface Doomed {
  /** `container[/object]`. */
  readonly name: string;
  readonly versionId?: string | undefined;
}

/** Yields what is to be deleted; what cannot be named it notes as failed. */
export type DoomedSource = (outcome: Outcome) => Iterable<readonly Doomed[]> | AsyncIterable<readonly Doomed[]>;

export function bulkDelete(request: SwiftRequest): Response {
  const { exchange } = request;
  const lengthless = exchange.contentLength === undefined && !exchange.chunked;
  const contentType = exchange.header('content-type') ?? '';
  // Asked for now: the client may be waiting to be told to send it.
  const body = exchange.body(MAX_BODY_BYTES);
  return reportDeletes(request, async function* (outcome) {
    if (contentType !== '' && !contentType.startsWith('text/plain')) throw new Refusal(406);
    if (lengthless) throw new Refusal(411);
    const names = await namesOf(body, outcome);
    const isObject = (name: string): boolean => name.replace(/^\/+|\/+$/g, '').includes('/');
    yield names.filter(isObject).map((name) => ({ name }));
    yield names.filter((name) => !isObject(name)).map((name) => ({ name }));
  });
}

/** The answer that deletes, batch after batch, and ends with a report. */
export function reportDeletes(request: SwiftRequest, source: DoomedSource): Response {
  const accepted = reportFormat(request.exchange.header('accept'));
  const format = accepted ?? 'text/plain';
  const work = (signal: AbortSignal): Promise<string> => deleteAll(request, source, { format, acceptable: accepted !== undefined, signal });
  return { status: 200, headers: { 'Content-Type': format }, body: whileWorking(work, { format, atOnce: false }), readsBody: true };
}

async function deleteAll(request: SwiftRequest, source: DoomedSource, { format, acceptable, signal }: { format: ReportFormat; acceptable: boolean; signal: AbortSignal }): Promise<string> {
  const outcome = new Outcome([DELETED, NOT_FOUND], BULK_DELETE.max_failed_deletes);
  try {
    if (!acceptable) throw new Refusal(406);
    for await (const batch of source(outcome)) {
      const enough = new AbortController();
      await concurrently(
        batch,
        CONCURRENCY,
        async (doomed) => {
          await deleteOne(request, doomed, outcome);
          if (outcome.full) enough.abort();
        },
        AbortSignal.any([signal, enough.signal]),
      );
      if (outcome.full) throw new Refusal(400, 'Max delete failures exceeded');
    }
    return outcome.report(format, 'delete', { done: 200, nothing: 'Invalid bulk delete.' });
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal === undefined) request.store.cluster.log.error({ err: error, txn: request.exchange.transactionId }, 'a bulk delete failed');
    return outcome.reportFault(format, 'delete', refusal ?? new Refusal(500));
  }
}

async function deleteOne(request: SwiftRequest, { name, versionId }: Doomed, outcome: Outcome): Promise<void> {
  const path = name.replace(/^\/+/, '');
  const slash = path.indexOf('/');
  const container = slash < 0 ? path : path.slice(0, slash);
  const object = slash < 0 ? '' : path.slice(slash + 1);
  try {
    const query: ReadonlyMap<string, string> = new Map(versionId === undefined ? [] : [['version-id', versionId]]);
    if (object === '') await deleteContainer({ ...request, container, object: undefined, query });
    else await removeObject({ ...request, container, object, query });
    outcome.count(DELETED);
  } catch (error) {
    if (isStoreError(error, 'object-not-found', 'container-not-found') || (error instanceof Refusal && error.status === 404)) outcome.count(NOT_FOUND);
    else outcome.fail(name, error);
  }
}

/** The names in a body; those that are no names are noted. Throws for more than may be deleted at once. */
async function namesOf(body: Body, outcome: Outcome): Promise<string[]> {
  const names: string[] = [];
  for await (const line of linesOf(body)) {
    if (line.trim() === '') continue;
    const name = percentDecode(line.trim());
    if (names.length >= BULK_DELETE.max_deletes_per_request) throw new Refusal(413, `Maximum Bulk Deletes: ${BULK_DELETE.max_deletes_per_request} per request`);
    if (name === undefined || name.includes('\0')) outcome.fail(line.trim(), statusLine(412));
    else names.push(name);
  }
  return names;
}

/** Lines as latin-1 text, one character a byte. */
async function* linesOf(body: Body): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of body.chunks()) {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > MAX_LINE) throw new Refusal(400, 'Invalid File Name');
  }
  yield rest;
}

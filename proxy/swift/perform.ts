/** One operation, and what its answer passes on the way out. Features that ask several things for one request ask them here. */
import { isStoreError } from '#common';
import type { Response } from '#proxy/edge';
import { withCors } from './cors/index.ts';
import { refusalOf } from './errors.ts';
import { quotesEtags, withQuotedEtag } from './etag-quoting/index.ts';
import { refuseReadOnly } from './read-only.ts';
import { page, HTML, Refusal } from './refusal.ts';
import { WRITES, type SwiftRequest } from './request.ts';
import { route } from './routes.ts';

/** The answer of the operation that a request names. Throws what is refused. */
export function perform(request: SwiftRequest): Promise<Response> {
  const origin = request.exchange.header('origin');
  if (origin === undefined || request.container === undefined || request.exchange.method === 'OPTIONS') return operate(request);
  return shaped(request, () => operate(request)).then((response) => withCors(request, origin, response));
}

async function operate(request: SwiftRequest): Promise<Response> {
  if (WRITES.has(request.exchange.method)) {
    const asking = refuseReadOnly(request);
    if (asking !== undefined) await asking;
  }
  const response = await route(request);
  const { object, settings, notes, accounts, account } = request;
  if (object === undefined || !settings.etagQuoting.enabled || notes.summary === undefined) return response;
  const ofAccount = accounts.peek(account) ?? (await accounts.metadata(account));
  return quotesEtags(notes.summary.metadata, ofAccount, settings.etagQuoting.byDefault) ? withQuotedEtag(response) : response;
}

/** The answer of some work, also where it is refused or fails. */
export async function shaped({ exchange, store }: Pick<SwiftRequest, 'exchange' | 'store'>, work: () => Promise<Response>): Promise<Response> {
  const { log } = store.cluster;
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, headers: error.headers, body: error.body };
    if (isStoreError(error)) {
      const refusal = refusalOf(error);
      if (refusal.status >= 500) log.error({ err: error, txn: exchange.transactionId }, 'the store could not do it');
      return { status: refusal.status, headers: refusal.headers, body: refusal.body };
    }
    log.error({ err: error, txn: exchange.transactionId }, 'a fault of ours');
    return { status: 500, headers: { 'Content-Type': HTML }, body: page(500) };
  }
}

/**
 * ETags in quotes, as RFC 9110 has them and Swift by default has not: asked for by an account or a container
 * (`X-Account-Rfc-Compliant-Etags`, `X-Container-Rfc-Compliant-Etags`), the container's word before the account's.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { SYSTEM_PREFIX } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { isTrue } from '../is-true.ts';

/** The metadata name under which accounts and containers keep it. */
export const QUOTED_ETAGS = `${SYSTEM_PREFIX}rfc-compliant-etags`;

type Level = 'account' | 'container';

/** What a PUT or POST changes of it; an empty value removes. */
export function quotingChanges(level: Level, headers: IncomingHttpHeaders): Record<string, string> {
  const removed = headers[`x-remove-${level}-rfc-compliant-etags`];
  if (removed !== undefined && removed !== '') return { [QUOTED_ETAGS]: '' };
  const value = headers[`x-${level}-rfc-compliant-etags`];
  if (typeof value !== 'string') return {};
  return { [QUOTED_ETAGS]: value === '' ? '' : isTrue(value) ? 'True' : 'False' };
}

export function quotingHeaders(level: Level, metadata: Readonly<Record<string, string>>): Record<string, string> {
  const value = metadata[QUOTED_ETAGS];
  return value === undefined ? {} : { [level === 'account' ? 'X-Account-Rfc-Compliant-Etags' : 'X-Container-Rfc-Compliant-Etags']: value };
}

/** Whether ETags of objects here are quoted. */
export function quotesEtags(container: Readonly<Record<string, string>>, account: Readonly<Record<string, string>>, byDefault: boolean): boolean {
  const flag = container[QUOTED_ETAGS] ?? account[QUOTED_ETAGS];
  return flag === undefined ? byDefault : isTrue(flag);
}

/** The answer with its ETag in quotes. */
export function withQuotedEtag(response: Response): Response {
  const etag = response.headers['Etag'];
  if (typeof etag !== 'string' || etag === '' || (/^(?:W\/)?"/.test(etag) && etag.endsWith('"'))) return response;
  return { ...response, headers: { ...response.headers, Etag: `"${etag}"` } };
}

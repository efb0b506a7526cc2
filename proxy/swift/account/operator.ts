/**
 * What operators decide of one account. Swift takes it only from a client of its account servers; here a reseller admin says it in a POST
 * of the account, in the same words, and nobody else sees it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { SYSTEM_PREFIX } from '#proxy/core';

/** `true` refuses writes, `false` allows them where the cluster is read-only. */
export const READ_ONLY = `${SYSTEM_PREFIX}read-only`;
/** Writes a second, or WHITELIST, or BLACKLIST. */
export const WRITE_RATE = `${SYSTEM_PREFIX}global-write-ratelimit`;

const HEADERS = [['X-Account-Sysmeta-Read-Only', READ_ONLY], ['X-Account-Sysmeta-Global-Write-Ratelimit', WRITE_RATE]] as const;

/** What a POST changes of it; nothing where the caller is no reseller admin. */
export function operatorChanges(headers: IncomingHttpHeaders, isAdmin: boolean): Record<string, string> {
  if (!isAdmin) return {};
  return Object.fromEntries(HEADERS.flatMap(([header, key]) => {
    const value = headers[header.toLowerCase()];
    return typeof value === 'string' ? [[key, value]] : [];
  }));
}

export function operatorHeaders(metadata: Readonly<Record<string, string>>, isAdmin: boolean): Record<string, string> {
  if (!isAdmin) return {};
  return Object.fromEntries(HEADERS.flatMap(([header, key]) => (metadata[key] === undefined ? [] : [[header, metadata[key]]])));
}

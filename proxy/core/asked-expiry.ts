/** X-Delete-At and X-Delete-After: when an object is to be gone, as clients of either dialect ask for it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Metadata } from '#storage-node/protocol';
import { DELETE_AT } from './metadata.ts';

/** The last second that has ten digits. */
const LATEST = 9_999_999_999;

/** The metadata that the headers ask for, seconds since the epoch or nothing; or what is wrong with them: no number, or past. */
export function askedExpiry(headers: IncomingHttpHeaders, nowMs: number): { readonly metadata: Metadata } | { readonly fault: string } {
  const after = headers['x-delete-after'];
  if (typeof after === 'string' && after !== '') {
    if (!INTEGER.test(after)) return { fault: 'Non-integer X-Delete-After' };
    if (Number(after) < 0) return { fault: 'X-Delete-After in past' };
    return { metadata: { [DELETE_AT]: String(Math.min(Math.floor(nowMs / 1000) + Number(after), LATEST)) } };
  }
  const at = headers['x-delete-at'];
  if (typeof at !== 'string' || at === '') return { metadata: {} };
  if (!INTEGER.test(at)) return { fault: 'Non-integer X-Delete-At' };
  const seconds = Math.min(Number(at), LATEST);
  return seconds * 1000 < nowMs ? { fault: 'X-Delete-At in past' } : { metadata: { [DELETE_AT]: String(seconds) } };
}

const INTEGER = /^\s*[+-]?\d+\s*$/;

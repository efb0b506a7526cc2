/** X-Delete-At and X-Delete-After: when an object is to be gone. */
import type { IncomingHttpHeaders } from 'node:http';
import { DELETE_AT } from '#proxy/core';
import { Refusal } from '../refusal.ts';

const LATEST = 9_999_999_999;

/** The metadata that the headers ask for: `X-Delete-At` in seconds since the epoch, or nothing. Refuses what is no number, or past. */
export function expiryMetadata(headers: IncomingHttpHeaders, nowMs: number): Record<string, string> {
  const after = headers['x-delete-after'];
  if (typeof after === 'string' && after !== '') {
    const seconds = integer(after, 'Non-integer X-Delete-After');
    if (seconds < 0) throw new Refusal(400, 'X-Delete-After in past');
    return { [DELETE_AT]: String(Math.min(Math.floor(nowMs / 1000) + seconds, LATEST)) };
  }
  const at = headers['x-delete-at'];
  if (typeof at !== 'string' || at === '') return {};
  const seconds = Math.min(integer(at, 'Non-integer X-Delete-At'), LATEST);
  if (seconds * 1000 < nowMs) throw new Refusal(400, 'X-Delete-At in past');
  return { [DELETE_AT]: String(seconds) };
}

function integer(text: string, refusal: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw new Refusal(400, refusal);
  return Number(text);
}

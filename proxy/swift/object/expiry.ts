/** When an object is to be gone, refused in Swift's words. */
import type { IncomingHttpHeaders } from 'node:http';
import { askedExpiry } from '#proxy/core';
import type { Metadata } from '#storage-node/protocol';
import { Refusal } from '../refusal.ts';

export function expiryMetadata(headers: IncomingHttpHeaders, nowMs: number): Metadata {
  const asked = askedExpiry(headers, nowMs);
  if ('fault' in asked) throw new Refusal(400, asked.fault);
  return asked.metadata;
}

/** When an object will end, by a lifecycle rule or by the time that it was given itself, as Swift's clients do: asked for, and shown. */
import { timestampToMs, type Timestamp } from '#common';
import { askedExpiry, DELETE_AT } from '#proxy/core';
import type { Exchange } from '#proxy/edge';
import type { Metadata } from '#storage-node/protocol';
import type { Bucket } from '../bucket/bucket.ts';
import { expiresAt, hasTags, isFor, lifecycleOf } from '../lifecycle/due.ts';
import { S3Error } from '../errors.ts';
import { tagsOf } from './metadata.ts';

/** What the answers of Swift's s3api name as the rule. */
const OWN_RULE = 'swift-object-expiration';

/** The time that the headers give a new object, as its metadata. */
export function ownExpiration({ headers }: Exchange, nowMs: number): Metadata {
  const asked = askedExpiry(headers, nowMs);
  if ('fault' in asked) throw new S3Error('InvalidArgument', asked.fault);
  return asked.metadata;
}

/** Of what will end it, the first to do so. */
export function expirationHeader(bucket: Bucket, object: { key: string; bytes: number; timestamp: Timestamp; metadata: Metadata }): Record<string, string> {
  const rules = lifecycleOf(bucket);
  const own = object.metadata[DELETE_AT];
  if (rules.length === 0 && own === undefined) return {};
  const modifiedMs = timestampToMs(object.timestamp);
  let first = own === undefined ? undefined : { atMs: Number(own) * 1000, id: OWN_RULE };
  for (const rule of rules) {
    if (!isFor(rule, { ...object, modifiedMs }) || !hasTags(rule, tagsOf(object.metadata))) continue;
    const atMs = expiresAt(rule, modifiedMs);
    if (atMs !== undefined && (first === undefined || atMs < first.atMs)) first = { atMs, id: rule.id };
  }
  return first === undefined ? {} : { 'x-amz-expiration': `expiry-date="${new Date(first.atMs).toUTCString()}", rule-id="${encodeURIComponent(first.id)}"` };
}

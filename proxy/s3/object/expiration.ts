/** When a lifecycle rule will end an object, as answers say it. */
import { timestampToMs, type Timestamp } from '#common';
import type { Metadata } from '#storage-node/protocol';
import type { Bucket } from '../bucket/bucket.ts';
import { expiresAt, hasTags, isFor, lifecycleOf } from '../lifecycle/due.ts';
import { tagsOf } from './metadata.ts';

/** Of the rules that will end it, the first to do so. */
export function expirationHeader(bucket: Bucket, object: { key: string; bytes: number; timestamp: Timestamp; metadata: Metadata }): Record<string, string> {
  const rules = lifecycleOf(bucket);
  if (rules.length === 0) return {};
  const modifiedMs = timestampToMs(object.timestamp);
  let first: { atMs: number; id: string } | undefined;
  for (const rule of rules) {
    if (!isFor(rule, { ...object, modifiedMs }) || !hasTags(rule, tagsOf(object.metadata))) continue;
    const atMs = expiresAt(rule, modifiedMs);
    if (atMs !== undefined && (first === undefined || atMs < first.atMs)) first = { atMs, id: rule.id };
  }
  return first === undefined ? {} : { 'x-amz-expiration': `expiry-date="${new Date(first.atMs).toUTCString()}", rule-id="${encodeURIComponent(first.id)}"` };
}

/** Conditional requests in S3's words: reads, copies, writes and deletes. */
import { StoreError, timestampToMs } from '#common';
import { evaluateConditions, matchesEtag, parseHttpDate, type Conditions } from '#common/http';
import { ETAG, MANIFEST_BYTES, MANIFEST_ETAG, parseListed, type WriteCondition } from '#proxy/core';
import type { Exchange } from '#proxy/edge';
import { LISTED_BYTES, LISTED_ETAG, type ObjectInfo } from '#storage-node/protocol';
import { S3Error } from '../errors.ts';

/** The tag that S3 shows, without quotes: of a link to a version the version's. */
export function shownEtag({ metadata }: Pick<ObjectInfo, 'metadata'>): string {
  const listed = metadata[LISTED_ETAG];
  if (listed === undefined) return metadata[ETAG] ?? '';
  const { etag, manifestEtag, link } = parseListed(listed);
  const manifest = metadata[MANIFEST_ETAG] ?? manifestEtag;
  return manifest === undefined ? (link?.etag ?? etag) : madeEtag(manifest);
}

/** The tag of what a manifest makes, which is no MD5 of its bytes: clients take any tag without a hyphen for one, and refuse what they read. */
export function madeEtag(etag: string): string {
  return etag.includes('-') ? etag : `${etag}-N`;
}

/** The length that S3 shows. */
export function shownBytes({ metadata, sizeBytes }: Pick<ObjectInfo, 'metadata' | 'sizeBytes'>): number {
  const manifest = metadata[MANIFEST_BYTES] ?? metadata[LISTED_BYTES];
  if (manifest !== undefined) return Number(manifest);
  const listed = metadata[LISTED_ETAG];
  return (listed === undefined ? undefined : parseListed(listed).link?.bytes) ?? sizeBytes;
}

export function conditionsOf(exchange: Exchange, prefix = ''): Conditions {
  return {
    ifMatch: exchange.header(`${prefix}if-match`),
    ifNoneMatch: exchange.header(`${prefix}if-none-match`),
    ifModifiedSince: exchange.header(`${prefix}if-modified-since`),
    ifUnmodifiedSince: exchange.header(`${prefix}if-unmodified-since`),
  };
}

/** Refuses a copy whose source is not as the request wants it. */
export function checkCopyConditions(exchange: Exchange, source: { etag: string; modifiedSeconds: number }): void {
  const conditions = conditionsOf(exchange, 'x-amz-copy-source-');
  if (evaluateConditions(conditions, { etags: [source.etag], modifiedSeconds: source.modifiedSeconds }) !== 'proceed') throw new S3Error('PreconditionFailed');
}

/** What a PUT or a completion demands of what is there; undefined where it demands nothing. */
export function writeCondition(exchange: Exchange): WriteCondition | undefined {
  const ifMatch = exchange.header('if-match');
  const ifNoneMatch = exchange.header('if-none-match');
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  return (current) => {
    if (ifMatch !== undefined) {
      if (current === undefined) throw new StoreError('object-not-found', 'there is no such object');
      if (!matchesEtag(ifMatch, [shownEtag(current)])) throw failed('If-Match');
    }
    if (ifNoneMatch !== undefined && current !== undefined && matchesEtag(ifNoneMatch, [shownEtag(current)])) throw failed('If-None-Match');
  };
}

export interface DeleteConditions {
  readonly etag?: string | undefined;
  readonly modified?: string | undefined;
  readonly size?: string | undefined;
}

/** What a DELETE demands of what it would delete. */
export function deleteCondition({ etag, modified, size }: DeleteConditions): WriteCondition | undefined {
  if (etag === undefined && modified === undefined && size === undefined) return undefined;
  return (current) => {
    if (current === undefined) return;
    if (etag !== undefined && !matchesEtag(etag, [shownEtag(current)])) throw failed('If-Match');
    if (size !== undefined && Number(size) !== shownBytes(current)) throw failed('x-amz-if-match-size');
    if (modified !== undefined && secondsOf(modified) !== Math.floor(timestampToMs(current.timestamp) / 1000)) throw failed('x-amz-if-match-last-modified-time');
  };
}

function secondsOf(text: string): number | undefined {
  const seconds = parseHttpDate(text) ?? Date.parse(text) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.floor(seconds);
}

function failed(condition: string): StoreError {
  return new StoreError('precondition-failed', `${condition} does not hold`, { detail: { code: 'PreconditionFailed', Condition: condition } });
}

/** What the three listings of objects share: parameters, encoding, and how a row is shown. */
import { parseListed } from '#proxy/core';
import type { ListingRow } from '#storage-node/protocol';
import { ownerXml } from '../access/grants.ts';
import { S3Error } from '../errors.ts';
import type { BucketRequest, Query } from '../request.ts';
import { formatIso } from '../time.ts';
import { element, escapeText, leaf } from '../xml/write.ts';
import { madeEtag } from './conditions.ts';
import { MAX_PAGE } from './limits.ts';

export interface ListingParameters {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  /** How names are written. */
  readonly encode: (name: string) => string;
  readonly encoded: boolean;
}

export function listingParameters(query: Query): ListingParameters {
  const encoding = query.get('encoding-type');
  if (encoding !== undefined && encoding !== '' && encoding !== 'url') throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', { ArgumentName: 'encoding-type', ArgumentValue: encoding });
  const encoded = encoding === 'url';
  // Ceph's: a listing in any order, which one in order is too; as there, not together with a delimiter.
  if (query.get('allow-unordered') === 'true' && name(query, 'delimiter') !== '') throw new S3Error('InvalidArgument', 'An unordered listing has no delimiter.', { ArgumentName: 'allow-unordered' });
  return { prefix: name(query, 'prefix'), delimiter: name(query, 'delimiter'), maxKeys: maxKeysOf(query, 'max-keys'), encoded, encode: encoded ? urlEncoded : (text) => text };
}

/** A parameter that is a name: without the NUL that begins the store's own. */
export function name(query: Query, parameter: string): string {
  const text = query.get(parameter) ?? '';
  if (text.includes('\0')) throw new S3Error('InvalidArgument', undefined, { ArgumentName: parameter });
  return text;
}

export function maxKeysOf(query: Query, parameter: string): number {
  const text = query.get(parameter);
  if (text === undefined || text === '') return MAX_PAGE;
  if (!/^\d{1,10}$/.test(text) || Number(text) > 2_147_483_647) throw new S3Error('InvalidArgument', `Provided ${parameter} not an integer or within integer range`, { ArgumentName: parameter, ArgumentValue: text });
  return Math.min(Number(text), MAX_PAGE);
}

/** As clients decode it: everything but unreserved characters and slashes is escaped. */
function urlEncoded(text: string): string {
  return encodeURIComponent(text).replace(/%2F/g, '/').replace(/[!'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Comes after every name with the prefix, and before whatever follows them. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

/** The marker to go on behind: a page that begins within what a prefix stands for goes on behind all of it. */
export function markerBehind(marker: string, { prefix, delimiter }: Pick<ListingParameters, 'prefix' | 'delimiter'>): string {
  if (delimiter === '' || !marker.startsWith(prefix)) return marker;
  const at = marker.indexOf(delimiter, prefix.length);
  return at < 0 ? marker : marker.endsWith(delimiter) && at + delimiter.length === marker.length ? afterPrefix(marker) : marker;
}

/** Tag and length that a row shows. */
export function shownRow({ etag, bytes }: ListingRow): { etag: string; bytes: number } {
  if (!etag.includes(';')) return { etag, bytes };
  const listed = parseListed(etag);
  return { etag: listed.manifestEtag === undefined ? (listed.link?.etag ?? listed.etag) : madeEtag(listed.manifestEtag), bytes: listed.link?.bytes ?? bytes };
}

export function contentsXml(row: ListingRow, { encode }: ListingParameters, owner: string): string {
  const { etag, bytes } = shownRow(row);
  return `<Contents><Key>${escapeText(encode(row.name))}</Key><LastModified>${formatIso(row.timestamp)}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${bytes}</Size>${owner}<StorageClass>STANDARD</StorageClass></Contents>`;
}

export function commonPrefixXml(prefix: string, { encode }: ListingParameters): string {
  return element('CommonPrefixes', leaf('Prefix', encode(prefix)));
}

export function bucketOwnerXml({ bucket, directory }: BucketRequest): string {
  return ownerXml('Owner', bucket.ownerId, directory);
}

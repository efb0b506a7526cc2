/** What an object is stored with, in S3's terms: what headers of a request set, and what of it is read again. */
import type { IncomingHttpHeaders } from 'node:http';
import { CONTENT_TYPE, REPRESENTATION_HEADERS, SYSTEM_PREFIX, USER_PREFIX } from '#proxy/core';
import type { Metadata } from '#storage-node/protocol';
import type { Bucket } from '../bucket/bucket.ts';
import { unpackAcl, type Acl } from '../access/acl.ts';
import { S3Error } from '../errors.ts';
import { unpackText } from '../request.ts';
import { parseTagQuery, type Tags } from './tags.ts';

/** Canonical id of the owner, where it is not the bucket's. */
export const OBJECT_OWNER = `${SYSTEM_PREFIX}s3-owner`;
export const OBJECT_ACL = `${SYSTEM_PREFIX}s3-acl`;
export const OBJECT_TAGS = `${SYSTEM_PREFIX}s3-tags`;
/** `CRC32 base64 FULL_OBJECT`. */
export const OBJECT_CHECKSUM = `${SYSTEM_PREFIX}s3-checksum`;
export const OBJECT_RETENTION = `${SYSTEM_PREFIX}s3-retention`;
export const OBJECT_LEGAL_HOLD = `${SYSTEM_PREFIX}s3-legal-hold`;
export const OBJECT_REDIRECT = `${SYSTEM_PREFIX}s3-redirect`;
export const OBJECT_STORAGE_CLASS = `${SYSTEM_PREFIX}s3-storage-class`;
/** `AES256`, `aws:kms key-id`, or `C md5-of-key` of a key that its client keeps. */
export const OBJECT_ENCRYPTION = `${SYSTEM_PREFIX}s3-encryption`;

export const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';
const META = 'x-amz-meta-';
const MAX_USER_METADATA = 2048;
const STORED: readonly (readonly [header: string, name: string])[] = REPRESENTATION_HEADERS.map((name) => [name.toLowerCase(), name]);
const STORAGE_CLASSES: ReadonlySet<string> = new Set(['STANDARD', 'REDUCED_REDUNDANCY', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER', 'DEEP_ARCHIVE', 'GLACIER_IR']);

/** Content type, representation headers, user metadata, storage class and redirection that a request sets. `keepsFraming`: aws-chunked is a coding like others. */
export function metadataOfHeaders(headers: IncomingHttpHeaders, { keepsFraming = false } = {}): Record<string, string> {
  const metadata: Record<string, string> = { [CONTENT_TYPE]: headers['content-type'] || DEFAULT_CONTENT_TYPE };
  for (const [header, name] of STORED) {
    const value = headers[header];
    if (typeof value !== 'string' || value === '') continue;
    const kept = name === 'Content-Encoding' && !keepsFraming ? withoutFraming(value) : value;
    if (kept !== '') metadata[name] = kept;
  }
  let userBytes = 0;
  for (const name in headers) {
    if (!name.startsWith(META)) continue;
    const value = headers[name];
    const text = decodeWord(Array.isArray(value) ? value.join(',') : (value ?? ''));
    userBytes += name.length - META.length + text.length;
    metadata[USER_PREFIX + name.slice(META.length)] = text;
  }
  if (userBytes > MAX_USER_METADATA) throw new S3Error('MetadataTooLarge', undefined, { Size: String(userBytes), MaxSizeAllowed: String(MAX_USER_METADATA) });
  return { ...metadata, ...classAndRedirect(headers) };
}

function classAndRedirect(headers: IncomingHttpHeaders): Record<string, string> {
  const metadata: Record<string, string> = {};
  const storageClass = headers['x-amz-storage-class'];
  if (typeof storageClass === 'string' && storageClass !== '') {
    if (!STORAGE_CLASSES.has(storageClass)) throw new S3Error('InvalidStorageClass');
    if (storageClass !== 'STANDARD') metadata[OBJECT_STORAGE_CLASS] = storageClass;
  }
  const redirect = headers['x-amz-website-redirect-location'];
  if (typeof redirect === 'string' && redirect !== '') {
    if (!/^(?:\/|https?:\/\/)/.test(redirect)) throw new S3Error('InvalidRequest', 'The website redirect location must have a prefix of \'http://\' or \'https://\' or \'/\'.');
    metadata[OBJECT_REDIRECT] = redirect;
  }
  return metadata;
}

/** `aws-chunked,gzip` says of the object only that it is gzip: the rest was how it came. */
function withoutFraming(value: string): string {
  return value.split(',').map((coding) => coding.trim()).filter((coding) => coding.toLowerCase() !== 'aws-chunked').join(', ');
}

/** Values beyond ASCII come as they are, or as encoded words (RFC 2047): these are read, so that both mean the same. */
function decodeWord(value: string): string {
  if (!value.startsWith('=?')) return value;
  return value.replace(/=\?utf-8\?([bq])\?([^?]*)\?=\s*/gi, (_whole, form: string, text: string) => {
    const bytes = form.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : Buffer.from(text.replaceAll('_', ' ').replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1');
    return bytes.toString('latin1');
  });
}

/** The headers that show an object's own metadata. */
export function shownMetadata(metadata: Metadata): Record<string, string> {
  const headers: Record<string, string> = { 'Content-Type': metadata[CONTENT_TYPE] ?? DEFAULT_CONTENT_TYPE };
  for (const name in metadata) {
    const value = metadata[name]!;
    if (name.startsWith(USER_PREFIX)) headers[META + name.slice(USER_PREFIX.length)] = value;
    else if (REPRESENTATION_NAMES.has(name)) headers[name] = value;
    else if (name === OBJECT_STORAGE_CLASS) headers['x-amz-storage-class'] = value;
    else if (name === OBJECT_REDIRECT) headers['x-amz-website-redirect-location'] = value;
    else if (name === OBJECT_TAGS) headers['x-amz-tagging-count'] = String(value === '' ? 0 : value.split('&').length);
    else if (name === OBJECT_ENCRYPTION) Object.assign(headers, encryptionHeaders(value));
    else if (name === OBJECT_RETENTION) Object.assign(headers, retentionHeaders(value));
    else if (name === OBJECT_LEGAL_HOLD) headers['x-amz-object-lock-legal-hold'] = value;
  }
  return headers;
}

const REPRESENTATION_NAMES: ReadonlySet<string> = new Set(REPRESENTATION_HEADERS);

export function encryptionHeaders(value: string | undefined): Record<string, string> {
  if (value === undefined) return {};
  const [algorithm = '', key] = value.split(' ');
  if (algorithm === 'C') return { 'x-amz-server-side-encryption-customer-algorithm': 'AES256', 'x-amz-server-side-encryption-customer-key-md5': key ?? '' };
  return { 'x-amz-server-side-encryption': algorithm, ...(key === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': key }) };
}

function retentionHeaders(value: string): Record<string, string> {
  const [mode = '', until = ''] = value.split(' ');
  return { 'x-amz-object-lock-mode': mode, 'x-amz-object-lock-retain-until-date': until };
}

/** The object's access control list; without one of its own, its owner has everything. */
export function objectAcl(metadata: Metadata, bucket: Bucket): Acl {
  const text = metadata[OBJECT_ACL];
  if (text !== undefined && text !== '') return unpackAcl(unpackText(text));
  const owner = objectOwner(metadata, bucket);
  return { owner, grants: [{ grantee: { user: owner }, permission: 'FULL_CONTROL' }] };
}

export function objectOwner(metadata: Metadata, bucket: Bucket): string {
  const owner = metadata[OBJECT_OWNER];
  return owner === undefined ? bucket.ownerId : unpackText(owner);
}

export function tagsOf(metadata: Metadata): Tags {
  const text = metadata[OBJECT_TAGS];
  return text === undefined || text === '' ? NO_TAGS : parseTagQuery(unpackText(text));
}

const NO_TAGS: Tags = new Map();

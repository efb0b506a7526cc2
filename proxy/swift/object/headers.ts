/** What headers say of an object, both ways: what a PUT or POST stores, and what an answer shows. */
import type { IncomingHttpHeaders } from 'node:http';
import { formatTimestamp, timestampToSecondsUp } from '#common';
import { formatHttpDate } from '#common/http';
import { CONTENT_TYPE, DELETE_AT, DYNAMIC, ETAG, MANIFEST_ETAG, REPRESENTATION_HEADERS, SYSTEM_PREFIX, USER_PREFIX } from '#proxy/core';
import { changedAt, LISTED_BYTES, LISTED_ETAG, type Metadata, type ObjectInfo } from '#storage-node/protocol';
import { titleCase } from '../header-names.ts';

const STORED: readonly (readonly [header: string, name: string])[] = REPRESENTATION_HEADERS.map((name) => [name.toLowerCase(), name]);
const META = 'x-object-meta-';

/** The metadata that a request sets: representation headers and user metadata; empty values are left out. */
export function storedMetadata(headers: IncomingHttpHeaders): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [header, name] of STORED) {
    const value = headers[header];
    if (typeof value === 'string' && value !== '') metadata[name] = value;
  }
  for (const name in headers) {
    if (!name.startsWith(META)) continue;
    const value = headers[name];
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
    if (text !== '') metadata[USER_PREFIX + name.slice(META.length)] = text;
  }
  return metadata;
}

/** When the object was last changed, data or metadata, in the whole seconds of an HTTP date. */
export function modifiedSeconds(info: ObjectInfo): number {
  return timestampToSecondsUp(changedAt(info));
}

/** The headers of an answer that shows the object, but for its length. */
export function objectHeaders(info: ObjectInfo): Record<string, string | number> {
  const { metadata } = info;
  const headers: Record<string, string | number> = {
    'Content-Type': metadata[CONTENT_TYPE] ?? 'application/octet-stream',
    Etag: metadata[ETAG] ?? '',
    'Last-Modified': formatHttpDate(modifiedSeconds(info)),
    'X-Timestamp': formatTimestamp(changedAt(info)),
    'Accept-Ranges': 'bytes',
  };
  for (const name in metadata) {
    if (name === ETAG || name === CONTENT_TYPE) continue;
    const value = metadata[name] as string;
    if (name.startsWith(USER_PREFIX)) headers[titleCase(META + name.slice(USER_PREFIX.length))] = value;
    else if (name === DELETE_AT || REPRESENTATION_NAMES.has(name)) headers[name] = value;
    else if (name === DYNAMIC) headers['X-Object-Manifest'] = value;
    else if (name === MANIFEST_ETAG) headers['X-Static-Large-Object'] = 'True';
  }
  return headers;
}

const REPRESENTATION_NAMES: ReadonlySet<string> = new Set(REPRESENTATION_HEADERS);

/** The metadata that a copy takes along from its source: everything of the user's and of the representation; not the ETag, nor what is the store's. */
export function carriedMetadata(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== ETAG && !isStores(name)));
}

/** The metadata that lasts whatever a POST sets: what the object stands for. A dynamic manifest is one by its headers, and only as long as they are sent. */
export function lastingMetadata(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => isStores(name) && name !== DYNAMIC));
}

/** Whether a metadata name belongs to a feature of the store: what its object stands for. */
export function isStores(name: string): boolean {
  return name.startsWith(SYSTEM_PREFIX) || name === LISTED_BYTES || name === LISTED_ETAG;
}

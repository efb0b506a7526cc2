/**
 * The names under which core stores what it knows of an object and a container. Dialects translate their own headers to
 * these and back. Values are bytes, one a character (latin-1), as HTTP headers carry them. A user's metadata is `user:` and a lower-case name whichever dialect set it, so that the other one finds it.
 */
import type { Metadata } from '#storage-node/protocol';

/** MD5 of the data in hex, or what a manifest promises instead. */
export const ETAG = 'ETag';
export const CONTENT_TYPE = 'Content-Type';
/** Seconds since the epoch after which the object is gone. */
export const DELETE_AT = 'X-Delete-At';
/** Representation headers a client may set, stored and printed as they are. */
export const REPRESENTATION_HEADERS = ['Content-Encoding', 'Content-Disposition', 'Cache-Control', 'Content-Language', 'Expires', 'X-Robots-Tag'] as const;
/** A user's own metadata. */
export const USER_PREFIX = 'user:';
/** Metadata of the store's own features; never set by clients. */
export const SYSTEM_PREFIX = 'sys:';

/** Container metadata: who may read and write it, in Swift's ACL grammar. */
export const READ_ACL = 'acl:read';
export const WRITE_ACL = 'acl:write';

/** Whether an object with this metadata has expired at `nowMs`. */
export function isExpired(metadata: Metadata, nowMs: number): boolean {
  const deleteAt = metadata[DELETE_AT];
  return deleteAt !== undefined && Number(deleteAt) * 1000 <= nowMs;
}

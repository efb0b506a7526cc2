/** What symbolic links have in common: how deep they may lead, and how they are named in headers. */
import { percentEncodePath } from '#common/http';
import type { Link, ObjectName } from '#proxy/core';

/** Links that one request follows. */
export const SYMLOOP_MAX = 2;

/** `/v1/account/container/object`, percent-encoded. */
export function pathOf({ account, container, object }: ObjectName): string {
  return `/v1/${percentEncodePath(`${account}/${container}/${object}`)}`;
}

/** The headers that show a link itself. */
export function linkHeaders({ account, container, object, etag, bytes }: Link): Record<string, string | number> {
  return {
    'X-Symlink-Target': percentEncodePath(`${container}/${object}`),
    ...(account === undefined ? {} : { 'X-Symlink-Target-Account': percentEncodePath(account) }),
    ...(etag === undefined ? {} : { 'X-Symlink-Target-Etag': etag }),
    ...(bytes === undefined ? {} : { 'X-Symlink-Target-Bytes': bytes }),
  };
}

/** Why what was found is not what a static link wants. */
export function mismatch(linkEtag: string | undefined, found: string | undefined, wanted: string): string {
  return linkEtag === undefined ? `Object Etag '${found ?? ''}' does not match X-Symlink-Target-Etag header '${wanted}'` : 'X-Symlink-Target-Etag headers do not match';
}

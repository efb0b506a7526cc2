/** What headers say of a container, both ways: those stored with it beside user metadata, and those an answer shows. */
import type { IncomingHttpHeaders } from 'node:http';
import { formatTimestamp, timestampToSecondsUp } from '#common';
import { formatHttpDate } from '#common/http';
import { liveMetadata, READ_ACL, WRITE_ACL } from '#proxy/core';
import type { PolicySet } from '#ring';
import type { DatabaseInfo } from '#storage-node/protocol';
import { cleanAcl } from '../acl.ts';
import { userMetadataChanges, userMetadataHeaders } from '../user-metadata.ts';

/** The metadata changes that a PUT or POST makes; only owners may change ACLs, others' are dropped in silence, as in Swift. */
export function containerChanges(headers: IncomingHttpHeaders, byOwner: boolean): Record<string, string> {
  const changes = userMetadataChanges('container', headers);
  if (!byOwner) return changes;
  for (const [name, header, key] of [['x-container-read', 'X-Container-Read', READ_ACL], ['x-container-write', 'X-Container-Write', WRITE_ACL]] as const) {
    const value = headers[name];
    if (typeof value === 'string') changes[key] = cleanAcl(header, value);
    else if (headers[`x-remove-${name.slice(2)}`] !== undefined) changes[key] = '';
  }
  return changes;
}

export function containerHeaders(info: DatabaseInfo, policies: PolicySet, forOwner: boolean): Record<string, string | number> {
  const metadata = liveMetadata(info.metadata);
  const headers: Record<string, string | number> = {
    'X-Container-Object-Count': info.totals.rows,
    'X-Container-Bytes-Used': info.totals.bytes,
    'X-Timestamp': formatTimestamp(info.createdAt),
    'Last-Modified': formatHttpDate(timestampToSecondsUp(info.statusTimestamp)),
    'X-Storage-Policy': policies.byIndex(info.policy).name,
    'Accept-Ranges': 'bytes',
    ...userMetadataHeaders('container', metadata),
  };
  if (forOwner && metadata[READ_ACL] !== undefined) headers['X-Container-Read'] = metadata[READ_ACL];
  if (forOwner && metadata[WRITE_ACL] !== undefined) headers['X-Container-Write'] = metadata[WRITE_ACL];
  return headers;
}

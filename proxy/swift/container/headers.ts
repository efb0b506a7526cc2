/** What headers say of a container, both ways: those stored with it beside user metadata, and those an answer shows. */
import type { IncomingHttpHeaders } from 'node:http';
import { formatTimestamp, timestampToSecondsUp } from '#common';
import { formatHttpDate } from '#common/http';
import { liveMetadata, READ_ACL, WRITE_ACL } from '#proxy/core';
import type { PolicySet } from '#ring';
import type { DatabaseInfo } from '#storage-node/protocol';
import { cleanAcl } from '../acl.ts';
import { quotingChanges, quotingHeaders } from '../etag-quoting/index.ts';
import { SYNC_KEY, SYNC_TO, withoutPrivileged } from '../privileged.ts';
import { versioningHeaders } from '../versions/container.ts';
import { userMetadataChanges, userMetadataHeaders } from '../user-metadata.ts';

const SYNC = [['x-container-sync-to', SYNC_TO], ['x-container-sync-key', SYNC_KEY]] as const;

/** The metadata changes that a PUT or POST makes; only owners may change ACLs, others' are dropped in silence, as in Swift. */
export function containerChanges(headers: IncomingHttpHeaders, byOwner: boolean): Record<string, string> {
  const changes = { ...userMetadataChanges('container', headers), ...quotingChanges('container', headers) };
  if (!byOwner) return withoutPrivileged(changes);
  for (const [name, key] of SYNC) {
    const value = headers[name];
    if (typeof value === 'string') changes[key] = value;
    else if (headers[`x-remove-${name.slice(2)}`] !== undefined) changes[key] = '';
  }
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
    ...quotingHeaders('container', metadata),
    ...versioningHeaders(metadata),
    ...userMetadataHeaders('container', forOwner ? metadata : withoutPrivileged(metadata)),
  };
  if (!forOwner) return headers;
  if (metadata[SYNC_TO] !== undefined) headers['X-Container-Sync-To'] = metadata[SYNC_TO];
  if (metadata[SYNC_KEY] !== undefined) headers['X-Container-Sync-Key'] = metadata[SYNC_KEY];
  if (metadata[READ_ACL] !== undefined) headers['X-Container-Read'] = metadata[READ_ACL];
  if (metadata[WRITE_ACL] !== undefined) headers['X-Container-Write'] = metadata[WRITE_ACL];
  return headers;
}

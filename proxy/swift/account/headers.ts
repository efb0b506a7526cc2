/** What an answer says of an account. */
import { formatTimestamp } from '#common';
import { liveMetadata } from '#proxy/core';
import type { PolicySet } from '#ring';
import type { DatabaseInfo } from '#storage-node/protocol';
import { userMetadataHeaders } from '../user-metadata.ts';

/** Of an account never used (undefined): all counts are zero, and it was made just now. */
export function accountHeaders(info: DatabaseInfo | undefined, policies: PolicySet, nowText: string): Record<string, string | number> {
  const headers: Record<string, string | number> = {
    'X-Account-Container-Count': info?.totals.rows ?? 0,
    'X-Account-Object-Count': info?.totals.objects ?? 0,
    'X-Account-Bytes-Used': info?.totals.bytes ?? 0,
    'X-Timestamp': info === undefined ? nowText : formatTimestamp(info.createdAt),
    'X-Put-Timestamp': info === undefined ? nowText : formatTimestamp(info.putTimestamp),
    'Accept-Ranges': 'bytes',
  };
  if (info === undefined) return headers;
  for (const policy of policies) {
    const totals = info.totalsByPolicy[policy.index];
    if (totals === undefined) continue;
    headers[`X-Account-Storage-Policy-${policy.name}-Container-Count`] = totals.rows;
    headers[`X-Account-Storage-Policy-${policy.name}-Object-Count`] = totals.objects;
    headers[`X-Account-Storage-Policy-${policy.name}-Bytes-Used`] = totals.bytes;
  }
  return { ...headers, ...userMetadataHeaders('account', liveMetadata(info.metadata)) };
}

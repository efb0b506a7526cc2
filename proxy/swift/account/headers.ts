/** What headers say of an account, both ways: what a PUT or POST changes, and what an answer shows. */
import { formatTimestamp } from '#common';
import { liveMetadata } from '#proxy/core';
import type { PolicySet } from '#ring';
import type { DatabaseInfo } from '#storage-node/protocol';
import { quotingChanges, quotingHeaders } from '../etag-quoting/index.ts';
import { withoutPrivileged } from '../privileged.ts';
import { quotaChanges, quotaHeaders } from '../quotas/account.ts';
import type { SwiftRequest } from '../request.ts';
import { userMetadataChanges, userMetadataHeaders } from '../user-metadata.ts';
import { ACCOUNT_ACL, cleanAccountAcl } from './acl.ts';
import { operatorChanges, operatorHeaders } from './operator.ts';

/** The metadata changes of a PUT or POST. */
export function accountChanges(request: SwiftRequest): Record<string, string> {
  const { exchange } = request;
  const acl = exchange.header('x-account-access-control');
  return {
    ...userMetadataChanges('account', exchange.headers),
    ...quotingChanges('account', exchange.headers),
    ...quotaChanges(request),
    ...operatorChanges(request.exchange.headers, request.principal?.resellerAdmin === true),
    ...(acl === undefined ? {} : { [ACCOUNT_ACL]: cleanAccountAcl(acl) }),
  };
}

/** Of an account never used (undefined): all counts are zero, and it was made just now. */
export function accountHeaders(info: DatabaseInfo | undefined, policies: PolicySet, { nowText, forOwner, forAdmin }: { nowText: string; forOwner: boolean; forAdmin: boolean }): Record<string, string | number> {
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
  const metadata = liveMetadata(info.metadata);
  const acl = metadata[ACCOUNT_ACL];
  if (forOwner && acl !== undefined) headers['X-Account-Access-Control'] = acl;
  return { ...headers, ...quotingHeaders('account', metadata), ...operatorHeaders(metadata, forAdmin), ...quotaHeaders(metadata, policies), ...userMetadataHeaders('account', forOwner ? metadata : withoutPrivileged(metadata)) };
}

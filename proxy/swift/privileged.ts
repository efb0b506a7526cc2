/** Metadata that only owners see and set: keys and rights. Others' attempts are dropped in silence, as in Swift. */
import { READ_ACL, SYSTEM_PREFIX, USER_PREFIX, WRITE_ACL } from '#proxy/core';
import { ACCOUNT_ACL } from './account/acl.ts';

/** `X-Container-Sync-To` and `-Key`. */
export const SYNC_TO = `${SYSTEM_PREFIX}sync-to`;
export const SYNC_KEY = `${SYSTEM_PREFIX}sync-key`;

/** Keys of temporary URLs and forms, of accounts and containers. */
export const TEMP_URL_KEYS = [`${USER_PREFIX}temp-url-key`, `${USER_PREFIX}temp-url-key-2`] as const;

const PRIVILEGED: ReadonlySet<string> = new Set([READ_ACL, WRITE_ACL, SYNC_TO, SYNC_KEY, ACCOUNT_ACL, ...TEMP_URL_KEYS]);

export function withoutPrivileged(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !PRIVILEGED.has(name)));
}

/** Who may do what in the Swift dialect: owners all in their accounts, others what container ACLs grant them. */
import { owns, READ_ACL, WRITE_ACL, type Principal } from '#proxy/core';
import { parseAcl, referrerAllowed } from './acl.ts';
import { Refusal } from './refusal.ts';

export interface Caller {
  readonly principal: Principal | undefined;
  readonly referer: string | undefined;
}

/** What a request wants of its target. */
export type Access = 'account-read' | 'account-write' | 'account-manage' | 'container-read' | 'container-write' | 'object-read' | 'object-write';

/** Refuses (401 for strangers, 403 for those known) what the caller may not do. `metadata` is the container's, undefined where there is none. */
export function authorize(caller: Caller, access: Access, account: string, metadata: Readonly<Record<string, string>> | undefined): void {
  if (!allowed(caller, access, account, metadata)) throw refused(caller, account);
}

/** 401 or 403, with the realm that asks for a token. */
export function refused(caller: Caller, account: string): Refusal {
  return caller.principal === undefined ? unauthorized(account) : new Refusal(403);
}

export function unauthorized(account: string): Refusal {
  // Encoded, so that a name with a line break in it cannot write headers of its own.
  return new Refusal(401, undefined, { 'WWW-Authenticate': `Swift realm="${encodeURIComponent(account)}"` });
}

function allowed({ principal, referer }: Caller, access: Access, account: string, metadata: Readonly<Record<string, string>> | undefined): boolean {
  if (access === 'account-manage') return principal?.resellerAdmin === true;
  if (owns(principal, account)) return true;
  const reading = access.endsWith('-read');
  if (reading && principal?.resellerReader) return true;
  if (access === 'container-read' || access === 'object-read') {
    const acl = parseAcl(metadata?.[READ_ACL]);
    if (referrerAllowed(referer, acl) && (access === 'object-read' || acl.listings)) return true;
    return granted(principal, acl.groups);
  }
  if (access === 'object-write') return granted(principal, parseAcl(metadata?.[WRITE_ACL]).groups);
  return false;
}

function granted(principal: Principal | undefined, groups: readonly string[]): boolean {
  return principal !== undefined && groups.some((group) => principal.groups.includes(group));
}

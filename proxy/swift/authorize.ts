/**
 * Who may do what in the Swift dialect: owners all in their accounts, others what container ACLs and the account's ACL grant them, and
 * a temporary URL or a form what its key stands for.
 */
import { owns, READ_ACL, WRITE_ACL, type Principal } from '#proxy/core';
import { accountAclOf, grantedByAccount } from './account/acl.ts';
import type { AccountFacts } from './account/facts.ts';
import { parseAcl, referrerAllowed } from './acl.ts';
import { Refusal } from './refusal.ts';

/** A right that a key of an account or of one of its containers gives, whoever shows the signature. */
export interface Grant {
  readonly account: string;
  /** Undefined: in every container. */
  readonly container: string | undefined;
}

export interface Caller {
  readonly principal: Principal | undefined;
  readonly referer: string | undefined;
  /** Takes the place of everything the principal may. */
  readonly grant?: Grant | undefined;
}

/** What a request wants of its target. */
export type Access = 'account-read' | 'account-write' | 'account-manage' | 'container-read' | 'container-write' | 'object-read' | 'object-write';

export interface Place {
  readonly account: string;
  readonly container?: string | undefined;
}

/**
 * Refuses (401 for strangers, 403 for those known) what the caller may not do. `metadata` is the container's, undefined where there is
 * none. Nothing to wait for, but where neither ownership nor the container's ACL decides.
 */
export function authorize(caller: Caller, access: Access, place: Place, metadata: Readonly<Record<string, string>> | undefined, accounts: AccountFacts): Promise<void> | undefined {
  return allowed(caller, access, place, metadata) ? undefined : authorizeByAccount(caller, access, place, accounts);
}

async function authorizeByAccount(caller: Caller, access: Access, { account }: Place, accounts: AccountFacts): Promise<void> {
  if (caller.grant === undefined && caller.principal !== undefined) {
    const acl = accountAclOf(await accounts.metadata(account));
    if (grantedByAccount(acl, caller.principal, access) !== undefined) return;
  }
  throw refused(caller, account);
}

/** Whether the caller is an owner of the account, or as good as one by its ACL: such see and set what is private to it. */
export async function isOwner({ principal, grant }: Caller, account: string, accounts: AccountFacts): Promise<boolean> {
  if (grant !== undefined || principal === undefined) return false;
  return owns(principal, account) || grantedByAccount(accountAclOf(await accounts.metadata(account)), principal, 'account-read') === 'owner';
}

/** 401 or 403, with the realm that asks for a token. */
export function refused(caller: Caller, account: string): Refusal {
  return caller.principal === undefined ? unauthorized(account) : new Refusal(403);
}

export function unauthorized(account: string): Refusal {
  // Encoded, so that a name with a line break in it cannot write headers of its own.
  return new Refusal(401, undefined, { 'WWW-Authenticate': `Swift realm="${encodeURIComponent(account)}"` });
}

function allowed({ principal, referer, grant }: Caller, access: Access, place: Place, metadata: Readonly<Record<string, string>> | undefined): boolean {
  if (grant !== undefined) return grant.account === place.account && (grant.container === undefined || grant.container === place.container) && access.startsWith('object-');
  if (access === 'account-manage') return principal?.resellerAdmin === true;
  if (owns(principal, place.account)) return true;
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

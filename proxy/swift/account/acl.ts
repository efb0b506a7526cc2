/**
 * Account ACLs (tempauth's `X-Account-Access-Control`): JSON that grants the whole account to users and groups. `admin` may do what its
 * owner may, `read-write` everything with containers and objects, `read-only` look at everything.
 */
import type { Principal } from '#proxy/core';
import type { Access } from '../authorize.ts';
import { Refusal } from '../refusal.ts';
import type { AccountMetadata } from './facts.ts';

/** The metadata name under which an account keeps its ACL, canonical. */
export const ACCOUNT_ACL = 'acl:account';

const LEVELS = ['admin', 'read-only', 'read-write'] as const;

export type AccountAcl = Readonly<Partial<Record<(typeof LEVELS)[number], readonly string[]>>>;

/** The header's ACL in canonical form (keys in order, ASCII, no blanks), '' for one that grants nothing; refuses what is none. */
export function cleanAccountAcl(header: string): string {
  const text = Buffer.from(header, 'latin1').toString('utf8');
  if (text === '') return '';
  const refuse = (fault: string): never => {
    throw new Refusal(400, `X-Account-Access-Control invalid: ${fault}\n\nInput: ${header}\n`);
  };
  const value = parse(text);
  if (value === undefined) return refuse(`Syntax error in input ('${header}')`);
  const unknown = Object.keys(value).find((key) => !(LEVELS as readonly string[]).includes(key));
  if (unknown !== undefined) return refuse(`Key ${ascii(JSON.stringify(unknown))} not recognized`);
  const clean: Record<string, string[]> = {};
  for (const level of LEVELS) {
    const grantees = value[level];
    if (grantees === undefined) continue;
    if (!Array.isArray(grantees)) return refuse(`Value for key "${level}" must be a list`);
    if (!grantees.every((grantee) => typeof grantee === 'string')) return refuse(`Elements of "${level}" list must be strings`);
    clean[level] = grantees;
  }
  return Object.keys(clean).length === 0 ? '' : ascii(JSON.stringify(clean));
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const parsed = new Map<string, AccountAcl>();
const MAX_PARSED = 1000;

export function accountAclOf(metadata: AccountMetadata): AccountAcl | undefined {
  const text = metadata[ACCOUNT_ACL];
  if (text === undefined) return undefined;
  let acl = parsed.get(text);
  if (acl === undefined) {
    if (parsed.size >= MAX_PARSED) parsed.clear();
    parsed.set(text, (acl = JSON.parse(text) as AccountAcl));
  }
  return acl;
}

/** What the account's ACL makes of a principal: as good as its owner, allowed this, or nothing. */
export function grantedByAccount(acl: AccountAcl | undefined, principal: Principal | undefined, access: Access): 'owner' | 'allowed' | undefined {
  if (acl === undefined || principal === undefined || access === 'account-manage') return undefined;
  const has = (level: keyof AccountAcl): boolean => acl[level]?.some((grantee) => principal.groups.includes(grantee)) === true;
  if (has('admin')) return 'owner';
  if (has('read-write') && access !== 'account-write') return 'allowed';
  return has('read-only') && access.endsWith('-read') ? 'allowed' : undefined;
}

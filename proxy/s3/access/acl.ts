/** Access control lists ("ACL overview" of the user guide): who owns a bucket or an object, and what is granted to whom. */
import { LRUCache } from 'lru-cache';
import type { KeyHolder } from '#proxy/core';

export const PERMISSIONS = ['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const GROUPS = {
  AllUsers: 'http://acs.amazonaws.com/groups/global/AllUsers',
  AuthenticatedUsers: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  LogDelivery: 'http://acs.amazonaws.com/groups/s3/LogDelivery',
} as const;
export type Group = keyof typeof GROUPS;

export type Grantee = { readonly user: string } | { readonly group: Group };

export interface Grant {
  readonly grantee: Grantee;
  readonly permission: Permission;
}

export interface Acl {
  /** A canonical id. */
  readonly owner: string;
  readonly grants: readonly Grant[];
}

export const CANNED = ['private', 'public-read', 'public-read-write', 'authenticated-read', 'aws-exec-read', 'bucket-owner-read', 'bucket-owner-full-control', 'log-delivery-write'] as const;
export type Canned = (typeof CANNED)[number];

/** The list that a canned name stands for. */
export function cannedAcl(canned: Canned, owner: string, bucketOwner: string): Acl {
  const own: Grant = { grantee: { user: owner }, permission: 'FULL_CONTROL' };
  const to = (grantee: Grantee, permission: Permission): Grant => ({ grantee, permission });
  const others: Record<Canned, readonly Grant[]> = {
    private: [],
    'public-read': [to({ group: 'AllUsers' }, 'READ')],
    'public-read-write': [to({ group: 'AllUsers' }, 'READ'), to({ group: 'AllUsers' }, 'WRITE')],
    'authenticated-read': [to({ group: 'AuthenticatedUsers' }, 'READ')],
    'aws-exec-read': [],
    'bucket-owner-read': bucketOwner === owner ? [] : [to({ user: bucketOwner }, 'READ')],
    'bucket-owner-full-control': bucketOwner === owner ? [] : [to({ user: bucketOwner }, 'FULL_CONTROL')],
    'log-delivery-write': [to({ group: 'LogDelivery' }, 'WRITE'), to({ group: 'LogDelivery' }, 'READ_ACP')],
  };
  return { owner, grants: [own, ...others[canned]] };
}

/** Whether the list is what everything has that nobody shared: it need not be stored. */
export function isPrivate({ owner, grants }: Acl): boolean {
  const [first, ...rest] = grants;
  return rest.length === 0 && first !== undefined && first.permission === 'FULL_CONTROL' && 'user' in first.grantee && first.grantee.user === owner;
}

/** Whether anybody at all is granted something. */
export function isPublicAcl({ grants }: Acl): boolean {
  return grants.some(({ grantee }) => isPublicGrantee(grantee));
}

function isPublicGrantee(grantee: Grantee): boolean {
  return 'group' in grantee && grantee.group !== 'LogDelivery';
}

/** Whether the list gives the caller a permission; `ignorePublic` where the bucket's public access block says that its public grants count for nothing. */
export function aclGrants(acl: Acl, permission: Permission, caller: KeyHolder | undefined, ignorePublic: boolean): boolean {
  return acl.grants.some((grant) => {
    if (grant.permission !== permission && grant.permission !== 'FULL_CONTROL') return false;
    const { grantee } = grant;
    if ('user' in grantee) return caller !== undefined && grantee.user === caller.canonicalId;
    if (ignorePublic || grantee.group === 'LogDelivery') return false;
    return grantee.group === 'AllUsers' || caller !== undefined;
  });
}

type Packed = { o: string; g: [kind: 'u' | 'g', who: string, permission: Permission][] };

/** The list as it is stored. */
export function packAcl({ owner, grants }: Acl): string {
  const packed: Packed = { o: owner, g: grants.map(({ grantee, permission }) => ('user' in grantee ? ['u', grantee.user, permission] : ['g', grantee.group, permission])) };
  return JSON.stringify(packed);
}

const unpacked = new LRUCache<string, Acl>({ max: 1000 });

export function unpackAcl(text: string): Acl {
  let acl = unpacked.get(text);
  if (acl === undefined) {
    const { o, g } = JSON.parse(text) as Packed;
    acl = { owner: o, grants: g.map(([kind, who, permission]) => ({ grantee: kind === 'u' ? { user: who } : { group: who as Group }, permission })) };
    unpacked.set(text, acl);
  }
  return acl;
}

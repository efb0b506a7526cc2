/** Who calls, as AWS's tools know him: an account's owner, a user, or a session of either or of a role, with the policies that say what he may. */
import type { KeyHolder } from '#proxy/core';
import type { PolicyDocument } from './policy/document.ts';
import type { Nameable } from './policy/verdict.ts';

export interface Caller extends KeyHolder, Nameable {
  readonly kind: 'root' | 'user' | 'role';
  /** What policies call the caller, e.g. `arn:aws:iam::project:user/name`. */
  readonly arn: string;
  /** What conditions know as `aws:userid`. */
  readonly userId: string;
  /** Names of a user's record; undefined for a role's session. */
  readonly userName: string | undefined;
  /**
   * Needs no policy to make use of what others grant to his account or to himself: who is named in the configuration. In his own account, or
   * what he owns of it, he may then do everything.
   */
  readonly trusted: boolean;
  /** May manage the identities of his account without a policy that says so. */
  readonly managesIdentities: boolean;
  readonly policies: readonly PolicyDocument[];
  /** The most that the policies may give; undefined where nothing bounds them. */
  readonly boundary?: PolicyDocument | undefined;
  readonly tags: ReadonlyMap<string, string>;
  /** Of temporary credentials. */
  readonly session?: CallerSession | undefined;
}

export interface CallerSession {
  readonly issuedAtSeconds: number;
  /** The most that the session may do; undefined where it may do what its principal may. */
  readonly policies: readonly PolicyDocument[] | undefined;
  /** The role's ARN, of a session of one. */
  readonly roleArn?: string | undefined;
  readonly roleId?: string | undefined;
  readonly name?: string | undefined;
  readonly sourceIdentity?: string | undefined;
  /** The identity provider and what its token said, where the role was assumed with one; keys as conditions have them. */
  readonly claims?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What AWS calls an account: how its identities are named, what ACLs call it, and where its buckets are. */
export interface AccountOwner extends KeyHolder {
  /** '' for those outside of any account: their ARNs name none. */
  readonly accountId: string;
  /** Beside an owner outside of any account: may manage the identities there. */
  readonly managesIdentities: boolean;
}

/** The values of `aws:` keys that a caller himself makes; undefined for other keys, and for what is not so of him. */
export function callerValues(caller: Caller | undefined, key: string): readonly string[] | undefined {
  const one = (value: string | undefined): readonly string[] | undefined => (value === undefined ? undefined : [value]);
  if (key.startsWith('aws:principaltag/')) return one(caseless(caller?.tags, key.slice('aws:principaltag/'.length)));
  switch (key) {
    case 'aws:username':
      return one(caller?.userName);
    case 'aws:userid':
      return [caller?.userId ?? 'anonymous'];
    case 'aws:principalarn':
      return one(caller?.session?.roleArn ?? caller?.arn);
    case 'aws:principalaccount':
      return one(caller?.accountId);
    case 'aws:principaltype':
      return [caller === undefined ? 'Anonymous' : caller.kind === 'root' ? 'Account' : caller.kind === 'role' ? 'AssumedRole' : 'User'];
    case 'aws:tokenissuetime':
      return one(caller?.session === undefined ? undefined : new Date(caller.session.issuedAtSeconds * 1000).toISOString());
    case 'aws:sourceidentity':
      return one(caller?.session?.sourceIdentity);
    case 'aws:multifactorauthpresent':
      return caller?.session === undefined ? undefined : ['false'];
    // Ceph's: whether the credentials are temporary.
    case 'sts:authentication':
      return caller === undefined ? undefined : [String(caller.session !== undefined)];
    default:
      return caller?.session?.claims?.[key];
  }
}

/** Condition keys have no case; the names of tags have. */
export function caseless(tags: ReadonlyMap<string, string> | undefined, key: string): string | undefined {
  for (const [name, value] of tags ?? []) if (name.toLowerCase() === key) return value;
  return undefined;
}

/** Who calls. Auth makes one from a token or a signature; dialects ask it what it may do. */

export interface Principal {
  /** `account:user`, as ACLs name it. */
  readonly id: string;
  /** The names that ACLs may grant to: the user, its account, its roles. */
  readonly groups: readonly string[];
  /** Accounts (with their reseller prefix) in which this principal may do everything. */
  readonly ownedAccounts: readonly string[];
  /** May do everything everywhere, and create and delete accounts. */
  readonly resellerAdmin: boolean;
  /** May read everything everywhere. */
  readonly resellerReader: boolean;
}

/** Whether the principal may do everything in the account. */
export function owns(principal: Principal | undefined, account: string): boolean {
  return principal !== undefined && (principal.resellerAdmin || principal.ownedAccounts.includes(account));
}

/** A principal that signs its requests with a key of its own, and what S3 says of it where it owns something. */
export interface KeyHolder extends Principal {
  readonly accessKey: string;
  /** Where its buckets are made. */
  readonly account: string;
  /** The project that the account is named after, without a reseller prefix: what ARNs call the account. */
  readonly project: string;
  readonly user: string;
  readonly canonicalId: string;
  readonly displayName: string;
  readonly email: string | undefined;
}

/** Who has which access key: the configuration's S3 users, and tempauth's, whose key is `account:user` and whose secret is their password. */
import type { KeyHolder } from '#proxy/core';
import type { TempauthUser } from '../tempauth.ts';

export interface S3User {
  readonly account: string;
  readonly user: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly canonicalId?: string | undefined;
  readonly displayName?: string | undefined;
  readonly email?: string | undefined;
  /** Is of no account: ARNs that name it name none, as those of Ceph's users do. */
  readonly outsideAccounts?: boolean | undefined;
  /** May manage the identities of its account; of those outside of accounts, by default not. */
  readonly managesIdentities?: boolean | undefined;
}

/** Somebody of the configuration, who owns an account or is known in it. */
export interface ConfiguredHolder extends KeyHolder {
  /** What ARNs call the account; '' outside of any. */
  readonly accountId: string;
  readonly managesIdentities: boolean;
}

export interface Credentials<Holder extends KeyHolder = ConfiguredHolder> {
  readonly holder: Holder;
  readonly secret: string;
}

export interface KeyHoldersOptions {
  readonly users: readonly TempauthUser[];
  readonly s3Users: readonly S3User[];
  readonly resellerPrefix: string;
}

export class KeyHolders {
  readonly #byKey = new Map<string, Credentials>();
  readonly #byId = new Map<string, ConfiguredHolder>();
  readonly #byEmail = new Map<string, ConfiguredHolder>();
  readonly #owners = new Map<string, ConfiguredHolder>();
  readonly #inAccount = new Map<string, ConfiguredHolder[]>();

  constructor({ users, s3Users, resellerPrefix }: KeyHoldersOptions) {
    for (const user of users) {
      const id = `${user.account}:${user.user}`;
      const account = `${resellerPrefix}_${user.account}`;
      const powers = (group: string): boolean => user.groups.includes(group);
      const names = user.groups.filter((group) => !group.startsWith('.'));
      this.#add(user.key, {
        id, accessKey: id, account, project: user.account, user: user.user, canonicalId: id, displayName: id, email: undefined,
        groups: [id, user.account, ...names, ...(powers('.admin') ? [account] : [])],
        ownedAccounts: powers('.admin') ? [account] : [],
        resellerAdmin: powers('.reseller_admin'), resellerReader: powers('.reseller_reader'), accountId: user.account, managesIdentities: powers('.admin'),
      });
    }
    for (const user of s3Users) {
      const id = `${user.account}:${user.user}`;
      const account = `${resellerPrefix}_${user.account}`;
      this.#add(user.secretKey, {
        id, accessKey: user.accessKey, account, project: user.account, user: user.user,
        canonicalId: user.canonicalId ?? id, displayName: user.displayName ?? user.user, email: user.email,
        groups: [id, user.account, account], ownedAccounts: [account], resellerAdmin: false, resellerReader: false,
        accountId: user.outsideAccounts === true ? '' : user.account, managesIdentities: user.managesIdentities ?? user.outsideAccounts !== true,
      });
    }
  }

  byAccessKey(accessKey: string): Credentials | undefined {
    return this.#byKey.get(accessKey);
  }

  byCanonicalId(canonicalId: string): ConfiguredHolder | undefined {
    return this.#byId.get(canonicalId);
  }

  byEmail(email: string): ConfiguredHolder | undefined {
    return this.#byEmail.get(email.toLowerCase());
  }

  /** Whose a project's buckets are where nobody of the configuration made them: its root's, or the first's who owns its account. */
  ofProject(project: string): ConfiguredHolder | undefined {
    return this.#owners.get(project);
  }

  inAccount(accountId: string): readonly ConfiguredHolder[] {
    return this.#inAccount.get(accountId) ?? [];
  }

  #add(secret: string, holder: ConfiguredHolder): void {
    this.#byKey.set(holder.accessKey, { holder, secret });
    this.#byId.set(holder.canonicalId, holder);
    if (holder.email !== undefined) this.#byEmail.set(holder.email.toLowerCase(), holder);
    const owns = holder.ownedAccounts.includes(holder.account);
    if (owns && (holder.user === 'root' || !this.#owners.has(holder.project))) this.#owners.set(holder.project, holder);
    this.#inAccount.set(holder.accountId, [...(this.#inAccount.get(holder.accountId) ?? []), holder]);
  }
}

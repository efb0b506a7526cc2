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
}

export interface Credentials {
  readonly holder: KeyHolder;
  readonly secret: string;
}

export interface KeyHoldersOptions {
  readonly users: readonly TempauthUser[];
  readonly s3Users: readonly S3User[];
  readonly resellerPrefix: string;
}

export class KeyHolders {
  readonly #byKey = new Map<string, Credentials>();
  readonly #byId = new Map<string, KeyHolder>();
  readonly #byEmail = new Map<string, KeyHolder>();

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
        resellerAdmin: powers('.reseller_admin'), resellerReader: powers('.reseller_reader'),
      });
    }
    for (const user of s3Users) {
      const id = `${user.account}:${user.user}`;
      const account = `${resellerPrefix}_${user.account}`;
      this.#add(user.secretKey, {
        id, accessKey: user.accessKey, account, project: user.account, user: user.user,
        canonicalId: user.canonicalId ?? id, displayName: user.displayName ?? user.user, email: user.email,
        groups: [id, user.account, account], ownedAccounts: [account], resellerAdmin: false, resellerReader: false,
      });
    }
  }

  byAccessKey(accessKey: string): Credentials | undefined {
    return this.#byKey.get(accessKey);
  }

  byCanonicalId(canonicalId: string): KeyHolder | undefined {
    return this.#byId.get(canonicalId);
  }

  byEmail(email: string): KeyHolder | undefined {
    return this.#byEmail.get(email.toLowerCase());
  }

  #add(secret: string, holder: KeyHolder): void {
    this.#byKey.set(holder.accessKey, { holder, secret });
    this.#byId.set(holder.canonicalId, holder);
    if (holder.email !== undefined) this.#byEmail.set(holder.email.toLowerCase(), holder);
  }
}

/**
 * Tempauth (Swift's own small identity service): users and keys from the configuration, tokens for `X-Auth-Token`. A token is
 * its own proof: who, until when, and an HMAC over both with the cluster's secret and the user's key. So every proxy of the
 * cluster accepts it, a restart forgets none, and a changed key or a removed user ends its tokens at once.
 */
import { createHmac, randomBytes, timingSafeEqual, hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Principal } from '#proxy/core';

export interface TempauthUser {
  readonly account: string;
  readonly user: string;
  readonly key: string;
  /** `.admin` owns its account, `.reseller_admin` all, `.reseller_reader` reads all; others are names for ACLs. */
  readonly groups: readonly string[];
}

export interface TempauthOptions {
  readonly users: readonly TempauthUser[];
  /** Signs tokens; the same on every proxy of the cluster. */
  readonly secret: string;
  /** Put before account names, e.g. `AUTH` for `AUTH_test`. */
  readonly resellerPrefix: string;
  /** More prefixes: the same project has an account under each. */
  readonly servicePrefixes: readonly ServicePrefix[];
  readonly tokenLifeSeconds: number;
}

/** Accounts that a service keeps for its users, e.g. `SERVICE_test` for the backups of `AUTH_test`. */
export interface ServicePrefix {
  readonly prefix: string;
  /** Owners of the project own the account only together with someone of this group, whose token comes as X-Service-Token. */
  readonly requireGroup?: string | undefined;
}

export interface Token {
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly account: string;
}

/** Groups that are no names for ACLs. */
const POWERS: ReadonlySet<string> = new Set(['.admin', '.reseller_admin', '.reseller_reader']);

interface Verified {
  readonly principal: Principal;
  readonly expiresAtSeconds: number;
}

export class Tempauth {
  readonly #options: TempauthOptions;
  readonly #users: ReadonlyMap<string, TempauthUser>;
  readonly #prefixes: readonly ServicePrefix[];
  readonly #verified = new LRUCache<string, Verified>({ max: 10_000 });

  constructor(options: TempauthOptions) {
    this.#options = options;
    this.#prefixes = [{ prefix: options.resellerPrefix }, ...options.servicePrefixes];
    this.#users = new Map(options.users.map((user) => [`${user.account}:${user.user}`, user]));
  }

  /** A token for `account:user` with its key; undefined where they do not belong together. */
  issue(id: string, key: string, nowMs: number, lifeSeconds = this.#options.tokenLifeSeconds): Token | undefined {
    const user = this.#users.get(id);
    const known = user?.key ?? randomBytes(16).toString('hex');
    // Digests of equal length: neither the time of the comparison nor an unknown name tells anything of the key.
    if (!timingSafeEqual(hash('sha256', known, 'buffer'), hash('sha256', key, 'buffer')) || user === undefined) return undefined;
    const expiresInSeconds = Math.max(0, Math.min(lifeSeconds, this.#options.tokenLifeSeconds));
    const claim = Buffer.from(JSON.stringify([id, Math.floor(nowMs / 1000) + expiresInSeconds])).toString('hex');
    return { token: `${this.#tokenPrefix}${claim}${this.#signature(claim, user)}`, expiresInSeconds, account: this.#accountOf(user) };
  }

  /** Who a token speaks for; undefined for one that is not ours, not true, or too old. */
  verify(token: string, nowMs: number): Principal | undefined {
    let verified = this.#verified.get(token);
    if (verified === undefined) {
      verified = this.#verify(token);
      if (verified === undefined) return undefined;
      this.#verified.set(token, verified);
    }
    return verified.expiresAtSeconds * 1000 > nowMs ? verified.principal : undefined;
  }

  /** Who a user's token and a service's token speak for together: both, and owners of what needs both. */
  together(user: Principal, service: Principal): Principal {
    const groups = [...new Set([...user.groups, ...service.groups])];
    return {
      id: user.id,
      groups,
      ownedAccounts: this.#ownedBy(groups),
      resellerAdmin: user.resellerAdmin || service.resellerAdmin,
      resellerReader: user.resellerReader || service.resellerReader,
    };
  }

  /** Whether this service answers for the account. A prefix alone and names with a dot behind it are nobody's. */
  knowsAccount(account: string): boolean {
    return this.#prefixes.some(({ prefix }) => account.startsWith(`${prefix}_`) && account.length > prefix.length + 1 && account[prefix.length + 1] !== '.');
  }

  /** Whether a token looks like one of ours; of others we cannot say that they are not good. */
  knowsToken(token: string): boolean {
    return token.startsWith(`${this.#options.resellerPrefix}_`);
  }

  get #tokenPrefix(): string {
    return `${this.#options.resellerPrefix}_tk`;
  }

  #verify(token: string): Verified | undefined {
    const text = token.startsWith(this.#tokenPrefix) ? token.slice(this.#tokenPrefix.length) : '';
    if (text.length <= 64 || !/^[0-9a-f]+$/.test(text)) return undefined;
    const claim = text.slice(0, -64);
    const parsed = parseClaim(claim);
    const user = parsed === undefined ? undefined : this.#users.get(parsed.id);
    if (parsed === undefined || user === undefined) return undefined;
    if (!timingSafeEqual(Buffer.from(text.slice(-64)), Buffer.from(this.#signature(claim, user)))) return undefined;
    return { principal: this.#principalOf(user), expiresAtSeconds: parsed.expiresAtSeconds };
  }

  #signature(claim: string, user: TempauthUser): string {
    return createHmac('sha256', this.#options.secret).update(`${claim}\n${user.key}`).digest('hex');
  }

  #accountOf(user: TempauthUser): string {
    return `${this.#options.resellerPrefix}_${user.account}`;
  }

  #principalOf(user: TempauthUser): Principal {
    const id = `${user.account}:${user.user}`;
    const accounts = user.groups.includes('.admin') ? this.#prefixes.map(({ prefix }) => `${prefix}_${user.account}`) : [];
    const groups = [id, user.account, ...user.groups.filter((group) => !POWERS.has(group)), ...accounts];
    return {
      id,
      groups,
      ownedAccounts: this.#ownedBy(groups),
      resellerAdmin: user.groups.includes('.reseller_admin'),
      resellerReader: user.groups.includes('.reseller_reader'),
    };
  }

  /** Who is in the group that an account is named after owns it, where its prefix asks for no other group or that is there too. */
  #ownedBy(groups: readonly string[]): string[] {
    return groups.filter((group) => {
      const prefix = this.#prefixes.find((known) => group.startsWith(`${known.prefix}_`));
      return prefix !== undefined && (prefix.requireGroup === undefined || groups.includes(prefix.requireGroup));
    });
  }
}

function parseClaim(hex: string): { id: string; expiresAtSeconds: number } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(hex, 'hex').toString('utf8'));
    if (!Array.isArray(value) || typeof value[0] !== 'string' || typeof value[1] !== 'number') return undefined;
    return { id: value[0], expiresAtSeconds: value[1] };
  } catch {
    return undefined;
  }
}

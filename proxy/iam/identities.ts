/**
 * Who signs with an access key: somebody of the configuration, a user made through the API, or a session of either or of a role; each with the
 * policies that say what he may. Asked at every signed request, so what was found is kept for a moment: a change made through another proxy is
 * felt after CACHE_MS at the latest, one made through this proxy at once.
 */
import { LRUCache } from 'lru-cache';
import { StoreError } from '#common';
import type { KeyHolder, Store } from '#proxy/core';
import type { AccountOwner, Caller, CallerSession } from './caller.ts';
import { Directory } from './directory.ts';
import { arnOf, type Group, type Role, type Tags, type User } from './entities.ts';
import { parsePolicy, type PolicyDocument } from './policy/document.ts';
import { SealedKeys } from './sealed-keys.ts';
import type { SessionClaims, SessionTokens } from './session-tokens.ts';

const CACHE_MS = 3000;
const CACHE_ENTRIES = 20_000;

export interface CallerCredentials {
  readonly holder: Caller;
  readonly secret: string;
}

/**
 * Who owns accounts, and who is known of them before anything is made through the API: today the configuration. An identity service takes its
 * place by answering the same.
 */
export interface Owners {
  byAccessKey(accessKey: string): { readonly holder: AccountOwner; readonly secret: string } | undefined;
  /** Whose the buckets of a project are. */
  ofProject(project: string): AccountOwner | undefined;
  inAccount(accountId: string): readonly AccountOwner[];
}

export interface IdentitiesOptions {
  readonly store: Store;
  readonly owners: Owners;
  readonly tokens: SessionTokens;
}

export class Identities {
  readonly directory: Directory;
  readonly owners: Owners;
  readonly sealedKeys: SealedKeys;
  readonly #tokens: SessionTokens;
  readonly #nowMs: () => number;
  readonly #known = new LRUCache<string, { readonly atMs: number; readonly found: Promise<CallerCredentials | undefined> }>({ max: CACHE_ENTRIES });
  readonly #parsed = new LRUCache<string, PolicyDocument>({ max: 5000 });

  constructor({ store, owners, tokens }: IdentitiesOptions) {
    this.directory = new Directory(store);
    this.owners = owners;
    this.sealedKeys = new SealedKeys(store.encryption.roots);
    this.#tokens = tokens;
    this.#nowMs = () => store.cluster.clock.nowMs();
  }

  /** Whose the key is, and the secret it signs with; undefined for a key that is nobody's. Throws `unauthenticated` that says InvalidToken or ExpiredToken. */
  credentials(accessKey: string, token: string | undefined): Promise<CallerCredentials | undefined> {
    const name = token === undefined ? accessKey : `${accessKey}\n${token}`;
    const held = this.#known.get(name);
    const claims = token === undefined ? undefined : this.#claimsOf(accessKey, token);
    if (held !== undefined && this.#nowMs() - held.atMs < CACHE_MS) return held.found;
    const found = claims === undefined ? this.#ofKey(accessKey) : this.#ofSession(claims);
    this.#known.set(name, { atMs: this.#nowMs(), found });
    found.catch(() => this.#known.delete(name));
    return found;
  }

  /** Forgets what it knows: something was changed. */
  forget(): void {
    this.#known.clear();
  }

  #claimsOf(accessKey: string, token: string): SessionClaims {
    const claims = this.#tokens.open(token);
    if (claims === undefined || claims.accessKey !== accessKey) throw tokenFault('InvalidToken', 'The provided token is malformed or otherwise invalid.');
    if (this.#nowMs() >= claims.expiresAtSeconds * 1000) throw tokenFault('ExpiredToken', 'The provided token has expired.');
    return claims;
  }

  async #ofKey(accessKey: string, session?: CallerSession): Promise<CallerCredentials | undefined> {
    const configured = this.owners.byAccessKey(accessKey);
    if (configured !== undefined) return { holder: await this.#configured(configured.holder, session), secret: configured.secret };
    const key = await this.directory.key(accessKey);
    const user = key === undefined ? undefined : await this.directory.users.byId(key.account, key.userId);
    if (key === undefined || user?.keys.find(({ id }) => id === accessKey)?.active !== true) return undefined;
    const owner = user.configured === true ? this.owners.inAccount(key.account).find(({ canonicalId }) => canonicalId === user.id) : this.owners.ofProject(user.project);
    if (owner === undefined) return undefined;
    const holder = user.configured === true ? await this.#configured({ ...owner, accessKey }, session) : await this.#user(user, { account: key.account, owner, accessKey, session });
    return { holder, secret: this.sealedKeys.open(key.secret, accessKey) };
  }

  async #ofSession(claims: SessionClaims): Promise<CallerCredentials | undefined> {
    const { account, of, accessKey } = claims;
    const policies = await this.#sessionPolicies(claims);
    const session = { issuedAtSeconds: claims.issuedAtSeconds, policies, sourceIdentity: claims.sourceIdentity, claims: claims.claims };
    const secret = this.#tokens.secretOf(accessKey);
    if ('key' in of) {
      const parent = await this.#ofKey(of.key, session);
      return parent === undefined ? undefined : { holder: { ...parent.holder, accessKey }, secret };
    }
    const role = await this.directory.role(account, of.role);
    const owner = role === undefined ? undefined : this.owners.ofProject(role.project);
    if (role === undefined || owner === undefined || role.id !== of.id) return undefined;
    return { holder: await this.#roleSession(role, { account, owner, accessKey, name: of.name, tags: claims.tags ?? [], session }), secret };
  }

  async #sessionPolicies({ account, policies = [], policyArns = [] }: SessionClaims): Promise<PolicyDocument[] | undefined> {
    if (policies.length === 0 && policyArns.length === 0) return undefined;
    const managed = await Promise.all(policyArns.map((arn) => this.directory.managedText(account, arn)));
    return [...policies, ...managed.filter((text) => text !== undefined)].map((text) => this.#parse(text));
  }

  async #configured(owner: AccountOwner, session: CallerSession | undefined): Promise<Caller> {
    const { accountId, canonicalId, project, ownedAccounts, account, resellerAdmin } = owner;
    const name = configuredName(owner);
    const arn = name === undefined ? `arn:aws:iam::${accountId}:root` : `arn:aws:iam::${accountId}:user/${name}`;
    const record = await this.directory.users.byId(accountId, canonicalId);
    const { policies, boundary } = record === undefined ? { policies: [], boundary: undefined } : await this.#policiesOf(accountId, record);
    return {
      ...owner,
      kind: name === undefined ? 'root' : 'user',
      arn,
      arns: name === undefined ? new Map() : new Map([[arn, 'session' as const], [`arn:aws:iam:::user/${canonicalId}`, 'session' as const]]),
      accountNames: [project, canonicalId],
      userId: name === undefined ? accountId : canonicalId,
      userName: name,
      trusted: true,
      managesIdentities: owner.managesIdentities && (resellerAdmin || ownedAccounts.includes(account)),
      policies,
      boundary,
      tags: new Map(record?.tags ?? []),
      session,
    };
  }

  async #user(user: User, { account, owner, accessKey, session }: { account: string; owner: AccountOwner; accessKey: string; session: CallerSession | undefined }): Promise<Caller> {
    const arn = arnOf('user', account, user);
    return {
      ...ordinary(owner, accessKey, user.name),
      kind: 'user', arn, arns: new Map([[arn, 'session']]), accountId: account, accountNames: [owner.project], userId: user.id, userName: user.name,
      trusted: false, managesIdentities: false, ...(await this.#policiesOf(account, user)), tags: new Map(user.tags), session,
    };
  }

  async #roleSession(role: Role, { account, owner, accessKey, name, tags, session }: { account: string; owner: AccountOwner; accessKey: string; name: string; tags: Tags; session: CallerSession }): Promise<Caller> {
    const roleArn = arnOf('role', account, role);
    const arn = `arn:aws:sts::${account}:assumed-role/${role.name}/${name}`;
    // Outside of accounts policies are Ceph's, which calls a session so.
    const alias = account === '' ? [[`arn:aws:iam:::assumed-role/${role.name}/${name}`, 'session'] as const] : [];
    return {
      ...ordinary(owner, accessKey, `${role.name}/${name}`),
      kind: 'role', arn, arns: new Map([[roleArn, 'principal'], [arn, 'session'], ...alias]), accountId: account, accountNames: [owner.project], userId: `${role.id}:${name}`, userName: undefined,
      trusted: false, managesIdentities: false, ...(await this.#policiesOf(account, role)), tags: new Map([...role.tags, ...tags]), session: { ...session, roleArn, roleId: role.id, name },
    };
  }

  async #policiesOf(account: string, holder: User | Role): Promise<{ policies: PolicyDocument[]; boundary: PolicyDocument | undefined }> {
    const groups = 'groups' in holder ? await Promise.all(holder.groups.map((id) => this.directory.groups.byId(account, id))) : [];
    const all: (User | Role | Group)[] = [holder, ...groups.filter((group) => group !== undefined)];
    const arns = all.flatMap(({ attached }) => attached);
    const managed = await Promise.all(arns.map((arn) => this.directory.managedText(account, arn)));
    const texts = [...all.flatMap(({ inline }) => Object.values(inline)), ...managed.filter((text) => text !== undefined)];
    const boundary = holder.boundary === undefined ? undefined : ((await this.directory.managedText(account, holder.boundary)) ?? NOTHING);
    return { policies: texts.map((text) => this.#parse(text)), boundary: boundary === undefined ? undefined : this.#parse(boundary) };
  }

  #parse(text: string): PolicyDocument {
    let document = this.#parsed.get(text);
    if (document === undefined) this.#parsed.set(text, (document = parsePolicy(text, 'identity')));
    return document;
  }
}

/** What a boundary that is gone leaves: nothing. */
const NOTHING = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] });

/** What IAM calls somebody of the configuration; undefined for the root of an account. */
export function configuredName({ accountId, canonicalId, user }: AccountOwner): string | undefined {
  if (accountId === '') return canonicalId;
  return user === 'root' ? undefined : user;
}

/** The account's, as somebody who owns nothing of it himself. */
function ordinary(owner: AccountOwner, accessKey: string, user: string): KeyHolder {
  return { ...owner, accessKey, user, id: `${owner.project}:${user}`, groups: [], ownedAccounts: [], resellerAdmin: false, resellerReader: false };
}

function tokenFault(code: 'InvalidToken' | 'ExpiredToken', message: string): StoreError {
  return new StoreError('unauthenticated', message, { detail: { code } });
}

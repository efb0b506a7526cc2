/** The identities of all accounts, as the API changes them and as requests are judged by them. */
import type { Store } from '#proxy/core';
import type { Group, KeyRecord, ManagedPolicy, Provider, Role, User } from './entities.ts';
import { IamFault } from './faults.ts';
import { managedText, policyName } from './managed-policies.ts';
import { NamedRecords, pageOf, type Page, type PageQuery } from './named-records.ts';
import { Records, type RecordKind } from './records.ts';

const PAGE = 200;
const MAX_LINKS = 10_000;

/** What has a policy attached. */
export interface Attachment {
  readonly kind: 'user' | 'group' | 'role';
  /** Its id; of a role, its name. */
  readonly holder: string;
}

export class Directory {
  readonly users: NamedRecords<User>;
  readonly groups: NamedRecords<Group>;
  readonly #records: Records;

  constructor(store: Store) {
    const nowMs = (): number => store.cluster.clock.nowMs();
    this.#records = new Records(store);
    this.users = new NamedRecords<User>(this.#records, 'user', nowMs);
    this.groups = new NamedRecords<Group>(this.#records, 'group', nowMs);
  }

  role(account: string, name: string): Promise<Role | undefined> {
    return this.#byName('role', account, name);
  }

  policy(account: string, name: string): Promise<ManagedPolicy | undefined> {
    return this.#byName('policy', account, name);
  }

  /** `name` is the issuer's, without a scheme. */
  provider(account: string, name: string): Promise<Provider | undefined> {
    return this.#byName('provider', account, name);
  }

  async key(id: string): Promise<KeyRecord | undefined> {
    return (await this.#records.read<KeyRecord>({ kind: 'key', account: '', name: id }))?.value;
  }

  async addKey(id: string, key: KeyRecord): Promise<void> {
    await this.#records.create({ kind: 'key', account: '', name: id }, key);
  }

  removeKey(id: string): Promise<void> {
    return this.#records.remove({ kind: 'key', account: '', name: id });
  }

  /** False where there is one of that name, whatever its case. */
  create(kind: 'role' | 'policy' | 'provider', account: string, name: string, value: Role | ManagedPolicy | Provider): Promise<boolean> {
    return this.#records.create({ kind, account, name: name.toLowerCase() }, value);
  }

  change<T extends Role | ManagedPolicy | Provider>(kind: 'role' | 'policy' | 'provider', account: string, name: string, change: (value: T) => T | undefined): Promise<T | undefined> {
    return this.#records.change<T>({ kind, account, name: name.toLowerCase() }, change);
  }

  remove(kind: 'role' | 'policy' | 'provider', account: string, name: string): Promise<void> {
    return this.#records.remove({ kind, account, name: name.toLowerCase() });
  }

  /** Removes it where `mayGo` does not throw of it as it is then. False where it is gone already. */
  removeIf<T extends Role | ManagedPolicy>(kind: 'role' | 'policy', account: string, name: string, mayGo: (value: T) => void): Promise<boolean> {
    return this.#records.removeIf<T>({ kind, account, name: name.toLowerCase() }, mayGo);
  }

  page<T extends Role | ManagedPolicy>(kind: 'role' | 'policy', account: string, { marker, limit, pathPrefix }: PageQuery): Promise<Page<T>> {
    return pageOf(limit, marker, (after) => this.#records.names({ kind, account }, { marker: after, limit: PAGE }), async (name) => {
      const found = await this.#byName<T>(kind, account, name);
      return found?.path.startsWith(pathPrefix) === true ? found : undefined;
    });
  }

  async providers(account: string): Promise<Provider[]> {
    const { entries } = await pageOf(PAGE, '', (marker) => this.#records.names({ kind: 'provider', account }, { marker, limit: PAGE }), (name) => this.provider(account, name));
    return [...entries];
  }

  /** Ids of users that are noted as members; each says itself whether it is one. */
  members(account: string, groupId: string): Promise<string[]> {
    return this.#links(account, `group ${groupId} `);
  }

  noteMember(account: string, groupId: string, userId: string): Promise<boolean> {
    return this.#records.create({ kind: 'member', account, name: `group ${groupId} ${userId}` }, {});
  }

  forgetMember(account: string, groupId: string, userId: string): Promise<void> {
    return this.#records.remove({ kind: 'member', account, name: `group ${groupId} ${userId}` });
  }

  /** What is noted to have the policy; each says itself whether it has. */
  async attachments(account: string, arn: string): Promise<Attachment[]> {
    const links = await this.#links(account, `policy ${arn} `);
    return links.map((link) => ({ kind: link.slice(0, link.indexOf(' ')) as Attachment['kind'], holder: link.slice(link.indexOf(' ') + 1) }));
  }

  noteAttachment(account: string, arn: string, { kind, holder }: Attachment): Promise<boolean> {
    return this.#records.create({ kind: 'member', account, name: `policy ${arn} ${kind} ${holder}` }, {});
  }

  forgetAttachment(account: string, arn: string, { kind, holder }: Attachment): Promise<void> {
    return this.#records.remove({ kind: 'member', account, name: `policy ${arn} ${kind} ${holder}` });
  }

  /** The text of a managed policy, of AWS's own or of the account; undefined where there is none. */
  async managedText(account: string, arn: string): Promise<string | undefined> {
    const own = managedText(arn);
    if (own !== undefined) return own;
    const policy = arn.startsWith(`arn:aws:iam::${account}:policy/`) ? await this.policy(account, policyName(arn)) : undefined;
    if (policy === undefined || `arn:aws:iam::${account}:policy${policy.path}${policy.name}` !== arn) return undefined;
    return policy.versions.find(({ id }) => id === policy.defaultVersion)?.text;
  }

  async #byName<T>(kind: RecordKind, account: string, name: string): Promise<T | undefined> {
    return (await this.#records.read<T>({ kind, account, name: name.toLowerCase() }))?.value;
  }

  async #links(account: string, prefix: string): Promise<string[]> {
    const { names, more } = await this.#records.names({ kind: 'member', account }, { prefix, limit: MAX_LINKS });
    if (more) throw new IamFault('LimitExceeded', `more than ${MAX_LINKS} are bound to it`);
    return names.map((name) => name.slice(prefix.length));
  }
}

/** What policies can be attached to: a user, a group or a role, each named by a parameter of its own and changed in the same ways. */
import { authorize, required, text, type Call } from './call.ts';
import { arnOf, type Group, type Role, type User } from './entities.ts';
import { IamFault, noSuch } from './faults.ts';
import { configuredName } from './identities.ts';
import type { AccountOwner } from './caller.ts';
import type { Attachment } from './directory.ts';

export type BearerKind = 'user' | 'group' | 'role';
export const BEARERS: Readonly<Record<BearerKind, string>> = { user: 'User', group: 'Group', role: 'Role' };
export const NAME = /^[\w+=,.@-]+$/;

export interface Bearer {
  readonly value: User | Group | Role;
  readonly arn: string;
  /** How others refer to it. */
  readonly link: Attachment;
  /** Changes it; `change` may throw. Throws NoSuchEntity where it is gone meanwhile. */
  change(change: <T extends User | Group | Role>(value: T) => T): Promise<void>;
}

/** The user that the call names, or its caller; who is named in the configuration too. Throws AccessDenied before NoSuchEntity. */
export async function userOf(call: Call): Promise<User> {
  const name = text(call, 'UserName') ?? call.caller.userName;
  if (name === undefined) {
    authorize(call, call.caller.arn);
    return rootOf(call);
  }
  const user = await findUser(call, name);
  authorize(call, user === undefined ? arnOf('user', call.account, { path: '/', name }) : arnOf('user', call.account, user), { values: user === undefined ? {} : resourceTags(user) });
  if (user === undefined) throw noSuch('user', name);
  return user;
}

/** The keys and policies of an account's root have no name. */
async function rootOf({ caller, identities, account }: Call): Promise<User> {
  const owner = identities.owners.inAccount(account).find(({ canonicalId }) => canonicalId === caller.canonicalId);
  if (owner === undefined || caller.kind !== 'root') throw new IamFault('ValidationError', 'Must specify userName when calling with non-User credentials');
  return (await identities.directory.users.byId(account, owner.canonicalId)) ?? configuredUser(owner);
}

export async function findUser({ identities, account }: Call, name: string): Promise<User | undefined> {
  const owner = identities.owners.inAccount(account).find((each) => configuredName(each)?.toLowerCase() === name.toLowerCase());
  if (owner === undefined) return identities.directory.users.byName(account, name);
  return (await identities.directory.users.byId(account, owner.canonicalId)) ?? configuredUser(owner);
}

/** What there is to know of somebody of the configuration who has no record yet. */
export function configuredUser(owner: AccountOwner): User {
  const { canonicalId, project } = owner;
  return { id: canonicalId, name: configuredName(owner) ?? 'root', path: '/', createdAtMs: 0, inline: {}, attached: [], project, groups: [], keys: [], tags: [], configured: true };
}

export async function changeUser({ identities, account }: Call, user: User, change: (user: User) => User): Promise<User> {
  const changed = await identities.directory.users.change(account, user.id, change, user.configured === true ? user : undefined);
  identities.forget();
  if (changed === undefined) throw noSuch('user', user.name);
  return changed;
}

export function resourceTags({ tags }: { tags: User['tags'] }): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(tags.flatMap(([key, value]) => [[`aws:resourcetag/${key.toLowerCase()}`, [value]], [`iam:resourcetag/${key.toLowerCase()}`, [value]]]));
}

export async function groupOf(call: Call): Promise<Group> {
  const name = required(call, 'GroupName', NAME);
  const group = await call.identities.directory.groups.byName(call.account, name);
  authorize(call, arnOf('group', call.account, group ?? { path: '/', name }));
  if (group === undefined) throw noSuch('group', name);
  return group;
}

export async function roleOf(call: Call): Promise<Role> {
  const name = required(call, 'RoleName', NAME);
  const role = await call.identities.directory.role(call.account, name);
  authorize(call, arnOf('role', call.account, role ?? { path: '/', name }), { values: role === undefined ? {} : resourceTags(role) });
  if (role === undefined) throw noSuch('role', name);
  return role;
}

export async function bearerOf(call: Call, kind: BearerKind): Promise<Bearer> {
  const { directory } = call.identities;
  const { account } = call;
  switch (kind) {
    case 'user': {
      required(call, 'UserName');
      const value = await userOf(call);
      return { value, arn: arnOf(kind, account, value), link: { kind, holder: value.id }, change: async (change) => void (await changeUser(call, value, change)) };
    }
    case 'group': {
      const value = await groupOf(call);
      return { value, arn: arnOf(kind, account, value), link: { kind, holder: value.id }, change: async (change) => present(call, await directory.groups.change(account, value.id, change), kind, value.name) };
    }
    case 'role': {
      const value = await roleOf(call);
      return { value, arn: arnOf(kind, account, value), link: { kind, holder: value.name }, change: async (change) => present(call, await directory.change<Role>('role', account, value.name, change), kind, value.name) };
    }
  }
}

function present({ identities }: Call, changed: object | undefined, kind: string, name: string): void {
  identities.forget();
  if (changed === undefined) throw noSuch(kind, name);
}

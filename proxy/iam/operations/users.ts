/** Users ("Actions" of the IAM API reference): made, found, renamed, tagged and removed. Those of the configuration are found too, and cannot be removed. */
import { element, leaf } from '#common/xml';
import { changeUser, configuredUser, findUser, NAME, userOf } from '../bearers.ts';
import { authorize, dateXml, listXml, members, pageQuery, pagingXml, pathOf, required, requestTagValues, tagsOf, tagsXml, text, type Call, type Operation } from '../call.ts';
import { arnOf, newId, type Tags, type User } from '../entities.ts';
import { IamFault, noSuch } from '../faults.ts';
import { configuredName } from '../identities.ts';

const USERS_QUOTA = 5000;

export function userXml(account: string, user: User, root = false): string {
  return leaf('Path', user.path) + (root ? '' : leaf('UserName', user.name)) + leaf('UserId', root ? account : user.id) + leaf('Arn', root ? `arn:aws:iam::${account}:root` : arnOf('user', account, user)) + dateXml('CreateDate', user.createdAtMs);
}

function boundaryXml({ boundary }: { boundary?: string | undefined }): string {
  return boundary === undefined ? '' : element('PermissionsBoundary', leaf('PermissionsBoundaryType', 'Policy'), leaf('PermissionsBoundaryArn', boundary));
}

export const createUser: Operation = async (call) => {
  const { account, identities, caller, nowMs } = call;
  const name = required(call, 'UserName', NAME);
  const path = pathOf(call);
  const tags = tagsOf(call);
  authorize(call, arnOf('user', account, { path, name }), { values: { ...requestTagValues(tags), 'iam:permissionsboundary': one(text(call, 'PermissionsBoundary')) } });
  if (name.length > 64) throw new IamFault('ValidationError', 'A user name may have 64 characters.');
  const boundary = await checkedBoundary(call);
  const user: User = { id: newId('user'), name, path, createdAtMs: nowMs, inline: {}, attached: [], project: caller.project, groups: [], keys: [], tags, boundary };
  const taken = identities.owners.inAccount(account).some((owner) => configuredName(owner)?.toLowerCase() === name.toLowerCase());
  if (taken || !(await identities.directory.users.create(account, user))) throw new IamFault('EntityAlreadyExists', `User with name ${name} already exists.`);
  identities.forget();
  return element('User', userXml(account, user), boundaryXml(user), tagsXml(tags));
};

export const getUser: Operation = async (call) => {
  const user = await userOf(call);
  const root = user.configured === true && user.name === 'root' && call.account !== '';
  return element('User', userXml(call.account, user, root), boundaryXml(user), tagsXml(user.tags));
};

export const listUsers: Operation = async (call) => {
  const { account, identities } = call;
  const query = pageQuery(call);
  authorize(call, arnOf('user', account, { path: query.pathPrefix, name: '' }));
  const { entries, next } = await identities.directory.users.page(account, query);
  // Those of the configuration are few, and stand before the first page.
  const configured = query.marker !== '' || query.pathPrefix !== '/' ? [] : identities.owners.inAccount(account).filter((owner) => configuredName(owner) !== undefined).map(configuredUser);
  return listXml('Users', [...configured, ...entries].map((user) => userXml(account, user))) + pagingXml(next);
};

export const updateUser: Operation = async (call) => {
  const { account, identities } = call;
  required(call, 'UserName');
  const user = await userOf(call);
  const name = text(call, 'NewUserName') === undefined ? user.name : required(call, 'NewUserName', NAME);
  const path = text(call, 'NewPath') === undefined ? user.path : pathOf(call, 'NewPath');
  authorize(call, arnOf('user', account, { path, name }));
  refuseConfigured(user);
  if ((await findUser(call, name))?.configured === true) throw new IamFault('EntityAlreadyExists', `User with name ${name} already exists.`);
  await identities.directory.users.rename(account, user, { name, path });
  identities.forget();
  return '';
};

export const deleteUser: Operation = async (call) => {
  const { account, identities } = call;
  required(call, 'UserName');
  const user = await userOf(call);
  refuseConfigured(user);
  const gone = await identities.directory.users.remove(account, user.id, ({ keys, attached, inline, groups }) => {
    if (keys.length > 0) throw conflict('access keys');
    if (attached.length > 0) throw conflict('attached policies: detach all policies first');
    if (Object.keys(inline).length > 0) throw conflict('policies: delete policies first');
    if (groups.length > 0) throw conflict('groups: remove users from group first');
  });
  identities.forget();
  if (!gone) throw noSuch('user', user.name);
  return '';
};

export const tagUser: Operation = async (call) => {
  const tags = tagsOf(call);
  await changeUser(call, await userOf(call), (current) => ({ ...current, tags: mergedTags(current.tags, tags) }));
  return '';
};

export const untagUser: Operation = async (call) => {
  const keys = members(call, 'TagKeys');
  await changeUser(call, await userOf(call), (current) => ({ ...current, tags: current.tags.filter(([key]) => !keys.includes(key)) }));
  return '';
};

export const listUserTags: Operation = async (call) => {
  const { tags } = await userOf(call);
  return listXml('Tags', tags.map(([key, value]) => leaf('Key', key) + leaf('Value', value))) + pagingXml(undefined);
};

export const putUserPermissionsBoundary: Operation = async (call) => {
  const user = await userOf(call);
  const boundary = await checkedBoundary(call);
  await changeUser(call, user, (current) => ({ ...current, boundary }));
  return '';
};

export const deleteUserPermissionsBoundary: Operation = async (call) => {
  await changeUser(call, await userOf(call), ({ boundary: _, ...rest }) => rest);
  return '';
};

/** Of what AWS's users have beside these, there is none here: tools ask before they delete a user. */
export function nothingOf(list: string): Operation {
  return async (call) => {
    await userOf(call);
    return listXml(list, []) + pagingXml(undefined);
  };
}

export const getLoginProfile: Operation = async (call) => {
  const { name } = await userOf(call);
  throw new IamFault('NoSuchEntity', `Login Profile for User ${name} cannot be found.`);
};

export const getAccountSummary: Operation = async (call) => {
  const { account, identities } = call;
  authorize(call, '*');
  const all = { marker: '', limit: USERS_QUOTA, pathPrefix: '/' };
  const [users, groups, roles, policies] = await Promise.all([identities.directory.users.page(account, all), identities.directory.groups.page(account, all), identities.directory.page('role', account, all), identities.directory.page('policy', account, all)]);
  const counts = { Users: users.entries.length, UsersQuota: USERS_QUOTA, Groups: groups.entries.length, GroupsQuota: 300, Roles: roles.entries.length, RolesQuota: 1000, Policies: policies.entries.length, PoliciesQuota: 1500, AccessKeysPerUserQuota: 2, AttachedPoliciesPerUserQuota: 10, AttachedPoliciesPerGroupQuota: 10, AttachedPoliciesPerRoleQuota: 10, GroupsPerUserQuota: 10, UserPolicySizeQuota: 2048, GroupPolicySizeQuota: 5120, PolicySizeQuota: 6144, PolicyVersionsInUseQuota: 10_000, VersionsPerPolicyQuota: 5, MFADevices: 0, MFADevicesInUse: 0, AccountMFAEnabled: 0 };
  return element('SummaryMap', ...Object.entries(counts).map(([key, value]) => element('entry', leaf('key', key), leaf('value', value))));
};

export const listAccountAliases: Operation = async (call) => {
  authorize(call, '*');
  return listXml('AccountAliases', []) + pagingXml(undefined);
};

/** The boundary that a call names, which has to be there. */
export async function checkedBoundary(call: Call): Promise<string | undefined> {
  const arn = text(call, 'PermissionsBoundary');
  if (arn !== undefined && (await call.identities.directory.managedText(call.account, arn)) === undefined) throw new IamFault('NoSuchEntity', `Scope ARN: ${arn} does not exist or is not attachable.`);
  return arn;
}

export function mergedTags(before: Tags, added: Tags): Tags {
  const names = new Set(added.map(([key]) => key.toLowerCase()));
  const merged = [...before.filter(([key]) => !names.has(key.toLowerCase())), ...added];
  if (merged.length > 50) throw new IamFault('LimitExceeded', 'Cannot exceed quota for TagsPerResource: 50');
  return merged;
}

function refuseConfigured(user: User): void {
  if (user.configured === true) throw new IamFault('UnmodifiableEntity', `The user ${user.name} is named in the configuration of the cluster and cannot be changed here.`);
}

export function conflict(what: string): IamFault {
  return new IamFault('DeleteConflict', `Cannot delete entity, must remove ${what}.`);
}

function one(value: string | undefined): readonly string[] | undefined {
  return value === undefined ? undefined : [value];
}

/** Groups, and who is in them. A user says itself which groups it is in; a group's list of members is only where to look. */
import { element, leaf } from '#common/xml';
import { changeUser, findUser, groupOf, NAME, userOf } from '../bearers.ts';
import { authorize, dateXml, listXml, pageOfAll, pageQuery, pagingXml, pathOf, required, text, type Operation } from '../call.ts';
import { arnOf, newId, type Group } from '../entities.ts';
import { IamFault, noSuch } from '../faults.ts';
import { conflict, userXml } from './users.ts';

const GROUPS_PER_USER = 10;

function groupXml(account: string, group: Group): string {
  return leaf('Path', group.path) + leaf('GroupName', group.name) + leaf('GroupId', group.id) + leaf('Arn', arnOf('group', account, group)) + dateXml('CreateDate', group.createdAtMs);
}

export const createGroup: Operation = async (call) => {
  const { account, identities, nowMs } = call;
  const name = required(call, 'GroupName', NAME);
  const path = pathOf(call);
  authorize(call, arnOf('group', account, { path, name }));
  if (name.length > 128) throw new IamFault('ValidationError', 'A group name may have 128 characters.');
  const group: Group = { id: newId('group'), name, path, createdAtMs: nowMs, inline: {}, attached: [] };
  if (!(await identities.directory.groups.create(account, group))) throw new IamFault('EntityAlreadyExists', `Group with name ${name} already exists.`);
  return element('Group', groupXml(account, group));
};

export const getGroup: Operation = async (call) => {
  const { account, identities } = call;
  const group = await groupOf(call);
  const noted = await identities.directory.members(account, group.id);
  const users = (await Promise.all(noted.map((id) => identities.directory.users.byId(account, id)))).filter((user) => user?.groups.includes(group.id) === true).map((user) => user!);
  const { entries, next } = pageOfAll(users.toSorted((a, b) => (a.name < b.name ? -1 : 1)), ({ name }) => name, pageQuery(call));
  return element('Group', groupXml(account, group)) + listXml('Users', entries.map((user) => userXml(account, user))) + pagingXml(next);
};

export const listGroups: Operation = async (call) => {
  const { account, identities } = call;
  const query = pageQuery(call);
  authorize(call, arnOf('group', account, { path: query.pathPrefix, name: '' }));
  const { entries, next } = await identities.directory.groups.page(account, query);
  return listXml('Groups', entries.map((group) => groupXml(account, group))) + pagingXml(next);
};

export const updateGroup: Operation = async (call) => {
  const { account, identities } = call;
  const group = await groupOf(call);
  const name = text(call, 'NewGroupName') === undefined ? group.name : required(call, 'NewGroupName', NAME);
  const path = text(call, 'NewPath') === undefined ? group.path : pathOf(call, 'NewPath');
  authorize(call, arnOf('group', account, { path, name }));
  await identities.directory.groups.rename(account, group, { name, path });
  return '';
};

export const deleteGroup: Operation = async (call) => {
  const { account, identities } = call;
  const group = await groupOf(call);
  const noted = await identities.directory.members(account, group.id);
  const members = (await Promise.all(noted.map((id) => identities.directory.users.byId(account, id)))).filter((user) => user?.groups.includes(group.id) === true);
  if (members.length > 0) throw conflict('users in group first');
  const gone = await identities.directory.groups.remove(account, group.id, ({ attached, inline }) => {
    if (attached.length > 0) throw conflict('attached policies: detach all policies first');
    if (Object.keys(inline).length > 0) throw conflict('policies: delete policies first');
  });
  if (!gone) throw noSuch('group', group.name);
  await Promise.all(noted.map((id) => identities.directory.forgetMember(account, group.id, id)));
  identities.forget();
  return '';
};

export const addUserToGroup: Operation = async (call) => {
  const group = await groupOf(call);
  const name = required(call, 'UserName');
  const user = await findUser(call, name);
  if (user === undefined) throw noSuch('user', name);
  await call.identities.directory.noteMember(call.account, group.id, user.id);
  await changeUser(call, user, (current) => {
    if (current.groups.includes(group.id)) return current;
    if (current.groups.length >= GROUPS_PER_USER) throw new IamFault('LimitExceeded', `Cannot exceed quota for GroupsPerUser: ${GROUPS_PER_USER}`);
    return { ...current, groups: [...current.groups, group.id] };
  });
  return '';
};

export const removeUserFromGroup: Operation = async (call) => {
  const group = await groupOf(call);
  const name = required(call, 'UserName');
  const user = await findUser(call, name);
  if (user?.groups.includes(group.id) !== true) throw noSuch('user', name);
  await changeUser(call, user, (current) => ({ ...current, groups: current.groups.filter((id) => id !== group.id) }));
  await call.identities.directory.forgetMember(call.account, group.id, user.id);
  return '';
};

export const listGroupsForUser: Operation = async (call) => {
  const { account, identities } = call;
  required(call, 'UserName');
  const user = await userOf(call);
  const groups = (await Promise.all(user.groups.map((id) => identities.directory.groups.byId(account, id)))).filter((group) => group !== undefined);
  const { entries, next } = pageOfAll(groups.toSorted((a, b) => (a.name < b.name ? -1 : 1)), ({ name }) => name, pageQuery(call));
  return listXml('Groups', entries.map((group) => groupXml(account, group))) + pagingXml(next);
};

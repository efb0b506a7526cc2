/** Roles: what a session may do, and who may begin one. */
import { element, leaf } from '#common/xml';
import { NAME, roleOf } from '../bearers.ts';
import { authorize, dateXml, listXml, members, numeric, pageQuery, pagingXml, pathOf, required, requestTagValues, tagsOf, tagsXml, text, type Call, type Operation } from '../call.ts';
import { arnOf, newId, type Role } from '../entities.ts';
import { IamFault, noSuch } from '../faults.ts';
import { checkPolicy, encodedPolicy } from '../policy-texts.ts';
import { checkedBoundary, conflict, mergedTags } from './users.ts';

const SESSION = { least: 3600, most: 43_200, otherwise: 3600 };

function roleXml(account: string, role: Role, whole = true): string {
  return leaf('Path', role.path) + leaf('RoleName', role.name) + leaf('RoleId', role.id) + leaf('Arn', arnOf('role', account, role)) + dateXml('CreateDate', role.createdAtMs) + leaf('AssumeRolePolicyDocument', encodedPolicy(role.trust)) +
    (whole ? leaf('Description', role.description) + leaf('MaxSessionDuration', role.maxSessionSeconds) : '') + (role.boundary === undefined ? '' : element('PermissionsBoundary', leaf('PermissionsBoundaryType', 'Policy'), leaf('PermissionsBoundaryArn', role.boundary)));
}

export const createRole: Operation = async (call) => {
  const { account, identities, caller, nowMs } = call;
  const name = required(call, 'RoleName', NAME);
  const path = pathOf(call);
  const tags = tagsOf(call);
  const boundary = text(call, 'PermissionsBoundary');
  authorize(call, arnOf('role', account, { path, name }), { values: { ...requestTagValues(tags), 'iam:permissionsboundary': boundary === undefined ? undefined : [boundary] } });
  if (name.length > 64) throw new IamFault('ValidationError', 'A role name may have 64 characters.');
  const trust = checkPolicy(required(call, 'AssumeRolePolicyDocument'), 'trust', 2048);
  const role: Role = { id: newId('role'), name, path, createdAtMs: nowMs, inline: {}, attached: [], project: caller.project, trust, description: text(call, 'Description'), maxSessionSeconds: numeric(call, 'MaxSessionDuration', SESSION), tags, boundary: await checkedBoundary(call) };
  if (!(await identities.directory.create('role', account, name, role))) throw new IamFault('EntityAlreadyExists', `Role with name ${name} already exists.`);
  identities.forget();
  return element('Role', roleXml(account, role), tagsXml(tags));
};

export const getRole: Operation = async (call) => {
  const role = await roleOf(call);
  return element('Role', roleXml(call.account, role), tagsXml(role.tags), element('RoleLastUsed'));
};

export const listRoles: Operation = async (call) => {
  const { account, identities } = call;
  const query = pageQuery(call);
  authorize(call, arnOf('role', account, { path: query.pathPrefix, name: '' }));
  const { entries, next } = await identities.directory.page<Role>('role', account, query);
  return listXml('Roles', entries.map((role) => roleXml(account, role))) + pagingXml(next);
};

export const updateRole: Operation = async (call) => {
  const { name } = await roleOf(call);
  const seconds = text(call, 'MaxSessionDuration') === undefined ? undefined : numeric(call, 'MaxSessionDuration', SESSION);
  await changeRole(call, name, (role) => ({ ...role, description: text(call, 'Description') ?? role.description, maxSessionSeconds: seconds ?? role.maxSessionSeconds }));
  return '';
};

export const updateRoleDescription: Operation = async (call) => {
  const { name } = await roleOf(call);
  const role = await changeRole(call, name, (current) => ({ ...current, description: text(call, 'Description') }));
  return element('Role', roleXml(call.account, role));
};

export const updateAssumeRolePolicy: Operation = async (call) => {
  const { name } = await roleOf(call);
  const trust = checkPolicy(required(call, 'PolicyDocument'), 'trust', 2048);
  await changeRole(call, name, (role) => ({ ...role, trust }));
  return '';
};

export const deleteRole: Operation = async (call) => {
  const { account, identities } = call;
  const { name } = await roleOf(call);
  const gone = await identities.directory.removeIf<Role>('role', account, name, ({ attached, inline }) => {
    if (attached.length > 0) throw conflict('attached policies: detach all policies first');
    if (Object.keys(inline).length > 0) throw conflict('policies: delete policies first');
  });
  identities.forget();
  if (!gone) throw noSuch('role', name);
  return '';
};

export const tagRole: Operation = async (call) => {
  const tags = tagsOf(call);
  const { name } = await roleOf(call);
  await changeRole(call, name, (role) => ({ ...role, tags: mergedTags(role.tags, tags) }));
  return '';
};

export const untagRole: Operation = async (call) => {
  const keys = members(call, 'TagKeys');
  const { name } = await roleOf(call);
  await changeRole(call, name, (role) => ({ ...role, tags: role.tags.filter(([key]) => !keys.includes(key)) }));
  return '';
};

export const listRoleTags: Operation = async (call) => {
  const { tags } = await roleOf(call);
  return listXml('Tags', tags.map(([key, value]) => leaf('Key', key) + leaf('Value', value))) + pagingXml(undefined);
};

export const putRolePermissionsBoundary: Operation = async (call) => {
  const { name } = await roleOf(call);
  const boundary = await checkedBoundary(call);
  await changeRole(call, name, (role) => ({ ...role, boundary }));
  return '';
};

export const deleteRolePermissionsBoundary: Operation = async (call) => {
  const { name } = await roleOf(call);
  await changeRole(call, name, ({ boundary: _, ...rest }) => rest);
  return '';
};

/** There are no instances whose profile a role could be in: tools ask before they delete it. */
export const listInstanceProfilesForRole: Operation = async (call) => {
  await roleOf(call);
  return listXml('InstanceProfiles', []) + pagingXml(undefined);
};

async function changeRole({ identities, account }: Call, name: string, change: (role: Role) => Role): Promise<Role> {
  const changed = await identities.directory.change<Role>('role', account, name, change);
  identities.forget();
  if (changed === undefined) throw noSuch('role', name);
  return changed;
}

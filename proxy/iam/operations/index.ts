/** Every action of the two services, and the file that answers it. */
import type { BearerKind } from '../bearers.ts';
import { BEARERS } from '../bearers.ts';
import type { Operation } from '../call.ts';
import { createAccessKey, deleteAccessKey, getAccessKeyLastUsed, listAccessKeys, updateAccessKey } from './access-keys.ts';
import { attachPolicy, detachPolicy, listAttached } from './attached-policies.ts';
import { addUserToGroup, createGroup, deleteGroup, getGroup, listGroups, listGroupsForUser, removeUserFromGroup, updateGroup } from './groups.ts';
import { deletePolicyOf, getPolicyOf, listPoliciesOf, putPolicy } from './inline-policies.ts';
import {
  createPolicy, createPolicyVersion, deletePolicy, deletePolicyVersion, getPolicy, getPolicyVersion, listEntitiesForPolicy, listPolicies, listPolicyTags, listPolicyVersions, setDefaultPolicyVersion, tagPolicy, untagPolicy,
} from './managed-policies.ts';
import { addClientId, createProvider, deleteProvider, getProvider, listProviders, removeClientId, tagProvider, untagProvider, updateThumbprints } from './providers.ts';
import {
  createRole, deleteRole, deleteRolePermissionsBoundary, getRole, listInstanceProfilesForRole, listRoles, listRoleTags, putRolePermissionsBoundary, tagRole, untagRole, updateAssumeRolePolicy, updateRole, updateRoleDescription,
} from './roles.ts';
import { assumeRole, assumeRoleWithWebIdentity, getCallerIdentity, getSessionToken } from './sessions.ts';
import {
  createUser, deleteUser, deleteUserPermissionsBoundary, getAccountSummary, getLoginProfile, getUser, listAccountAliases, listUsers, listUserTags, nothingOf, putUserPermissionsBoundary, tagUser, untagUser, updateUser,
} from './users.ts';

const POLICIES = Object.fromEntries((['user', 'group', 'role'] as const).flatMap((kind: BearerKind) => {
  const name = BEARERS[kind];
  return [
    [`Put${name}Policy`, putPolicy(kind)], [`Get${name}Policy`, getPolicyOf(kind)], [`Delete${name}Policy`, deletePolicyOf(kind)], [`List${name}Policies`, listPoliciesOf(kind)],
    [`Attach${name}Policy`, attachPolicy(kind)], [`Detach${name}Policy`, detachPolicy(kind)], [`ListAttached${name}Policies`, listAttached(kind)],
  ] as const;
}));

export const IAM: Readonly<Record<string, Operation>> = {
  ...POLICIES,
  CreateUser: createUser, GetUser: getUser, ListUsers: listUsers, UpdateUser: updateUser, DeleteUser: deleteUser,
  TagUser: tagUser, UntagUser: untagUser, ListUserTags: listUserTags, PutUserPermissionsBoundary: putUserPermissionsBoundary, DeleteUserPermissionsBoundary: deleteUserPermissionsBoundary,
  CreateAccessKey: createAccessKey, ListAccessKeys: listAccessKeys, UpdateAccessKey: updateAccessKey, DeleteAccessKey: deleteAccessKey, GetAccessKeyLastUsed: getAccessKeyLastUsed,
  CreateGroup: createGroup, GetGroup: getGroup, ListGroups: listGroups, UpdateGroup: updateGroup, DeleteGroup: deleteGroup,
  AddUserToGroup: addUserToGroup, RemoveUserFromGroup: removeUserFromGroup, ListGroupsForUser: listGroupsForUser,
  CreateRole: createRole, GetRole: getRole, ListRoles: listRoles, UpdateRole: updateRole, UpdateRoleDescription: updateRoleDescription, UpdateAssumeRolePolicy: updateAssumeRolePolicy, DeleteRole: deleteRole,
  TagRole: tagRole, UntagRole: untagRole, ListRoleTags: listRoleTags, PutRolePermissionsBoundary: putRolePermissionsBoundary, DeleteRolePermissionsBoundary: deleteRolePermissionsBoundary, ListInstanceProfilesForRole: listInstanceProfilesForRole,
  CreatePolicy: createPolicy, GetPolicy: getPolicy, ListPolicies: listPolicies, DeletePolicy: deletePolicy, ListEntitiesForPolicy: listEntitiesForPolicy, TagPolicy: tagPolicy, UntagPolicy: untagPolicy, ListPolicyTags: listPolicyTags,
  CreatePolicyVersion: createPolicyVersion, GetPolicyVersion: getPolicyVersion, ListPolicyVersions: listPolicyVersions, SetDefaultPolicyVersion: setDefaultPolicyVersion, DeletePolicyVersion: deletePolicyVersion,
  CreateOpenIDConnectProvider: createProvider, GetOpenIDConnectProvider: getProvider, ListOpenIDConnectProviders: listProviders, DeleteOpenIDConnectProvider: deleteProvider,
  AddClientIDToOpenIDConnectProvider: addClientId, RemoveClientIDFromOpenIDConnectProvider: removeClientId, UpdateOpenIDConnectProviderThumbprint: updateThumbprints, TagOpenIDConnectProvider: tagProvider, UntagOpenIDConnectProvider: untagProvider,
  GetAccountSummary: getAccountSummary, ListAccountAliases: listAccountAliases, GetLoginProfile: getLoginProfile,
  ListMFADevices: nothingOf('MFADevices'), ListSigningCertificates: nothingOf('Certificates'), ListSSHPublicKeys: nothingOf('SSHPublicKeys'), ListServiceSpecificCredentials: nothingOf('ServiceSpecificCredentials'),
};

export const STS: Readonly<Record<string, Operation>> = {
  GetCallerIdentity: getCallerIdentity, GetSessionToken: getSessionToken, AssumeRole: assumeRole, AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity,
};

/** Whoever has a token needs no signature. */
export const UNSIGNED: ReadonlySet<string> = new Set(['AssumeRoleWithWebIdentity']);

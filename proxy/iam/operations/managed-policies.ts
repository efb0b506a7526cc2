/** Managed policies of an account, with up to five versions each; AWS's own are shown beside them. */
import { element, leaf } from '#common/xml';
import { NAME } from '../bearers.ts';
import { authorize, dateXml, listXml, members, pageQuery, pagingXml, pathOf, required, requestTagValues, tagsOf, tagsXml, text, type Call, type Operation } from '../call.ts';
import type { Attachment } from '../directory.ts';
import { arnOf, newId, type ManagedPolicy, type Tags } from '../entities.ts';
import { IamFault } from '../faults.ts';
import { managedPolicies, managedText, policyName } from '../managed-policies.ts';
import { checkPolicy, encodedPolicy } from '../policy-texts.ts';
import { conflict, mergedTags } from './users.ts';

const MAX_CHARACTERS = 6144;
const VERSIONS = 5;

function policyXml(arn: string, policy: ManagedPolicy, attachments: number, whole = true): string {
  return leaf('PolicyName', policy.name) + leaf('PolicyId', policy.id) + leaf('Arn', arn) + leaf('Path', policy.path) + leaf('DefaultVersionId', policy.defaultVersion) + leaf('AttachmentCount', attachments) + leaf('PermissionsBoundaryUsageCount', 0) + leaf('IsAttachable', true) +
    (whole ? leaf('Description', policy.description) : '') + dateXml('CreateDate', policy.createdAtMs) + dateXml('UpdateDate', policy.updatedAtMs) + tagsXml(policy.tags);
}

/** One of AWS's as if it were kept here. */
function ofAws(arn: string): ManagedPolicy | undefined {
  const written = managedText(arn);
  return written === undefined ? undefined : { id: `ANPA${policyName(arn).toUpperCase()}`, name: policyName(arn), path: '/', createdAtMs: 0, updatedAtMs: 0, description: undefined, versions: [{ id: 'v1', text: written, createdAtMs: 0 }], defaultVersion: 'v1', nextVersion: 2, tags: [] };
}

interface Found {
  readonly arn: string;
  readonly policy: ManagedPolicy;
  readonly foreign: boolean;
}

async function policyOf(call: Call): Promise<Found> {
  const arn = required(call, 'PolicyArn');
  authorize(call, arn);
  const aws = ofAws(arn);
  if (aws !== undefined) return { arn, policy: aws, foreign: true };
  const policy = await call.identities.directory.policy(call.account, policyName(arn));
  if (policy === undefined || arnOf('policy', call.account, policy) !== arn) throw new IamFault('NoSuchEntity', `Policy ${arn} was not found.`);
  return { arn, policy, foreign: false };
}

async function change(call: Call, { arn, policy, foreign }: Found, by: (policy: ManagedPolicy) => ManagedPolicy): Promise<ManagedPolicy> {
  if (foreign) throw new IamFault('AccessDenied', `Cannot change the policy ${arn}, which is AWS's.`);
  const changed = await call.identities.directory.change<ManagedPolicy>('policy', call.account, policy.name, by);
  call.identities.forget();
  if (changed === undefined) throw new IamFault('NoSuchEntity', `Policy ${arn} was not found.`);
  return changed;
}

/** What has it attached indeed. */
async function attachmentsOf({ identities, account }: Call, arn: string): Promise<(Attachment & { readonly name: string; readonly id: string })[]> {
  const { directory } = identities;
  const noted = await directory.attachments(account, arn);
  const held = await Promise.all(noted.map(async (link) => {
    const holder = link.kind === 'user' ? await directory.users.byId(account, link.holder) : link.kind === 'group' ? await directory.groups.byId(account, link.holder) : await directory.role(account, link.holder);
    return holder?.attached.includes(arn) === true ? [{ ...link, name: holder.name, id: holder.id }] : [];
  }));
  return held.flat();
}

export const createPolicy: Operation = async (call) => {
  const { account, identities, nowMs } = call;
  const name = required(call, 'PolicyName', NAME);
  const path = pathOf(call);
  const tags: Tags = tagsOf(call);
  const arn = arnOf('policy', account, { path, name });
  authorize(call, arn, { values: requestTagValues(tags) });
  if (name.length > 128) throw new IamFault('ValidationError', 'A policy name may have 128 characters.');
  const written = checkPolicy(required(call, 'PolicyDocument'), 'identity', MAX_CHARACTERS);
  const policy: ManagedPolicy = { id: newId('policy'), name, path, createdAtMs: nowMs, updatedAtMs: nowMs, description: text(call, 'Description'), versions: [{ id: 'v1', text: written, createdAtMs: nowMs }], defaultVersion: 'v1', nextVersion: 2, tags };
  if (!(await identities.directory.create('policy', account, name, policy))) throw new IamFault('EntityAlreadyExists', `A policy called ${name} already exists. Duplicate names are not allowed.`);
  identities.forget();
  return element('Policy', policyXml(arn, policy, 0));
};

export const getPolicy: Operation = async (call) => {
  const { arn, policy } = await policyOf(call);
  return element('Policy', policyXml(arn, policy, (await attachmentsOf(call, arn)).length));
};

export const listPolicies: Operation = async (call) => {
  const { account, identities } = call;
  const query = pageQuery(call);
  const scope = text(call, 'Scope') ?? 'All';
  const onlyAttached = text(call, 'OnlyAttached') === 'true';
  authorize(call, arnOf('policy', account, { path: query.pathPrefix, name: '' }));
  const { entries, next } = scope === 'AWS' ? { entries: [], next: undefined } : await identities.directory.page<ManagedPolicy>('policy', account, query);
  const aws = scope === 'Local' || query.marker !== '' || query.pathPrefix !== '/' ? [] : managedPolicies().map(({ arn }) => ({ arn, policy: ofAws(arn)! }));
  const all = [...aws, ...entries.map((policy) => ({ arn: arnOf('policy', account, policy), policy }))];
  const counted = await Promise.all(all.map(async (each) => ({ ...each, attachments: (await attachmentsOf(call, each.arn)).length })));
  return listXml('Policies', counted.filter(({ attachments }) => !onlyAttached || attachments > 0).map(({ arn, policy, attachments }) => policyXml(arn, policy, attachments, false))) + pagingXml(next);
};

export const deletePolicy: Operation = async (call) => {
  const { arn, policy, foreign } = await policyOf(call);
  if (foreign) throw new IamFault('AccessDenied', `Cannot delete the policy ${arn}, which is AWS's.`);
  if ((await attachmentsOf(call, arn)).length > 0) throw new IamFault('DeleteConflict', 'Cannot delete a policy attached to entities.');
  await call.identities.directory.removeIf<ManagedPolicy>('policy', call.account, policy.name, ({ versions }) => {
    if (versions.length > 1) throw conflict('all but the default version first');
  });
  call.identities.forget();
  return '';
};

export const createPolicyVersion: Operation = async (call) => {
  const { nowMs } = call;
  const found = await policyOf(call);
  const written = checkPolicy(required(call, 'PolicyDocument'), 'identity', MAX_CHARACTERS);
  const asDefault = text(call, 'SetAsDefault') === 'true';
  const { versions, defaultVersion } = await change(call, found, (policy) => {
    if (policy.versions.length >= VERSIONS) throw new IamFault('LimitExceeded', `A managed policy can have up to ${VERSIONS} versions. Before you create a new version, you must delete an existing version.`);
    const id = `v${policy.nextVersion}`;
    return { ...policy, versions: [...policy.versions, { id, text: written, createdAtMs: nowMs }], nextVersion: policy.nextVersion + 1, defaultVersion: asDefault ? id : policy.defaultVersion, updatedAtMs: nowMs };
  });
  return element('PolicyVersion', versionXml(versions.at(-1)!, defaultVersion, false));
};

export const getPolicyVersion: Operation = async (call) => {
  const { policy } = await policyOf(call);
  return element('PolicyVersion', versionXml(versionOf(policy, required(call, 'VersionId')), policy.defaultVersion, true));
};

export const listPolicyVersions: Operation = async (call) => {
  const { policy } = await policyOf(call);
  return listXml('Versions', policy.versions.toReversed().map((version) => versionXml(version, policy.defaultVersion, false))) + pagingXml(undefined);
};

export const setDefaultPolicyVersion: Operation = async (call) => {
  const found = await policyOf(call);
  const id = required(call, 'VersionId');
  await change(call, found, (policy) => ({ ...policy, defaultVersion: versionOf(policy, id).id, updatedAtMs: call.nowMs }));
  return '';
};

export const deletePolicyVersion: Operation = async (call) => {
  const found = await policyOf(call);
  const id = required(call, 'VersionId');
  await change(call, found, (policy) => {
    if (versionOf(policy, id).id === policy.defaultVersion) throw new IamFault('DeleteConflict', 'Cannot delete the default version of a policy.');
    return { ...policy, versions: policy.versions.filter((version) => version.id !== id) };
  });
  return '';
};

export const listEntitiesForPolicy: Operation = async (call) => {
  const { arn } = await policyOf(call);
  const all = await attachmentsOf(call, arn);
  const of = (kind: Attachment['kind'], label: string): string => listXml(`Policy${label}s`, all.filter((each) => each.kind === kind).map(({ name, id }) => leaf(`${label}Name`, name) + leaf(`${label}Id`, id)));
  return of('group', 'Group') + of('user', 'User') + of('role', 'Role') + pagingXml(undefined);
};

export const tagPolicy: Operation = async (call) => {
  const tags = tagsOf(call);
  await change(call, await policyOf(call), (policy) => ({ ...policy, tags: mergedTags(policy.tags, tags) }));
  return '';
};

export const untagPolicy: Operation = async (call) => {
  const keys = members(call, 'TagKeys');
  await change(call, await policyOf(call), (policy) => ({ ...policy, tags: policy.tags.filter(([key]) => !keys.includes(key)) }));
  return '';
};

export const listPolicyTags: Operation = async (call) => {
  const { tags } = (await policyOf(call)).policy;
  return listXml('Tags', tags.map(([key, value]) => leaf('Key', key) + leaf('Value', value))) + pagingXml(undefined);
};

type Version = ManagedPolicy['versions'][number];

function versionOf({ versions }: ManagedPolicy, id: string): Version {
  const version = versions.find((each) => each.id === id);
  if (version === undefined) throw new IamFault('NoSuchEntity', `Policy version ${id} does not exist or is not attachable.`);
  return version;
}

function versionXml({ id, text: written, createdAtMs }: Version, defaultVersion: string, withDocument: boolean): string {
  return (withDocument ? leaf('Document', encodedPolicy(written)) : '') + leaf('VersionId', id) + leaf('IsDefaultVersion', id === defaultVersion) + dateXml('CreateDate', createdAtMs);
}

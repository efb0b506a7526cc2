/** The token service ("AWS Security Token Service API Reference"): who calls, and sessions of users and of roles. */
import { element, leaf } from '#common/xml';
import { dateXml, numeric, required, requestTagValues, requestValues, tagsOf, text, type Call, type Operation } from '../call.ts';
import type { Caller } from '../caller.ts';
import { arnOf, issuerName, providerArn, type Role, type Tags } from '../entities.ts';
import { letsIn, standingOf } from '../evaluation.ts';
import { IamFault } from '../faults.ts';
import { parsePolicy } from '../policy/document.ts';
import { verdictOf, type Nameable } from '../policy/verdict.ts';
import { checkPolicy } from '../policy-texts.ts';
import type { SessionClaims, TemporaryCredentials } from '../session-tokens.ts';

const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;
const MAX_POLICY_CHARACTERS = 2048;
const LEAST_SECONDS = 900;
/** A role that is assumed with a session of another lasts an hour at most. */
const CHAINED_SECONDS = 3600;

export const getCallerIdentity: Operation = async ({ caller }) => leaf('Arn', caller.arn) + leaf('UserId', caller.userId) + leaf('Account', caller.accountId);

export const getSessionToken: Operation = async (call) => {
  const { caller, nowMs, tokens, account } = call;
  if (caller.session !== undefined) throw new IamFault('AccessDenied', 'Cannot call GetSessionToken with session credentials');
  refuseMfa(call);
  const seconds = numeric(call, 'DurationSeconds', { least: LEAST_SECONDS, most: 129_600, otherwise: caller.kind === 'root' ? 3600 : 43_200 });
  // Nobody needs a right to it, but it can be denied.
  if (standingOf(caller, { caller, action: 'sts:GetSessionToken', resource: '*', context: (key) => requestValues(call, key) }).denied) throw new IamFault('AccessDenied', `User: ${caller.arn} is not authorized to perform: sts:GetSessionToken`);
  const issuedAtSeconds = Math.floor(nowMs / 1000);
  return credentialsXml(tokens.issue({ account, of: { key: caller.accessKey }, issuedAtSeconds, expiresAtSeconds: issuedAtSeconds + seconds }));
};

export const assumeRole: Operation = async (call) => {
  const { caller, tokens } = call;
  const { arn, role, account } = await roleByArn(call);
  const name = required(call, 'RoleSessionName', SESSION_NAME);
  const tags = tagsOf(call);
  const sourceIdentity = text(call, 'SourceIdentity') ?? caller.session?.sourceIdentity;
  const externalId = text(call, 'ExternalId');
  refuseMfa(call);
  const denied = new IamFault('AccessDenied', `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${arn}`);
  if (role === undefined || caller.kind === 'root') throw denied;
  const values = { 'sts:externalid': externalId === undefined ? undefined : [externalId], 'sts:rolesessionname': [name], 'sts:sourceidentity': sourceIdentity === undefined ? undefined : [sourceIdentity], ...requestTagValues(tags) };
  const actions = ['sts:AssumeRole', ...(tags.length === 0 ? [] : ['sts:TagSession']), ...(text(call, 'SourceIdentity') === undefined ? [] : ['sts:SetSourceIdentity'])];
  for (const action of actions) if (!isTrusted(call, { role, arn, account, caller, action, values })) throw denied;
  const most = caller.kind === 'role' ? CHAINED_SECONDS : role.maxSessionSeconds;
  const bounds = await boundsOf(call, account);
  const credentials = tokens.issue({ ...sessionOf(call, { role, account, name, most }), ...bounds, tags, sourceIdentity });
  return credentialsXml(credentials) + assumedXml({ account, role, name }) + leaf('SourceIdentity', sourceIdentity) + leaf('PackedPolicySize', packedPercent(bounds));
};

/** Nobody signs it: its token says who it is. */
export const assumeRoleWithWebIdentity: Operation = async (call) => {
  const { identities, tokens, webIdentities, nowMs } = call;
  const { arn, role, account } = await roleByArn(call);
  const name = required(call, 'RoleSessionName', SESSION_NAME);
  const token = required(call, 'WebIdentityToken');
  const issuer = webIdentities.issuerOf(token);
  const provider = await identities.directory.provider(account, issuerName(issuer));
  if (provider === undefined) throw new IamFault('InvalidIdentityToken', 'No OpenIDConnect provider found in your account for the issuer of the token.');
  const identity = await webIdentities.verify(token, provider);
  const tags = tagsOfClaims(identity.claims);
  const claims = claimValues(issuerName(issuer), identity.claims, identity.audience);
  const federated: Nameable = { accountId: account, accountNames: [], canonicalId: '', arns: new Map(), federatedBy: providerArn(account, provider.url) };
  const values: Readonly<Record<string, readonly string[]>> = { ...claims, 'sts:rolesessionname': [name], ...requestTagValues(tags) };
  const context = (key: string): readonly string[] | undefined => values[key] ?? tagValues(role?.tags ?? [], key) ?? (key.startsWith('aws:user') ? undefined : requestValues({ exchange: call.exchange, nowMs, caller: undefined }, key));
  const allowed = role !== undefined && ['sts:AssumeRoleWithWebIdentity', ...(tags.length === 0 ? [] : ['sts:TagSession'])].every((action) => isSaid(role, { caller: federated, action, resource: arn, context }));
  if (!allowed) throw new IamFault('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
  const bounds = await boundsOf(call, account);
  const credentials = tokens.issue({ ...sessionOf(call, { role, account, name, most: role.maxSessionSeconds }), ...bounds, tags, claims: { ...claims, 'aws:federatedprovider': [federated.federatedBy!] } });
  return credentialsXml(credentials) + leaf('SubjectFromWebIdentityToken', identity.subject) + assumedXml({ account, role, name }) + leaf('Provider', providerArn(account, provider.url)) + leaf('Audience', identity.audience) + leaf('PackedPolicySize', packedPercent(bounds));
};

async function roleByArn(call: Call): Promise<{ arn: string; account: string; role: Role | undefined }> {
  const arn = required(call, 'RoleArn');
  const parts = /^arn:aws:iam::([^:]*):role(\/(?:.*\/)?)([^/]+)$/.exec(arn);
  if (parts === null) throw new IamFault('ValidationError', `${arn} is invalid`);
  const [, account = '', , name = ''] = parts;
  const role = await call.identities.directory.role(account, name);
  return { arn, account, role: role !== undefined && arnOf('role', account, role) === arn ? role : undefined };
}

/** Whether the role trusts the caller, and the caller's own policies let him. */
function isTrusted(call: Call, { role, arn, account, caller, action, values }: { role: Role; arn: string; account: string; caller: Caller; action: string; values: Readonly<Record<string, readonly string[] | undefined>> }): boolean {
  const question = { caller, action, resource: arn, context: (key: string) => values[key] ?? tagValues(role.tags, key) ?? requestValues(call, key) };
  const standing = standingOf(caller, question);
  return !standing.denied && letsIn(verdictOf(parsePolicy(role.trust, 'trust'), question), { standing, sameAccount: caller.accountId === account });
}

function isSaid(role: Role, question: Parameters<typeof verdictOf>[1]): boolean {
  return verdictOf(parsePolicy(role.trust, 'trust'), question) === 'principal';
}

function tagValues(tags: Tags, key: string): readonly string[] | undefined {
  if (!/^(?:aws|iam):resourcetag\//.test(key)) return undefined;
  const found = tags.find(([name]) => name.toLowerCase() === key.slice(key.indexOf('/') + 1));
  return found === undefined ? undefined : [found[1]];
}

function sessionOf(call: Call, { role, account, name, most }: { role: Role; account: string; name: string; most: number }): Omit<SessionClaims, 'accessKey'> {
  const seconds = numeric(call, 'DurationSeconds', { least: LEAST_SECONDS, most, otherwise: Math.min(3600, most) });
  const issuedAtSeconds = Math.floor(call.nowMs / 1000);
  return { account, of: { role: role.name, id: role.id, name }, issuedAtSeconds, expiresAtSeconds: issuedAtSeconds + seconds };
}

/** The most that the session may do, where the call says it. */
async function boundsOf(call: Call, account: string): Promise<Pick<SessionClaims, 'policies' | 'policyArns'>> {
  const policy = text(call, 'Policy');
  const policyArns = policyArnsOf(call);
  const policies = policy === undefined ? [] : [checkPolicy(policy, 'identity', MAX_POLICY_CHARACTERS)];
  for (const arn of policyArns) if ((await call.identities.directory.managedText(account, arn)) === undefined) throw new IamFault('NoSuchEntity', `Policy ${arn} does not exist or is not attachable.`);
  return { policies, policyArns };
}

function policyArnsOf({ parameters }: Call): string[] {
  const arns: string[] = [];
  for (let i = 1; i <= 11; i++) {
    const arn = parameters.get(`PolicyArns.member.${i}.arn`);
    if (arn !== undefined) arns.push(arn);
  }
  if (arns.length > 10) throw new IamFault('LimitExceeded', 'Cannot exceed quota for session policies: 10');
  return arns;
}

function packedPercent({ policies = [] }: Pick<SessionClaims, 'policies'>): number | undefined {
  const characters = policies.reduce((sum, each) => sum + each.length, 0);
  return characters === 0 ? undefined : Math.ceil((characters * 100) / MAX_POLICY_CHARACTERS);
}

function refuseMfa(call: Call): void {
  if (text(call, 'SerialNumber') !== undefined || text(call, 'TokenCode') !== undefined) throw new IamFault('AccessDenied', 'MultiFactorAuthentication failed: there are no MFA devices here.');
}

/** What a provider's token says, as conditions ask for it: `issuer:claim`; all whom it is for as Ceph has it, `app_id`. */
function claimValues(issuer: string, claims: Readonly<Record<string, unknown>>, audience: string): Record<string, readonly string[]> {
  const values: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(claims)) {
    const texts = [value].flat().filter((each) => typeof each === 'string' || typeof each === 'boolean' || typeof each === 'number').map(String);
    if (texts.length > 0) values[`${issuer}:${name}`.toLowerCase()] = texts;
  }
  values[`${issuer}:aud`.toLowerCase()] = [audience];
  values[`${issuer}:app_id`.toLowerCase()] = [claims['azp'], claims['aud']].flat().filter((each) => typeof each === 'string');
  return values;
}

/** Tags of the session that the token itself names ("Passing session tags using AssumeRoleWithWebIdentity"). */
function tagsOfClaims(claims: Readonly<Record<string, unknown>>): Tags {
  const named = claims['https://aws.amazon.com/tags'];
  const each = Array.isArray(named) ? (named as unknown[])[0] : named;
  const tags = (each as { principal_tags?: Readonly<Record<string, unknown>> } | undefined)?.principal_tags ?? {};
  return Object.entries(tags).flatMap(([key, value]) => [value].flat().filter((one) => typeof one === 'string').slice(0, 1).map((one) => [key, one] as const));
}

function credentialsXml({ accessKey, secret, token, expiresAtSeconds }: TemporaryCredentials): string {
  return element('Credentials', leaf('AccessKeyId', accessKey), leaf('SecretAccessKey', secret), leaf('SessionToken', token), dateXml('Expiration', expiresAtSeconds * 1000));
}

function assumedXml({ account, role, name }: { account: string; role: Role; name: string }): string {
  return element('AssumedRoleUser', leaf('AssumedRoleId', `${role.id}:${name}`), leaf('Arn', `arn:aws:sts::${account}:assumed-role/${role.name}/${name}`));
}

/** Identities and sessions against the real server: who is made through the API may what policies say, until they say otherwise, over a restart too. */
import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import aws4 from 'aws4';
import { GoriProcess } from '../swift/gori-process.ts';
import { missing, runWell } from '../swift/programs.ts';
import { policyText, QueryClient, type Credentials } from './query.ts';
import { S3Session, texts } from './session.ts';

const ROOT: Credentials = { accessKeyId: 'ROOTKEY', secretAccessKey: 'root/secret' };
const OTHER: Credentials = { accessKeyId: 'OTHERKEY', secretAccessKey: 'other/secret' };

let gori: GoriProcess;
let issuer: Server;
let iam: QueryClient;

const s3 = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials): S3Session => new S3Session(gori.endpoint, accessKeyId, secretAccessKey, sessionToken);
const sts = (credentials?: Credentials): QueryClient => new QueryClient(gori.endpoint, 'sts', credentials);
const status = async (session: S3Session, method: string, path: string): Promise<number> => (await session.ask(method, path)).status;
const trust = (principal: object, action = 'sts:AssumeRole'): string => policyText({ Principal: principal, Action: action });

before(async () => {
  issuer = createServer((request, response) => {
    const base = issuerUrl();
    const document = request.url === '/realm/.well-known/openid-configuration' ? { issuer: base, jwks_uri: `${base}/keys` } : request.url === '/realm/keys' ? { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] } : undefined;
    response.writeHead(document === undefined ? 404 : 200, { 'Content-Type': 'application/json' }).end(JSON.stringify(document ?? {}));
  });
  issuer.listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  gori = await GoriProcess.start({ config: { s3: { iam: { plainIssuers: [issuerUrl()] }, users: [{ account: 'one', user: 'root', ...keys(ROOT), canonicalId: 'canonical-one' }, { account: 'two', user: 'root', ...keys(OTHER), canonicalId: 'canonical-two' }] } } });
  iam = new QueryClient(gori.endpoint, 'iam', ROOT);
});

after(async () => {
  issuer.close();
  assert.deepEqual(gori.complaints, []);
  await gori[Symbol.asyncDispose]();
});

function keys({ accessKeyId, secretAccessKey }: Credentials): { accessKey: string; secretKey: string } {
  return { accessKey: accessKeyId, secretKey: secretAccessKey };
}

test('a user may nothing, then what a policy of his own, of his group or of the bucket says, and never what one denies', async () => {
  await s3(ROOT).well('PUT', '/iam-users');
  await s3(ROOT).well('PUT', '/iam-users/k', { body: 'data' });
  assert.deepEqual(await iam.well('CreateUser', { UserName: 'Alice', Path: '/staff/' }, 'Arn'), ['arn:aws:iam::one:user/staff/Alice']);
  const alice = await iam.key('alice');
  assert.deepEqual([await status(s3(alice), 'GET', '/iam-users/k'), await status(s3(alice), 'GET', '/'), (await s3(alice).ask('PUT', '/iam-alice')).status], [403, 403, 403]);
  await iam.well('PutUserPolicy', { UserName: 'Alice', PolicyName: 'read', PolicyDocument: policyText({ Action: 's3:GetObject', Resource: 'arn:aws:s3:::iam-users/*' }) });
  assert.deepEqual([await status(s3(alice), 'GET', '/iam-users/k'), await status(s3(alice), 'GET', '/iam-users')], [200, 403]);
  await iam.well('CreateGroup', { GroupName: 'listers' });
  await iam.well('AddUserToGroup', { GroupName: 'listers', UserName: 'Alice' });
  await iam.well('AttachGroupPolicy', { GroupName: 'listers', PolicyArn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' });
  assert.deepEqual([await status(s3(alice), 'GET', '/iam-users'), await status(s3(alice), 'GET', '/'), (await s3(alice).ask('PUT', '/iam-users/new', { body: 'x' })).status], [200, 200, 403]);
  await s3(ROOT).well('PUT', '/iam-users?policy', { body: policyText({ Principal: { AWS: 'arn:aws:iam::one:user/staff/Alice' }, Action: 's3:PutObject', Resource: 'arn:aws:s3:::iam-users/new' }) });
  await s3(alice).well('PUT', '/iam-users/new', { body: 'x' });
  assert.deepEqual(texts(await s3(ROOT).well('GET', '/iam-users/new?acl'), 'ID'), ['canonical-one', 'canonical-one'], "it is the account's");
  await iam.well('CreatePolicy', { PolicyName: 'no-writes', PolicyDocument: policyText({ Effect: 'Deny', Action: 's3:Put*', Resource: '*' }) });
  await iam.well('AttachUserPolicy', { UserName: 'Alice', PolicyArn: 'arn:aws:iam::one:policy/no-writes' });
  assert.equal((await s3(alice).ask('PUT', '/iam-users/new', { body: 'x' })).status, 403);
  assert.equal((await iam.ask('DeletePolicy', { PolicyArn: 'arn:aws:iam::one:policy/no-writes' })).code, 'DeleteConflict');
  await iam.well('UpdateAccessKey', { UserName: 'Alice', AccessKeyId: alice.accessKeyId, Status: 'Inactive' });
  assert.equal(texts((await s3(alice).ask('GET', '/iam-users/k')).body.toString(), 'Code')[0], 'InvalidAccessKeyId');
});

test('what another account grants, the own one has to let its user use', async () => {
  const other = new QueryClient(gori.endpoint, 'iam', OTHER);
  await other.well('CreateUser', { UserName: 'bob' });
  const bob = await other.key('bob');
  await s3(ROOT).well('PUT', '/iam-cross');
  await s3(ROOT).well('PUT', '/iam-cross/k', { body: 'data', headers: { 'x-amz-acl': 'public-read' } });
  assert.deepEqual([await status(s3(OTHER), 'GET', '/iam-cross/k'), await status(s3(bob), 'GET', '/iam-cross/k'), (await fetch(`${gori.endpoint}/iam-cross/k`)).status], [200, 403, 200]);
  await s3(ROOT).well('PUT', '/iam-cross?policy', { body: policyText({ Principal: { AWS: 'arn:aws:iam::two:user/bob' }, Action: 's3:ListBucket', Resource: 'arn:aws:s3:::iam-cross' }) });
  assert.equal(await status(s3(bob), 'GET', '/iam-cross'), 403);
  await other.well('PutUserPolicy', { UserName: 'bob', PolicyName: 'all', PolicyDocument: policyText({ Action: 's3:*', Resource: '*' }) });
  assert.deepEqual([await status(s3(bob), 'GET', '/iam-cross'), await status(s3(bob), 'GET', '/iam-cross/k'), (await s3(bob).ask('PUT', '/iam-cross/n', { body: 'x' })).status], [200, 200, 403]);
});

test('a policy may ask for tags: of the bucket, of the object, of the caller', async () => {
  await s3(ROOT).well('PUT', '/iam-tags');
  await s3(ROOT).well('PUT', '/iam-tags?tagging', { body: '<Tagging><TagSet><Tag><Key>Team</Key><Value>red</Value></Tag></TagSet></Tagging>' });
  for (const tag of ['red', 'blue']) await s3(ROOT).well('PUT', `/iam-tags/${tag}`, { body: 'x', headers: { 'x-amz-tagging': `Team=${tag}` } });
  await iam.well('CreateUser', { UserName: 'tagged', 'Tags.member.1.Key': 'Team', 'Tags.member.1.Value': 'red' });
  await iam.well('PutUserPolicy', { UserName: 'tagged', PolicyName: 'own', PolicyDocument: policyText({ Action: 's3:GetObject', Resource: '*', Condition: { StringEquals: { 's3:ExistingObjectTag/Team': '${aws:PrincipalTag/Team}' } } }, { Action: 's3:ListBucket', Resource: '*', Condition: { StringEquals: { 'aws:ResourceTag/Team': '${aws:PrincipalTag/Team}' } } }) });
  const tagged = await iam.key('tagged');
  const seen = async (): Promise<number[]> => [await status(s3(tagged), 'GET', '/iam-tags/red'), await status(s3(tagged), 'GET', '/iam-tags/blue'), await status(s3(tagged), 'GET', '/iam-tags')];
  assert.deepEqual(await seen(), [200, 403, 200]);
  await iam.well('TagUser', { UserName: 'tagged', 'Tags.member.1.Key': 'team', 'Tags.member.1.Value': 'blue' });
  assert.deepEqual(await seen(), [403, 200, 403]);
});

test('a session of a role may what its role and its own policy both say, wherever its token stands, and nobody else may use it', async () => {
  await s3(ROOT).well('PUT', '/iam-roles');
  await s3(ROOT).well('PUT', '/iam-roles/k', { body: 'data' });
  await iam.well('CreateUser', { UserName: 'carol' });
  const carol = await iam.key('carol');
  await iam.well('CreateRole', { RoleName: 'reader', AssumeRolePolicyDocument: trust({ AWS: 'arn:aws:iam::one:user/carol' }) });
  await iam.well('PutRolePolicy', { RoleName: 'reader', PolicyName: 'all', PolicyDocument: policyText({ Action: 's3:*', Resource: ['arn:aws:s3:::iam-roles', 'arn:aws:s3:::iam-roles/*'] }) });
  const role = { RoleArn: 'arn:aws:iam::one:role/reader', RoleSessionName: 'work' };
  assert.equal((await sts(OTHER).ask('AssumeRole', role)).code, 'AccessDenied');
  const session = await sts(carol).credentials('AssumeRole', role);
  const bounded = await sts(carol).credentials('AssumeRole', { ...role, Policy: policyText({ Action: 's3:GetObject', Resource: '*' }) });
  assert.deepEqual([(await s3(session).ask('PUT', '/iam-roles/n', { body: 'x' })).status, await status(s3(bounded), 'GET', '/iam-roles/k'), (await s3(bounded).ask('PUT', '/iam-roles/n', { body: 'x' })).status], [200, 200, 403]);
  assert.match((await sts(session).well('GetCallerIdentity', {}, 'Arn'))[0]!, /^arn:aws:sts::one:assumed-role\/reader\/work$/);
  const code = async (credentials: Credentials): Promise<string | undefined> => texts((await s3(credentials).ask('GET', '/iam-roles/k')).body.toString(), 'Code')[0];
  const { sessionToken: _, ...withoutToken } = session;
  const token = session.sessionToken;
  assert.deepEqual([await code(withoutToken), await code({ ...session, sessionToken: bounded.sessionToken }), await code({ ...session, sessionToken: `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}` }), await code({ ...carol, sessionToken: token })], ['InvalidAccessKeyId', 'InvalidToken', 'InvalidToken', 'InvalidToken']);
  await iam.well('DeleteRolePolicy', { RoleName: 'reader', PolicyName: 'all' });
  assert.equal(await status(s3(session), 'GET', '/iam-roles/k'), 403, 'a session may what its role may now');
  await iam.well('DeleteRole', { RoleName: 'reader' });
  assert.equal(await code(session), 'InvalidAccessKeyId');
});

test('a token counts in presigned addresses of both versions and in forms too', async () => {
  await s3(ROOT).well('PUT', '/iam-presigned');
  await s3(ROOT).well('PUT', '/iam-presigned/k', { body: 'data' });
  const session = await sts(ROOT).credentials('GetSessionToken', { DurationSeconds: '900' });
  const { host } = new URL(gori.endpoint);
  const { path } = aws4.sign({ service: 's3', region: 'us-east-1', host, path: '/iam-presigned/k?X-Amz-Expires=60', signQuery: true }, session);
  assert.match(path!, /X-Amz-Security-Token=/);
  assert.equal((await fetch(gori.endpoint + path!)).status, 200);
  assert.equal((await fetch(gori.endpoint + path!.replace(/X-Amz-Security-Token=[^&]*/, 'X-Amz-Security-Token=none'))).status, 400);
  const expires = Math.floor(Date.now() / 1000) + 60;
  const v2 = createHmac('sha1', session.secretAccessKey).update(`GET\n\n\n${expires}\nx-amz-security-token:${session.sessionToken}\n/iam-presigned/k`).digest('base64');
  const address = (signature: string, token: string): string => `${gori.endpoint}/iam-presigned/k?${new URLSearchParams({ AWSAccessKeyId: session.accessKeyId, Signature: signature, Expires: String(expires), 'x-amz-security-token': token }).toString()}`;
  assert.deepEqual([(await fetch(address(v2, session.sessionToken))).status, (await fetch(address(v2.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')), session.sessionToken))).status], [200, 403]);
  const policy = Buffer.from(JSON.stringify({ expiration: new Date(Date.now() + 60_000).toISOString(), conditions: [{ bucket: 'iam-presigned' }, ['starts-with', '$key', ''], { 'x-amz-security-token': session.sessionToken }] })).toString('base64');
  const post = async (token: string): Promise<number> => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ key: 'posted', AWSAccessKeyId: session.accessKeyId, policy, signature: createHmac('sha1', session.secretAccessKey).update(policy).digest('base64'), 'x-amz-security-token': token })) form.append(name, value);
    form.append('file', new Blob(['posted data']));
    return (await fetch(`${gori.endpoint}/iam-presigned`, { method: 'POST', body: form })).status;
  };
  assert.deepEqual([await post(session.sessionToken), await post('none'), await status(s3(ROOT), 'GET', '/iam-presigned/posted')], [204, 400, 200]);
  const both = aws4.sign({ service: 's3', region: 'us-east-1', host, path }, ROOT);
  assert.equal((await fetch(gori.endpoint + path!, { headers: { Authorization: String(both.headers!['Authorization']) } })).status, 400, 'signed twice');
});

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const issuerUrl = (): string => `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/realm`;

/** A token of the issuer, or one that says it is. */
function jwt(claims: object = {}, { key = privateKey, header = { alg: 'RS256', kid: 'one', typ: 'JWT' } }: { key?: typeof privateKey; header?: object } = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part({ iss: issuerUrl(), sub: 'user-1', aud: 'app', iat: now, exp: now + 600, ...claims })}`;
  return `${text}.${createSign('sha256').update(text).sign(key).toString('base64url')}`;
}

test('a web identity becomes a session where its token is true, for this provider, and the role trusts it', async () => {
  await s3(ROOT).well('PUT', '/iam-web');
  const [arn] = await iam.well('CreateOpenIDConnectProvider', { Url: issuerUrl(), 'ClientIDList.member.1': 'app', 'ThumbprintList.member.1': 'a'.repeat(40) }, 'OpenIDConnectProviderArn');
  const name = issuerUrl().slice('http://'.length);
  await iam.well('CreateRole', { RoleName: 'web', AssumeRolePolicyDocument: policyText({ Principal: { Federated: arn }, Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'], Condition: { StringEquals: { [`${name}:aud`]: 'app' }, StringLike: { [`${name}:sub`]: 'user-*' } } }) });
  await iam.well('PutRolePolicy', { RoleName: 'web', PolicyName: 'own', PolicyDocument: policyText({ Action: 's3:PutObject', Resource: 'arn:aws:s3:::iam-web/${aws:PrincipalTag/Team}/*' }) });
  const assume = (WebIdentityToken: string): Promise<{ code: string | undefined; body: string }> => sts().ask('AssumeRoleWithWebIdentity', { RoleArn: 'arn:aws:iam::one:role/web', RoleSessionName: 'browser', WebIdentityToken });
  const good = await assume(jwt({ 'https://aws.amazon.com/tags': { principal_tags: { Team: ['blue'] } } }));
  assert.equal(good.code, undefined, good.body);
  assert.deepEqual(texts(good.body, 'SubjectFromWebIdentityToken'), ['user-1']);
  const session = { accessKeyId: texts(good.body, 'AccessKeyId')[0]!, secretAccessKey: texts(good.body, 'SecretAccessKey')[0]!, sessionToken: texts(good.body, 'SessionToken')[0]! };
  assert.deepEqual([(await s3(session).ask('PUT', '/iam-web/blue/k', { body: 'x' })).status, (await s3(session).ask('PUT', '/iam-web/red/k', { body: 'x' })).status], [200, 403]);
  const now = Math.floor(Date.now() / 1000);
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const unsigned = `${jwt({}, { header: { alg: 'none' } }).split('.').slice(0, 2).join('.')}.`;
  const wrong: readonly (readonly [token: string, code: string])[] = [
    [jwt({ exp: now - 10 }), 'ExpiredTokenException'], [jwt({ aud: 'another' }), 'InvalidIdentityToken'], [jwt({ sub: 'admin' }), 'AccessDenied'], [jwt({ iss: 'https://elsewhere.example' }), 'InvalidIdentityToken'],
    [jwt({}, { key: stranger }), 'InvalidIdentityToken'], [unsigned, 'InvalidIdentityToken'], ['none', 'InvalidIdentityToken'], [jwt({ nbf: now + 600 }), 'InvalidIdentityToken'], [`${jwt()}x`, 'InvalidIdentityToken'],
  ];
  for (const [token, code] of wrong) assert.equal((await assume(token)).code, code, token.slice(0, 60));
  await iam.well('DeleteOpenIDConnectProvider', { OpenIDConnectProviderArn: arn! });
  assert.equal((await assume(jwt())).code, 'InvalidIdentityToken');
});

test('identities and sessions outlive a server that is killed, and no secret key can be read from its disks', { timeout: 60_000 }, async () => {
  await iam.well('CreateUser', { UserName: 'dora' });
  await iam.well('AttachUserPolicy', { UserName: 'dora', PolicyArn: 'arn:aws:iam::aws:policy/AmazonS3FullAccess' });
  const dora = await iam.key('dora');
  const session = await sts(dora).credentials('GetSessionToken');
  await gori.restart();
  assert.deepEqual([await status(s3(dora), 'GET', '/'), await status(s3(session), 'GET', '/')], [200, 200]);
  const found = await runWell(['/bin/sh', '-c', 'grep -rlaF "$1" "$2" || true; grep -rlaF dora "$2" | head -1', 'grep', dora.secretAccessKey, gori.directory], { env: process.env, cwd: gori.directory });
  assert.equal(found.trim().split('\n').length, 1, 'the name is there, the key is not');
});

test('what makes no sense is refused in the words of the service, and what nobody signed too', async () => {
  const cases: readonly (readonly [action: string, parameters: Record<string, string>, code: string])[] = [
    ['Nonsense', {}, 'InvalidAction'], ['CreateUser', {}, 'ValidationError'], ['CreateUser', { UserName: 'a b' }, 'ValidationError'], ['CreateUser', { UserName: 'x', Path: 'no' }, 'ValidationError'], ['GetUser', { UserName: 'nobody' }, 'NoSuchEntity'],
    ['CreateUser', { UserName: '../../x' }, 'ValidationError'], ['PutUserPolicy', { UserName: 'nobody', PolicyName: 'p', PolicyDocument: '{}' }, 'NoSuchEntity'], ['CreateRole', { RoleName: 'r', AssumeRolePolicyDocument: '{' }, 'MalformedPolicyDocument'],
    ['CreatePolicy', { PolicyName: 'p', PolicyDocument: policyText({ Principal: '*', Action: '*', Resource: '*' }) }, 'MalformedPolicyDocument'], ['CreatePolicy', { PolicyName: 'p', PolicyDocument: policyText({ Action: Array.from({ length: 400 }, () => 's3:GetObjectAndMore'), Resource: '*' }) }, 'LimitExceeded'],
    ['ListUsers', { MaxItems: '0' }, 'ValidationError'], ['GetPolicy', { PolicyArn: 'arn:aws:iam::two:policy/p' }, 'NoSuchEntity'], ['CreateOpenIDConnectProvider', { Url: 'ftp://x' }, 'ValidationError'], ['constructor', {}, 'InvalidAction'],
  ];
  for (const [action, parameters, code] of cases) assert.equal((await iam.ask(action, parameters)).code, code, `${action} ${JSON.stringify(parameters).slice(0, 80)}`);
  assert.equal((await new QueryClient(gori.endpoint, 'iam').ask('ListUsers')).code, 'MissingAuthenticationToken');
  assert.equal((await new QueryClient(gori.endpoint, 'iam', { ...ROOT, secretAccessKey: 'wrong' }).ask('ListUsers')).code, 'SignatureDoesNotMatch');
  assert.equal((await new QueryClient(gori.endpoint, 'iam', { ...ROOT, accessKeyId: 'NOBODY' }).ask('ListUsers')).code, 'InvalidClientTokenId');
  const huge = await fetch(gori.endpoint, { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'x'.repeat(300_000) });
  assert.equal(huge.status, 400);
  assert.equal((await sts(await sts(ROOT).credentials('GetSessionToken')).ask('GetSessionToken')).code, 'AccessDenied');
  assert.equal((await new QueryClient(gori.endpoint, 'iam', await sts(ROOT).credentials('GetSessionToken')).ask('ListUsers')).code, 'InvalidClientTokenId');
});

describe('aws', { skip: missing('aws') }, () => {
  const aws = async (credentials: Credentials, ...args: string[]): Promise<unknown> => {
    const { PATH } = process.env;
    const env = { PATH, HOME: gori.directory, AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey, ...(credentials.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }), AWS_DEFAULT_REGION: 'us-east-1', AWS_EC2_METADATA_DISABLED: 'true' };
    const text = await runWell(['aws', '--endpoint-url', gori.endpoint, '--output', 'json', ...args], { env, cwd: gori.directory });
    return text.trim() === '' ? undefined : JSON.parse(text);
  };

  test('makes users, policies and roles, takes a role on, and cleans up', { timeout: 120_000 }, async () => {
    await aws(ROOT, 'iam', 'create-user', '--user-name', 'erin', '--tags', 'Key=team,Value=red');
    const { AccessKey } = (await aws(ROOT, 'iam', 'create-access-key', '--user-name', 'erin')) as { AccessKey: { AccessKeyId: string; SecretAccessKey: string } };
    const erin = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
    const { Policy } = (await aws(ROOT, 'iam', 'create-policy', '--policy-name', 'assume', '--policy-document', policyText({ Action: 'sts:AssumeRole', Resource: '*' }))) as { Policy: { Arn: string } };
    await aws(ROOT, 'iam', 'attach-user-policy', '--user-name', 'erin', '--policy-arn', Policy.Arn);
    await aws(ROOT, 'iam', 'create-role', '--role-name', 'maker', '--assume-role-policy-document', trust({ AWS: 'arn:aws:iam::one:root' }));
    await aws(ROOT, 'iam', 'attach-role-policy', '--role-name', 'maker', '--policy-arn', 'arn:aws:iam::aws:policy/AmazonS3FullAccess');
    const shown = (await aws(ROOT, 'iam', 'get-role', '--role-name', 'maker')) as { Role: { AssumeRolePolicyDocument: { Statement: unknown[] } } };
    assert.equal(shown.Role.AssumeRolePolicyDocument.Statement.length, 1);
    const { Credentials: given } = (await aws(erin, 'sts', 'assume-role', '--role-arn', 'arn:aws:iam::one:role/maker', '--role-session-name', 'cli')) as { Credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string } };
    const session = { accessKeyId: given.AccessKeyId, secretAccessKey: given.SecretAccessKey, sessionToken: given.SessionToken };
    await aws(session, 's3api', 'create-bucket', '--bucket', 'iam-cli');
    assert.deepEqual(((await aws(session, 's3api', 'list-buckets')) as { Buckets: { Name: string }[] }).Buckets.some(({ Name }) => Name === 'iam-cli'), true);
    assert.equal(((await aws(ROOT, 'iam', 'list-entities-for-policy', '--policy-arn', Policy.Arn)) as { PolicyUsers: unknown[] }).PolicyUsers.length, 1);
    await aws(ROOT, 'iam', 'detach-user-policy', '--user-name', 'erin', '--policy-arn', Policy.Arn);
    await aws(ROOT, 'iam', 'delete-policy', '--policy-arn', Policy.Arn);
    await aws(ROOT, 'iam', 'delete-access-key', '--user-name', 'erin', '--access-key-id', erin.accessKeyId);
    await aws(ROOT, 'iam', 'delete-user', '--user-name', 'erin');
  });
});

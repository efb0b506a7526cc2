/**
 * Operations by the owner, users and sessions of the same account, the root and a user of another, and nobody in particular; with policies of identities,
 * sessions, boundaries and the bucket that allow and deny, and with lists: every answer is what a small model says it must be.
 * GORI_MATRIX_BUCKETS=400 tries more combinations of a bucket's policy and list; a seed is printed, and GORI_MATRIX_SEED repeats one.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GoriProcess } from '../swift/gori-process.ts';
import { mayModel, type ModelBucket, type ModelOperation, type ModelPrincipal, type Named, type Says } from './access-model.ts';
import { policyText, QueryClient, type Credentials } from './query.ts';
import { S3Session } from './session.ts';

const ROOT: Credentials = { accessKeyId: 'ROOTKEY', secretAccessKey: 'root/secret' };
const OTHER: Credentials = { accessKeyId: 'OTHERKEY', secretAccessKey: 'other/secret' };
const BUCKET = 'access-matrix';
const BUCKETS = Number(process.env['GORI_MATRIX_BUCKETS'] ?? 40);
const AT_ONCE = 12;

interface Operation extends ModelOperation {
  readonly name: string;
  readonly method: string;
  /** `#` is a number of its own for each case. */
  readonly path: string;
  readonly body?: string;
}

const READS = ['s3:Get*', 's3:List*'];
const OPERATIONS: readonly Operation[] = [
  { name: 'GetObject', method: 'GET', path: `/${BUCKET}/k`, writes: false, permission: 'READ' },
  { name: 'HeadObject', method: 'HEAD', path: `/${BUCKET}/k`, writes: false, permission: 'READ' },
  { name: 'GetObjectAcl', method: 'GET', path: `/${BUCKET}/k?acl`, writes: false, permission: 'READ_ACP' },
  { name: 'GetObjectTagging', method: 'GET', path: `/${BUCKET}/k?tagging`, writes: false, permission: undefined },
  { name: 'GetObjectAttributes', method: 'GET', path: `/${BUCKET}/k?attributes`, writes: false, permission: 'READ' },
  { name: 'ListObjectsV2', method: 'GET', path: `/${BUCKET}?list-type=2&max-keys=1`, writes: false, permission: 'READ' },
  { name: 'HeadBucket', method: 'HEAD', path: `/${BUCKET}`, writes: false, permission: 'READ' },
  { name: 'ListMultipartUploads', method: 'GET', path: `/${BUCKET}?uploads&max-uploads=1`, writes: false, permission: 'READ' },
  { name: 'GetBucketAcl', method: 'GET', path: `/${BUCKET}?acl`, writes: false, permission: 'READ_ACP' },
  { name: 'GetBucketVersioning', method: 'GET', path: `/${BUCKET}?versioning`, writes: false, permission: undefined },
  { name: 'GetBucketLocation', method: 'GET', path: `/${BUCKET}?location`, writes: false, permission: undefined },
  { name: 'GetBucketPolicy', method: 'GET', path: `/${BUCKET}?policy`, writes: false, permission: undefined, ofPolicy: true },
  { name: 'PutObject', method: 'PUT', path: `/${BUCKET}/new-#`, body: 'x', writes: true, permission: 'WRITE' },
  { name: 'DeleteObject', method: 'DELETE', path: `/${BUCKET}/gone-#`, writes: true, permission: 'WRITE' },
  { name: 'PutObjectTagging', method: 'PUT', path: `/${BUCKET}/k?tagging`, body: '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>', writes: true, permission: undefined },
  { name: 'CreateMultipartUpload', method: 'POST', path: `/${BUCKET}/part-#?uploads`, writes: true, permission: 'WRITE' },
];

interface Principal extends ModelPrincipal {
  readonly name: string;
  readonly credentials: Credentials | undefined;
}

const ARNS: Readonly<Record<Exclude<Named, 'everybody'>, string>> = {
  'owner account': 'arn:aws:iam::one:root', 'other account': 'arn:aws:iam::two:root', 'the user': 'arn:aws:iam::one:user/the-user', 'the role': 'arn:aws:iam::one:role/the-role',
  'the session': 'arn:aws:sts::one:assumed-role/the-role/the-session', 'the other user': 'arn:aws:iam::two:user/the-other-user',
};

const identityPolicy = (says: Says): string => policyText({ Effect: says.startsWith('deny') ? 'Deny' : 'Allow', ...(says === 'allow reads' ? { Action: READS } : says === 'deny writes' ? { NotAction: READS } : { Action: 's3:*' }), Resource: '*' });

let gori: GoriProcess;
const principals: Principal[] = [];

before(async () => {
  gori = await GoriProcess.start({ config: { s3: { users: [{ account: 'one', user: 'root', accessKey: ROOT.accessKeyId, secretKey: ROOT.secretAccessKey, canonicalId: 'canonical-one' }, { account: 'two', user: 'root', accessKey: OTHER.accessKeyId, secretKey: OTHER.secretAccessKey, canonicalId: 'canonical-two' }] } } });
  const clients = { owner: new QueryClient(gori.endpoint, 'iam', ROOT), other: new QueryClient(gori.endpoint, 'iam', OTHER) };
  const add = (principal: Principal): number => principals.push(principal);
  add({ name: 'nobody', account: undefined, root: false, identity: [], role: false, credentials: undefined });
  add({ name: 'the owner', account: 'owner', root: true, identity: [], role: false, credentials: ROOT });
  add({ name: 'the other root', account: 'other', root: true, identity: [], role: false, credentials: OTHER });
  let made = 0;
  const user = async (account: 'owner' | 'other', UserName: string, identity: readonly Says[], boundary?: Says): Promise<Credentials> => {
    const iam = clients[account];
    await iam.well('CreateUser', { UserName });
    for (const says of identity.filter((each) => each !== 'nothing')) await iam.well('PutUserPolicy', { UserName, PolicyName: `p${made++}`, PolicyDocument: identityPolicy(says) });
    if (boundary !== undefined) {
      const [PermissionsBoundary] = await iam.well('CreatePolicy', { PolicyName: `b${made++}`, PolicyDocument: identityPolicy(boundary) }, 'Arn');
      await iam.well('PutUserPermissionsBoundary', { UserName, PermissionsBoundary: PermissionsBoundary! });
    }
    return iam.key(UserName);
  };
  for (const [i, identity] of ([['nothing'], ['allow'], ['allow reads'], ['deny'], ['allow', 'deny writes']] as const).entries()) {
    // The first of each kind is the one that policies of the bucket name.
    for (const [account, title] of [['owner', 'the user'], ['other', 'the other user']] as const) add({ name: i === 0 ? title : `${title} ${identity.join(' and ')}`, account, root: false, identity, role: false, credentials: await user(account, i === 0 ? title.replaceAll(' ', '-') : `${account}-${i}`, identity) });
  }
  for (const boundary of ['allow reads', 'deny writes'] as const) add({ name: `a user within ${boundary}`, account: 'owner', root: false, identity: ['allow'], boundary, role: false, credentials: await user('owner', `bounded-${boundary.replace(' ', '-')}`, ['allow'], boundary) });
  const carol = await user('owner', 'assumer', []);
  const sts = new QueryClient(gori.endpoint, 'sts', carol);
  for (const [RoleName, identity] of [['the-role', 'nothing'], ['able', 'allow'], ['reading', 'allow reads']] as const) {
    await clients.owner.well('CreateRole', { RoleName, AssumeRolePolicyDocument: policyText({ Principal: { AWS: 'arn:aws:iam::one:user/assumer' }, Action: 'sts:AssumeRole' }) });
    if (identity !== 'nothing') await clients.owner.well('PutRolePolicy', { RoleName, PolicyName: 'p', PolicyDocument: identityPolicy(identity) });
    for (const session of [undefined, 'allow reads', 'deny writes'] as const) {
      const ours = RoleName === 'the-role';
      const credentials = await sts.credentials('AssumeRole', { RoleArn: `arn:aws:iam::one:role/${RoleName}`, RoleSessionName: 'the-session', ...(session === undefined ? {} : { Policy: identityPolicy(session) }) });
      add({ name: ours ? 'the session' : `${RoleName} within ${String(session)}`, account: 'owner', root: false, identity: [identity], session, role: ours, credentials });
    }
  }
});

after(async () => {
  assert.deepEqual(gori.complaints, []);
  await gori[Symbol.asyncDispose]();
});

const SEED = Number(process.env['GORI_MATRIX_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Each named alone first, then whatever chance has together. */
function* buckets(next: () => number): Generator<ModelBucket> {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!;
  const acls = ['private', 'public-read', 'authenticated-read', 'other account reads', 'other account all'] as const;
  const everyone: readonly Named[] = ['everybody', 'owner account', 'other account', 'the user', 'the role', 'the session', 'the other user'];
  const says: readonly Says[] = ['allow', 'allow reads', 'deny', 'deny writes'];
  yield { policy: [], acl: pick(acls), block: false };
  for (const named of everyone) yield { policy: [{ named, says: pick(says.slice(0, 2)) }], acl: 'private', block: named === 'everybody' && next() < 0.5 };
  for (;;) yield { policy: Array.from({ length: Math.floor(next() * 4) }, () => ({ named: pick(everyone), says: pick(says) })), acl: pick(acls), block: next() < 0.2 };
}

async function configure(bucket: ModelBucket): Promise<void> {
  const owner = new S3Session(gori.endpoint, ROOT.accessKeyId, ROOT.secretAccessKey);
  // First of all what may deny the rest to its owner too.
  await owner.well('DELETE', `/${BUCKET}?policy`);
  await owner.well('DELETE', `/${BUCKET}?publicAccessBlock`);
  const grant = bucket.acl === 'other account reads' ? { 'x-amz-grant-read': 'id=canonical-two' } : bucket.acl === 'other account all' ? { 'x-amz-grant-full-control': 'id=canonical-two' } : undefined;
  const headers = grant === undefined ? { 'x-amz-acl': bucket.acl } : { 'x-amz-grant-read-acp': 'id=canonical-one', ...grant };
  await owner.well('PUT', `/${BUCKET}?acl`, { headers });
  await owner.well('PUT', `/${BUCKET}/k?acl`, { headers });
  if (bucket.block) await owner.well('PUT', `/${BUCKET}?publicAccessBlock`, { body: '<PublicAccessBlockConfiguration><IgnorePublicAcls>true</IgnorePublicAcls><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>' });
  if (bucket.policy.length > 0) {
    const statements = bucket.policy.map(({ named, says }) => ({ Effect: says.startsWith('deny') ? 'Deny' : 'Allow', Principal: named === 'everybody' ? '*' : { AWS: ARNS[named] }, ...(says === 'allow reads' ? { Action: READS } : says === 'deny writes' ? { NotAction: READS } : { Action: 's3:*' }), Resource: [`arn:aws:s3:::${BUCKET}`, `arn:aws:s3:::${BUCKET}/*`] }));
    await owner.well('PUT', `/${BUCKET}?policy`, { body: policyText(...statements) });
  }
}

let cases = 0;

async function statusOf({ credentials }: Principal, { method, path, body, name }: Operation): Promise<number> {
  const target = path.replace('#', String(cases++));
  const headers = name === 'GetObjectAttributes' ? { 'x-amz-object-attributes': 'ETag' } : {};
  if (credentials === undefined) return (await fetch(gori.endpoint + target, { method, headers, ...(body === undefined ? {} : { body }) })).status;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return (await new S3Session(gori.endpoint, accessKeyId, secretAccessKey, sessionToken).ask(method, target, { headers, ...(body === undefined ? {} : { body }) })).status;
}

test('whoever asks may what the model says, and nothing else', { timeout: 600_000 }, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const owner = new S3Session(gori.endpoint, ROOT.accessKeyId, ROOT.secretAccessKey);
  await owner.well('PUT', `/${BUCKET}`);
  await owner.well('PUT', `/${BUCKET}/k`, { body: 'data' });
  const source = buckets(random(SEED));
  const faults: string[] = [];
  const allowed = { yes: 0, no: 0 };
  for (let i = 0; i < BUCKETS; i++) {
    const bucket = source.next().value as ModelBucket;
    await configure(bucket);
    const all = principals.flatMap((principal) => OPERATIONS.map((operation) => ({ principal, operation })));
    let at = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let one = all[at++]; one !== undefined; one = all[at++]) {
        const { principal, operation } = one;
        const expected = mayModel(principal, principal.name, bucket, operation);
        const status = await statusOf(principal, operation);
        allowed[expected ? 'yes' : 'no']++;
        const may = status < 300 || status === 404;
        if (may !== expected || (!may && status !== 403)) faults.push(`${operation.name} by ${principal.name} ${JSON.stringify({ ...principal, credentials: undefined })}: ${status}, expected ${expected ? 'leave' : 'none'}, with ${JSON.stringify(bucket)}`);
      }
    }));
  }
  assert.deepEqual(faults.slice(0, 20), [], `${faults.length} of ${allowed.yes + allowed.no}`);
  assert.ok(allowed.yes > 100 && allowed.no > 100, JSON.stringify(allowed));
  t.diagnostic(`${allowed.yes} allowed, ${allowed.no} refused`);
});

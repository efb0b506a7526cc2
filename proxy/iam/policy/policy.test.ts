/** Policies: who is meant, what is meant, and under which conditions; and which documents cannot be meant at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '#common';
import { parsePolicy } from './document.ts';
import { matchesPattern } from './pattern.ts';
import { isPublicPolicy, verdictOf, verdictOfAll, type Nameable, type Verdict } from './verdict.ts';

const BUCKET = 'photos';
const alice: Nameable = { accountId: 'a', accountNames: ['cid-alice'], canonicalId: 'cid-alice', arns: new Map([['arn:aws:iam::a:user/alice', 'session'], ['arn:aws:iam:::user/cid-alice', 'session']]) };
const acting: Nameable = { accountId: 'a', accountNames: [], canonicalId: 'cid-a', arns: new Map([['arn:aws:iam::a:role/r', 'principal'], ['arn:aws:sts::a:assumed-role/r/s', 'session']]) };
/** Refused as a policy that cannot be meant. */
const malformed = (error: unknown): boolean => isStoreError(error, 'bad-request') && error.detail['code'] === 'MalformedPolicy';

interface Asked {
  caller?: Nameable | undefined;
  action?: string;
  key?: string;
  context?: Readonly<Record<string, readonly string[]>>;
}

function ask(statements: object | readonly object[], { caller, action = 's3:GetObject', key = 'a/b', context = {} }: Asked = {}): Verdict {
  const policy = parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }), { bucket: BUCKET });
  return verdictOf(policy, { caller, action, resource: `arn:aws:s3:::${BUCKET}/${key}`, context: (name) => context[name] });
}

const allow = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${BUCKET}/*` };

test('an explicit deny wins over every allow; what nothing speaks of is not decided', () => {
  assert.equal(ask(allow), 'principal');
  assert.equal(ask([allow, { ...allow, Effect: 'Deny', Resource: `arn:aws:s3:::${BUCKET}/a/*` }]), 'deny');
  assert.equal(ask(allow, { action: 's3:PutObject' }), 'silent');
  assert.equal(ask({ ...allow, Resource: `arn:aws:s3:::${BUCKET}` }), 'silent');
  assert.equal(ask({ ...allow, Action: undefined, NotAction: 's3:Put*' }), 'principal');
  assert.equal(ask({ ...allow, Resource: undefined, NotResource: `arn:aws:s3:::${BUCKET}/c*` }), 'principal');
});

test('principals are accounts, users, canonical ids, or everybody but some', () => {
  for (const AWS of ['arn:aws:iam::a:root', 'a']) assert.equal(ask({ ...allow, Principal: { AWS } }, { caller: alice }), 'account', AWS);
  for (const AWS of ['arn:aws:iam::a:user/alice', ['x', 'a', 'arn:aws:iam:::user/cid-alice']]) assert.equal(ask({ ...allow, Principal: { AWS } }, { caller: alice }), 'session', String(AWS));
  for (const [AWS, verdict] of [['arn:aws:iam::a:role/r', 'principal'], ['arn:aws:sts::a:assumed-role/r/s', 'session'], ['arn:aws:iam::a:root', 'account'], ['arn:aws:sts::a:assumed-role/r/t', 'silent']] as const) assert.equal(ask({ ...allow, Principal: { AWS } }, { caller: acting }), verdict, AWS);
  for (const Principal of [{ AWS: 'arn:aws:iam::b:root' }, { AWS: 'arn:aws:iam::a:user/bob' }, { CanonicalUser: 'other' }, { Service: 's3.amazonaws.com' }]) assert.equal(ask({ ...allow, Principal }, { caller: alice }), 'silent', JSON.stringify(Principal));
  assert.equal(ask({ ...allow, Principal: { CanonicalUser: 'cid-alice' } }, { caller: alice }), 'account');
  assert.equal(ask({ ...allow, Principal: { AWS: 'a' } }), 'silent', 'a stranger is nobody in particular');
  const others = { ...allow, Effect: 'Deny', Principal: undefined, NotPrincipal: { AWS: 'arn:aws:iam::a:root' } };
  assert.deepEqual([ask(others, { caller: alice }), ask(others)], ['silent', 'deny']);
});

test('conditions hold as their operators say, also where their key is missing', () => {
  const when = (Condition: object, context: Asked['context'] = {}): Verdict => ask({ ...allow, Condition }, { context });
  const cases: readonly (readonly [condition: object, context: Asked['context'], verdict: Verdict])[] = [
    [{ StringEquals: { 's3:prefix': ['a', 'b'] } }, { 's3:prefix': ['b'] }, 'principal'],
    [{ StringEquals: { 's3:prefix': 'a' } }, {}, 'silent'],
    [{ StringEqualsIfExists: { 's3:prefix': 'a' } }, {}, 'principal'],
    [{ StringNotEquals: { 's3:prefix': 'a' } }, {}, 'principal'],
    [{ StringNotEquals: { 's3:prefix': ['a', 'b'] } }, { 's3:prefix': ['b'] }, 'silent'],
    [{ StringLike: { 'aws:Referer': 'http://x/*' } }, { 'aws:referer': ['http://x/page'] }, 'principal'],
    [{ Null: { 's3:x-amz-server-side-encryption': 'true' } }, {}, 'principal'],
    [{ Null: { 's3:x-amz-server-side-encryption': 'true' } }, { 's3:x-amz-server-side-encryption': ['AES256'] }, 'silent'],
    [{ NumericLessThanEquals: { 's3:max-keys': '10' } }, { 's3:max-keys': ['10'] }, 'principal'],
    [{ DateLessThan: { 'aws:CurrentTime': '2026-01-01T00:00:00Z' } }, { 'aws:currenttime': ['2026-02-01T00:00:00Z'] }, 'silent'],
    [{ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, { 'aws:sourceip': ['10.1.2.3'] }, 'principal'],
    [{ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, { 'aws:sourceip': ['::ffff:11.0.0.1'] }, 'silent'],
    [{ NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, { 'aws:sourceip': ['11.0.0.1'] }, 'principal'],
    [{ 'ForAllValues:StringEquals': { 's3:RequestObjectTagKeys': ['a', 'b'] } }, { 's3:requestobjecttagkeys': ['a', 'c'] }, 'silent'],
    [{ 'ForAnyValue:StringEquals': { 's3:RequestObjectTagKeys': ['a', 'b'] } }, { 's3:requestobjecttagkeys': ['c', 'a'] }, 'principal'],
    [{ Bool: { 'aws:SecureTransport': 'false' } }, { 'aws:securetransport': ['false'] }, 'principal'],
    [{ StringEquals: { 's3:prefix': '${aws:username}/home' } }, { 's3:prefix': ['alice/home'], 'aws:username': ['alice'] }, 'principal'],
  ];
  for (const [condition, context, verdict] of cases) assert.equal(when(condition, context), verdict, `${JSON.stringify(condition)} of ${JSON.stringify(context)}`);
});

test('resources may name the caller', () => {
  const home = { ...allow, Resource: `arn:aws:s3:::${BUCKET}/\${aws:username}/*` };
  assert.deepEqual([ask(home, { key: 'alice/x', context: { 'aws:username': ['alice'] } }), ask(home, { key: 'bob/x', context: { 'aws:username': ['alice'] } }), ask(home, { key: 'x/y' })], ['principal', 'silent', 'silent']);
});

test('what cannot be meant is refused', () => {
  const wrong: readonly object[] = [
    { ...allow, Effect: 'Maybe' }, { ...allow, Action: undefined }, { ...allow, NotAction: 's3:*' }, { ...allow, Principal: undefined }, { ...allow, Principal: undefined, NotPrincipal: '*' }, { ...allow, Resource: 'arn:aws:s3:::another/*' },
    { ...allow, Resource: 'photos/*' }, { ...allow, Action: 'GetObject' }, { ...allow, Condition: { StringIsh: { a: 'b' } } }, { ...allow, Extra: 1 }, { ...allow, Principal: {} },
  ];
  for (const statement of wrong) assert.throws(() => ask(statement), malformed, JSON.stringify(statement));
  for (const text of ['', '{', '[]', '{"Statement":[]}', '{"Version":"2020-01-01","Statement":[]}']) assert.throws(() => parsePolicy(text, { bucket: BUCKET }), malformed, text);
});

test('a policy of a user speaks of nobody, one of a role of no resource; and what several say is one verdict', () => {
  const own = { Effect: 'Allow', Action: 's3:*', Resource: '*' };
  const text = (...statements: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement: statements });
  for (const wrong of [{ ...own, Principal: '*' }, { ...own, Resource: undefined }]) assert.throws(() => parsePolicy(text(wrong), 'identity'), malformed);
  assert.throws(() => parsePolicy(text({ ...own, Sid: 'x' }, { ...own, Sid: 'x' }), 'identity'), malformed);
  const trust = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: 'a' } };
  for (const wrong of [{ ...trust, Resource: '*' }, { ...trust, Principal: undefined }]) assert.throws(() => parsePolicy(text(wrong), 'trust'), malformed);
  const question = { caller: alice, action: 's3:GetObject', resource: 'arn:aws:s3:::b/k', context: () => undefined };
  const [all, none, other] = [own, { ...own, Effect: 'Deny' }, { ...own, Action: 's3:PutObject' }].map((statement) => parsePolicy(text(statement), 'identity')) as [ReturnType<typeof parsePolicy>, ReturnType<typeof parsePolicy>, ReturnType<typeof parsePolicy>];
  assert.deepEqual([verdictOfAll([all, other], question), verdictOfAll([all, none], question), verdictOfAll([other], question), verdictOfAll([], question)], ['allow', 'deny', 'silent', 'silent']);
  assert.equal(verdictOf(parsePolicy(text({ ...trust, Principal: { Federated: 'arn:p' } }), 'trust'), { ...question, action: 'sts:AssumeRole', caller: { ...alice, federatedBy: 'arn:p' } }), 'principal');
});

test('a policy is public where it lets anyone in, and nothing narrows who that is', () => {
  const isPublic = (statement: object): boolean => isPublicPolicy(parsePolicy(JSON.stringify({ Statement: statement }), { bucket: BUCKET }));
  assert.deepEqual([isPublic(allow), isPublic({ ...allow, Effect: 'Deny' }), isPublic({ ...allow, Principal: { AWS: 'a' } })], [true, false, false]);
  assert.equal(isPublic({ ...allow, Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/32' } } }), false);
  assert.equal(isPublic({ ...allow, Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } } }), true);
  assert.equal(isPublic({ ...allow, Condition: { StringLike: { 'aws:Referer': 'http://x/*' } } }), true);
});

test('patterns match as shells do, in time that does not grow with what could be', () => {
  for (const [pattern, text, matches] of [['*', '', true], ['a?c', 'abc', true], ['a*c', 'ac', true], ['a*c', 'acb', false], ['*a*b*', 'xxaxxbxx', true], ['a.c', 'abc', false]] as const) assert.equal(matchesPattern(pattern, text), matches, `${pattern} of ${text}`);
  const started = performance.now();
  assert.equal(matchesPattern(`${'*a'.repeat(50)}b`, 'a'.repeat(5000)), false);
  assert.ok(performance.now() - started < 1000);
});

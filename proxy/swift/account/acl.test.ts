import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '#proxy/core';
import type { Access } from '../authorize.ts';
import { Refusal } from '../refusal.ts';
import { accountAclOf, cleanAccountAcl, grantedByAccount } from './acl.ts';

test('an account ACL is kept as compact ASCII JSON with its keys in order', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{"read-write": ["b"],  "admin":["a:b", "c"]}', '{"admin":["a:b","c"],"read-write":["b"]}'],
    ['{}', ''],
    ['', ''],
    ['{"admin":[]}', '{"admin":[]}'],
    [Buffer.from('{"read-only":["한"]}').toString('latin1'), '{"read-only":["\\ud55c"]}'],
  ];
  for (const [given, kept] of cases) assert.equal(cleanAccountAcl(given), kept);
});

test('what is no account ACL is refused with 400 and a reason', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['yuck', /Syntax error in input/],
    ['[]', /Syntax error in input/],
    ['"admin"', /Syntax error in input/],
    ['null', /Syntax error in input/],
    ['{"owner":[]}', /Key "owner" not recognized/],
    ['{"__proto__":[]}', /Key "__proto__" not recognized/],
    ['{"admin":"test"}', /Value for key "admin" must be a list/],
    ['{"admin":[1]}', /Elements of "admin" list must be strings/],
  ];
  for (const [given, reason] of cases) {
    assert.throws(() => cleanAccountAcl(given), (error) => error instanceof Refusal && error.status === 400 && reason.test(error.body), given);
  }
});

const eve: Principal = { id: 'other:eve', groups: ['other:eve', 'other'], ownedAccounts: [], resellerAdmin: false, resellerReader: false };
const ACCESSES: readonly Access[] = ['account-read', 'account-write', 'account-manage', 'container-read', 'container-write', 'object-read', 'object-write'];

/** What an ACL allows eve, and where it makes her as good as an owner. */
function allowedBy(acl: string): string[] {
  const parsed = accountAclOf({ 'acl:account': acl });
  return ACCESSES.flatMap((access) => {
    const granted = grantedByAccount(parsed, eve, access);
    return granted === undefined ? [] : [granted === 'owner' ? `${access}!` : access];
  });
}

test('each level of an account ACL grants what it says and no more', () => {
  assert.deepEqual(allowedBy('{"admin":["other:eve"]}'), ['account-read!', 'account-write!', 'container-read!', 'container-write!', 'object-read!', 'object-write!']);
  assert.deepEqual(allowedBy('{"read-write":["other"]}'), ['account-read', 'container-read', 'container-write', 'object-read', 'object-write']);
  assert.deepEqual(allowedBy('{"read-only":["other:eve"]}'), ['account-read', 'container-read', 'object-read']);
  assert.deepEqual(allowedBy('{"admin":["other:bob"],"read-only":["oth"]}'), []);
});

test('an account ACL grants nothing to nobody', () => {
  assert.equal(grantedByAccount(accountAclOf({ 'acl:account': '{"admin":["*"]}' }), undefined, 'object-read'), undefined);
  assert.equal(accountAclOf({}), undefined);
});

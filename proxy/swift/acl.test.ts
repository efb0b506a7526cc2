import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '#proxy/core';
import { cleanAcl, parseAcl, referrerAllowed } from './acl.ts';
import type { AccountFacts } from './account/facts.ts';
import { authorize, type Access } from './authorize.ts';
import { Refusal } from './refusal.ts';

test('ACLs are cleaned to their canonical text', () => {
  const cases = [
    ['a, b ,c', 'a,b,c'],
    ['.referrer : *', '.r:*'],
    ['.ref:*.example.com', '.r:.example.com'],
    ['.referer:-evil.example.com', '.r:-evil.example.com'],
    ['.r:*,.rlistings', '.r:*,.rlistings'],
    ['test:tester,', 'test:tester'],
  ] as const;
  for (const [text, clean] of cases) assert.equal(cleanAcl('X-Container-Read', text), clean);
});

test('what is no ACL is refused with 400, referrers in a write ACL too', () => {
  for (const text of ['.r:', '.r:-', '.x:y', '.unknown:z']) assert.throws(() => cleanAcl('X-Container-Read', text), (error) => error instanceof Refusal && error.status === 400, text);
  assert.throws(() => cleanAcl('X-Container-Write', '.r:*'), (error) => error instanceof Refusal && error.status === 400 && error.body.includes('Referrers not allowed in write ACL'));
});

test('of referrer elements the last that speaks of the host decides', () => {
  const allowed = (acl: string, referer: string | undefined): boolean => referrerAllowed(referer, parseAcl(acl));
  assert.equal(allowed('.r:*', undefined), true);
  assert.equal(allowed('.r:example.com', 'http://example.com/page'), true);
  assert.equal(allowed('.r:example.com', 'http://www.example.com/'), false);
  assert.equal(allowed('.r:.example.com', 'http://www.example.com/'), true);
  assert.equal(allowed('.r:*,.r:-.example.com', 'http://www.example.com/'), false);
  assert.equal(allowed('.r:-.example.com,.r:*', 'http://www.example.com/'), true);
  assert.equal(allowed('test:tester', 'http://example.com/'), false);
  assert.equal(allowed('.r:example.com', 'not a url'), false);
  assert.equal(allowed('.r:unknown', undefined), true);
  assert.equal(allowed('.r:*,.r:-*', 'http://example.com/'), true, 'a negative star is no host');
  assert.equal(allowed('.r:example.com', 'HTTPS://user@EXAMPLE.com:8080/page?x#y'), true);
  assert.equal(allowed('.r:example.com', 'http://evil.com/?//example.com/'), false);
});

const principal = (id: string, more: Partial<Principal> = {}): Principal => ({ id, groups: [id, id.split(':')[0]!], ownedAccounts: [], resellerAdmin: false, resellerReader: false, ...more });
const owner = principal('test:tester', { ownedAccounts: ['AUTH_test'] });
const user = principal('test:tester3');
const stranger = principal('other:eve');
const admin = principal('admin:admin', { resellerAdmin: true });
const reader = principal('admin:reader', { resellerReader: true });

const NO_ACCOUNTS = { metadata: () => Promise.resolve({}) } as unknown as AccountFacts;

/** Status of an access to AUTH_test: 200, 401 or 403. */
async function status(who: Principal | undefined, access: Access, acl: Record<string, string> = {}, referer?: string): Promise<number> {
  try {
    await authorize({ principal: who, referer }, access, { account: 'AUTH_test' }, acl, NO_ACCOUNTS);
    return 200;
  } catch (error) {
    return (error as Refusal).status;
  }
}

test('owners may do everything but manage accounts, which reseller admins may', async () => {
  for (const access of ['account-read', 'account-write', 'container-read', 'container-write', 'object-read', 'object-write'] as const) {
    assert.equal(await status(owner, access), 200, access);
    assert.equal(await status(admin, access), 200, access);
    assert.equal(await status(user, access), 403, access);
    assert.equal(await status(undefined, access), 401, access);
    assert.equal(await status(reader, access), access.endsWith('read') ? 200 : 403, access);
  }
  assert.equal(await status(owner, 'account-manage'), 403);
  assert.equal(await status(admin, 'account-manage'), 200);
});

test('a read ACL grants reading objects and listing, never writing', async () => {
  for (const grant of ['test:tester3', 'test']) {
    assert.equal(await status(user, 'object-read', { 'acl:read': grant }), 200);
    assert.equal(await status(user, 'container-read', { 'acl:read': grant }), 200);
    assert.equal(await status(user, 'object-write', { 'acl:read': grant }), 403);
    assert.equal(await status(stranger, 'object-read', { 'acl:read': grant }), 403);
  }
});

test('a write ACL grants writing objects, not reading them nor changing the container', async () => {
  const acl = { 'acl:write': 'other:eve' };
  assert.equal(await status(stranger, 'object-write', acl), 200);
  assert.equal(await status(stranger, 'object-read', acl), 403);
  assert.equal(await status(stranger, 'container-write', acl), 403);
});

test('anonymous readers get objects by referrer, and listings only with .rlistings', async () => {
  assert.equal(await status(undefined, 'object-read', { 'acl:read': '.r:*' }), 200);
  assert.equal(await status(undefined, 'container-read', { 'acl:read': '.r:*' }), 401);
  assert.equal(await status(undefined, 'container-read', { 'acl:read': '.r:*,.rlistings' }), 200);
});

test('the realm of a 401 cannot write headers of its own', async () => {
  try {
    await authorize({ principal: undefined, referer: undefined }, 'account-read', { account: 'AUTH_x\r\nX-Evil: 1"' }, undefined, NO_ACCOUNTS);
    assert.fail('allowed');
  } catch (error) {
    assert.match((error as Refusal).headers['WWW-Authenticate']!, /^Swift realm="[\w%.-]+"$/);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tempauth, type TempauthUser } from './tempauth.ts';

const NOW = 1_700_000_000_000;
const USERS: TempauthUser[] = [
  { account: 'test', user: 'tester', key: 'testing', groups: ['.admin'] },
  { account: 'test', user: 'reader', key: 'reading', groups: ['service', '.reseller_reader'] },
  { account: 'admin', user: 'admin', key: 'k', groups: ['.admin', '.reseller_admin'] },
];
const open = (users = USERS, secret = 'secret'): Tempauth => new Tempauth({ users, secret, resellerPrefix: 'AUTH', tokenLifeSeconds: 3600 });

test('a token is given for the right key only', () => {
  const auth = open();
  assert.equal(auth.issue('test:tester', 'wrong', NOW), undefined);
  assert.equal(auth.issue('test:nobody', 'testing', NOW), undefined);
  assert.equal(auth.issue('tester', 'testing', NOW), undefined);
  const issued = auth.issue('test:tester', 'testing', NOW);
  assert.equal(issued?.account, 'AUTH_test');
  assert.equal(issued?.expiresInSeconds, 3600);
});

test('a token tells who, on every proxy with the secret, until it is too old', () => {
  const { token } = open().issue('test:tester', 'testing', NOW)!;
  const principal = open().verify(token, NOW + 3_599_000);
  assert.equal(principal?.id, 'test:tester');
  assert.deepEqual(principal?.ownedAccounts, ['AUTH_test']);
  assert.deepEqual(principal?.groups, ['test:tester', 'test', 'AUTH_test']);
  assert.equal(open().verify(token, NOW + 3_600_000), undefined);
});

test('a token may ask for a shorter life, not for a longer one', () => {
  const auth = open();
  assert.equal(auth.issue('test:tester', 'testing', NOW, 60)?.expiresInSeconds, 60);
  assert.equal(auth.issue('test:tester', 'testing', NOW, 1e9)?.expiresInSeconds, 3600);
});

test('another secret, a changed key, a removed user or a changed character end a token', () => {
  const { token } = open().issue('test:tester', 'testing', NOW)!;
  assert.equal(open(USERS, 'other').verify(token, NOW), undefined);
  assert.equal(open([{ ...USERS[0]!, key: 'changed' }]).verify(token, NOW), undefined);
  assert.equal(open(USERS.slice(1)).verify(token, NOW), undefined);
  for (let i = 0; i < token.length; i++) {
    const forged = `${token.slice(0, i)}${token[i] === 'a' ? 'b' : 'a'}${token.slice(i + 1)}`;
    assert.equal(open().verify(forged, NOW), undefined, `character ${i}`);
  }
  for (const junk of ['', 'AUTH_tk', 'AUTH_tkzz', `AUTH_tk${'0'.repeat(200)}`, 'x'.repeat(10_000)]) assert.equal(open().verify(junk, NOW), undefined);
});

test('reseller groups make principals that may more', () => {
  const auth = open();
  const admin = auth.verify(auth.issue('admin:admin', 'k', NOW)!.token, NOW);
  assert.equal(admin?.resellerAdmin, true);
  const reader = auth.verify(auth.issue('test:reader', 'reading', NOW)!.token, NOW);
  assert.deepEqual([reader?.resellerReader, reader?.resellerAdmin, reader?.ownedAccounts], [true, false, []]);
  assert.deepEqual(reader?.groups, ['test:reader', 'test', 'service']);
});

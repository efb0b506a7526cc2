import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tempauth, type ServicePrefix, type TempauthUser } from './tempauth.ts';

const NOW = 1_700_000_000_000;
const USERS: TempauthUser[] = [
  { account: 'test', user: 'tester', key: 'testing', groups: ['.admin'] },
  { account: 'test', user: 'reader', key: 'reading', groups: ['service', '.reseller_reader'] },
  { account: 'admin', user: 'admin', key: 'k', groups: ['.admin', '.reseller_admin'] },
];
const open = (users = USERS, secret = 'secret', servicePrefixes: ServicePrefix[] = []): Tempauth => new Tempauth({ users, secret, resellerPrefix: 'AUTH', servicePrefixes, tokenLifeSeconds: 3600 });

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

test('an account of a service is owned only by its owner and a service together', () => {
  const auth = open([...USERS, { account: 'backup', user: 'daemon', key: 'k', groups: ['.service'] }], 'secret', [{ prefix: 'SERVICE', requireGroup: '.service' }, { prefix: 'ARCHIVE' }]);
  const principal = (id: string, key: string) => auth.verify(auth.issue(id, key, NOW)!.token, NOW)!;
  const [user, service] = [principal('test:tester', 'testing'), principal('backup:daemon', 'k')];
  assert.deepEqual(user.ownedAccounts, ['AUTH_test', 'ARCHIVE_test']);
  assert.deepEqual(service.ownedAccounts, []);
  assert.deepEqual(auth.together(service, service).ownedAccounts, []);
  const both = auth.together(user, service);
  assert.deepEqual(both.ownedAccounts, ['AUTH_test', 'SERVICE_test', 'ARCHIVE_test']);
  assert.equal(both.id, 'test:tester');
  assert.ok(both.groups.includes('.service'));
});

test('accounts are known by their prefix; a prefix alone and dot accounts are not', () => {
  const auth = open(USERS, 'secret', [{ prefix: 'SERVICE', requireGroup: '.service' }]);
  for (const account of ['AUTH_test', 'SERVICE_test', 'AUTH_a.b']) assert.equal(auth.knowsAccount(account), true, account);
  for (const account of ['AUTH_', 'AUTH', 'AUTH_.hidden', 'SERVICE_.x', 'OTHER_test', 'test']) assert.equal(auth.knowsAccount(account), false, account);
});

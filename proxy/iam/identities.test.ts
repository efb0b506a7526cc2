/** Identities on a cluster of memory engines: what several proxies do at once, what they know of each other's changes, and when sessions end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '#common';
import { Encryption, RootSecrets, type Store } from '#proxy/core';
import { memoryCluster } from '../core/memory-cluster.fixture.ts';
import type { AccountOwner } from './caller.ts';
import { newId, type Role, type User } from './entities.ts';
import { IamFault } from './faults.ts';
import { Identities } from './identities.ts';
import { SessionTokens } from './session-tokens.ts';

const owner: AccountOwner = {
  id: 'one:root', accessKey: 'ROOT', account: 'AUTH_one', project: 'one', user: 'root', canonicalId: 'cid', displayName: 'root', email: undefined, groups: [], ownedAccounts: ['AUTH_one'], resellerAdmin: false, resellerReader: false, accountId: 'one', managesIdentities: true,
};
const tokens = new SessionTokens('s'.repeat(32));
const open = (store: Store): Identities => new Identities({ store, tokens, owners: { byAccessKey: (key) => (key === 'ROOT' ? { holder: owner, secret: 'root' } : undefined), ofProject: (project) => (project === 'one' ? owner : undefined), inAccount: (account) => (account === 'one' ? [owner] : []) } });
const user = (name: string, more: Partial<User> = {}): User => ({ id: newId('user'), name, path: '/', createdAtMs: 1, inline: {}, attached: [], project: 'one', groups: [], keys: [], tags: [], ...more });
const allowAll = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } });

async function withKey(identities: Identities, made: User, key: string): Promise<void> {
  await identities.directory.addKey(key, { account: 'one', userId: made.id, secret: identities.sealedKeys.seal('secret', key) });
  await identities.directory.users.create('one', { ...made, keys: [{ id: key, createdAtMs: 1, active: true }] });
}

test('of many proxies that make a user of one name, whatever its case, one does; the others leave nothing', async () => {
  const cluster = memoryCluster();
  const proxies = [cluster.store, ...Array.from({ length: 7 }, (_, i) => cluster.anotherProxy(i * 3))].map(open);
  for (let round = 0; round < 5; round++) {
    const made = await Promise.all(proxies.map((proxy, i) => proxy.directory.users.create('one', user(i % 2 === 0 ? `Name${round}` : `name${round}`))));
    assert.equal(made.filter(Boolean).length, 1, `round ${round}: ${made.join()}`);
  }
  const { entries } = await proxies[0]!.directory.users.page('one', { marker: '', limit: 100, pathPrefix: '/' });
  assert.equal(entries.length, 5);
});

test('changes of many at once are all there', async () => {
  const cluster = memoryCluster();
  const proxies = [cluster.store, cluster.anotherProxy(5), cluster.anotherProxy(9)].map(open);
  const made = user('shared');
  await proxies[0]!.directory.users.create('one', made);
  await Promise.all(Array.from({ length: 12 }, (_, i) => proxies[i % 3]!.directory.users.change('one', made.id, (current) => ({ ...current, tags: [...current.tags, [`t${i}`, 'v']] }))));
  assert.equal((await proxies[1]!.directory.users.byId('one', made.id))?.tags.length, 12);
});

test('a name is given up when its user is renamed or removed, and taken over from one who died between', async () => {
  const cluster = memoryCluster();
  const { directory } = open(cluster.store);
  const [a, b] = [user('a'), user('b')];
  assert.deepEqual([await directory.users.create('one', a), await directory.users.create('one', b)], [true, true]);
  await assert.rejects(directory.users.rename('one', a, { name: 'B', path: '/' }), (error: unknown) => error instanceof IamFault && error.code === 'EntityAlreadyExists');
  await directory.users.rename('one', a, { name: 'c', path: '/x/' });
  assert.deepEqual([(await directory.users.byName('one', 'C'))?.id, await directory.users.byName('one', 'a')], [a.id, undefined]);
  assert.equal(await directory.users.create('one', user('A')), true);
  await assert.rejects(directory.users.remove('one', b.id, () => { throw new IamFault('DeleteConflict', 'not yet'); }), IamFault);
  assert.equal(await directory.users.remove('one', b.id, () => undefined), true);
  assert.deepEqual([await directory.users.byName('one', 'b'), await directory.users.create('one', user('b'))], [undefined, true]);
  // Somebody claimed a name, and died before the user had it.
  const lost = (await directory.users.byName('one', 'b'))!;
  await directory.users.change('one', lost.id, (current) => ({ ...current, deleted: true }));
  assert.equal(await directory.users.create('one', user('b')), false, 'he may be at it still');
  cluster.clock.wind(61_000);
  assert.equal(await directory.users.create('one', user('b')), true);
});

test('what may not be removed as it is now stays, however close the look and the change were', async () => {
  const cluster = memoryCluster();
  const proxies = [cluster.store, cluster.anotherProxy(5)].map(open);
  for (let round = 0; round < 10; round++) {
    const role = { id: 'AROA1', name: 'r', path: '/', createdAtMs: 1, inline: {}, attached: [], project: 'one', trust: '', description: undefined, maxSessionSeconds: 3600, tags: [] };
    await proxies[0]!.directory.create('role', 'one', 'r', role);
    const [changed, removed] = await Promise.allSettled([
      proxies[0]!.directory.change<Role>('role', 'one', 'r', (current) => ({ ...current, inline: { all: allowAll } })),
      proxies[1]!.directory.removeIf<Role>('role', 'one', 'r', ({ inline }) => { if (Object.keys(inline).length > 0) throw new IamFault('DeleteConflict', 'it has policies'); }),
    ]);
    const left = await proxies[0]!.directory.role('one', 'r');
    const written = changed.status === 'fulfilled' && changed.value !== undefined;
    assert.equal(left?.inline['all'], written ? allowAll : undefined, `round ${round}`);
    assert.equal(removed.status === 'fulfilled' && removed.value, !written, `round ${round}: ${JSON.stringify([changed, removed])}`);
    await proxies[0]!.directory.remove('role', 'one', 'r');
  }
});

test('another proxy knows of a change after three seconds, the same at once', async () => {
  const cluster = memoryCluster();
  const [here, there] = [open(cluster.store), open(cluster.anotherProxy())];
  const made = user('u');
  assert.equal(await here.credentials('AKIA1', undefined), undefined);
  assert.equal(await there.credentials('AKIA1', undefined), undefined);
  await withKey(here, made, 'AKIA1');
  here.forget();
  const policies = async (identities: Identities): Promise<number | undefined> => (await identities.credentials('AKIA1', undefined))?.holder.policies.length;
  assert.deepEqual([await policies(here), await policies(there)], [0, undefined]);
  cluster.clock.wind(3001);
  assert.equal(await policies(there), 0);
  await here.directory.users.change('one', made.id, (current) => ({ ...current, inline: { all: allowAll } }));
  here.forget();
  assert.deepEqual([await policies(here), await policies(there)], [1, 0]);
  cluster.clock.wind(3001);
  assert.deepEqual([await policies(there), (await there.credentials('AKIA1', undefined))?.secret], [1, 'secret']);
});

test('a session ends in its second, with its user, and with its role', async () => {
  const cluster = memoryCluster();
  const identities = open(cluster.store);
  const made = user('u');
  await withKey(identities, made, 'AKIA1');
  const issuedAtSeconds = Math.floor(cluster.clock.nowMs() / 1000);
  const ofUser = tokens.issue({ account: 'one', of: { key: 'AKIA1' }, issuedAtSeconds, expiresAtSeconds: issuedAtSeconds + 900 });
  await identities.directory.create('role', 'one', 'r', { id: 'AROA1', name: 'r', path: '/', createdAtMs: 1, inline: {}, attached: [], project: 'one', trust: '', description: undefined, maxSessionSeconds: 3600, tags: [] });
  const ofRole = tokens.issue({ account: 'one', of: { role: 'r', id: 'AROA1', name: 's' }, issuedAtSeconds, expiresAtSeconds: issuedAtSeconds + 3600, policies: [allowAll] });
  const found = async ({ accessKey, token }: { accessKey: string; token: string }): Promise<string | undefined> => (await identities.credentials(accessKey, token))?.holder.arn;
  assert.deepEqual([await found(ofUser), await found(ofRole)], ['arn:aws:iam::one:user/u', 'arn:aws:sts::one:assumed-role/r/s']);
  cluster.clock.wind((issuedAtSeconds + 900) * 1000 - cluster.clock.nowMs() - 1);
  assert.equal(await found(ofUser), 'arn:aws:iam::one:user/u');
  cluster.clock.wind(1);
  await assert.rejects(async () => found(ofUser), (error: unknown) => isStoreError(error, 'unauthenticated') && error.detail['code'] === 'ExpiredToken');
  const longer = tokens.issue({ account: 'one', of: { key: 'AKIA1' }, issuedAtSeconds, expiresAtSeconds: issuedAtSeconds + 9000 });
  assert.equal(await found(longer), 'arn:aws:iam::one:user/u');
  await identities.directory.users.change('one', made.id, (current) => ({ ...current, keys: [] }));
  await identities.directory.remove('role', 'one', 'r');
  await identities.directory.create('role', 'one', 'r', { id: 'AROA2', name: 'r', path: '/', createdAtMs: 1, inline: {}, attached: [], project: 'one', trust: '', description: undefined, maxSessionSeconds: 3600, tags: [] });
  identities.forget();
  assert.deepEqual([await found(longer), await found(ofRole)], [undefined, undefined], 'a role made again is another');
  for (const token of ['', 'x', 'AAAA', ofRole.token.slice(4), Buffer.from(ofRole.token, 'base64').fill(7, 20, 21).toString('base64')]) await assert.rejects(async () => identities.credentials(ofRole.accessKey, token), isStoreError, token.slice(0, 10));
  assert.equal(new SessionTokens('another secret').open(ofRole.token), undefined);
});

test('on an encrypted cluster records are changed and read as elsewhere, and secret keys need the root secret', async () => {
  const roots = (letter: string): RootSecrets => new RootSecrets({ active: 'a', secrets: new Map([['a', Buffer.alloc(32, letter)]]) });
  const cluster = memoryCluster({ encryption: new Encryption({ roots: roots('a'), enabled: true }) });
  const identities = open(cluster.store);
  const made = user('u');
  await withKey(identities, made, 'AKIA1');
  await identities.directory.users.change('one', made.id, (current) => ({ ...current, inline: { all: allowAll } }));
  assert.deepEqual([(await identities.credentials('AKIA1', undefined))?.secret, (await identities.directory.users.byName('one', 'U'))?.inline], ['secret', { all: allowAll }]);
  const sealed = identities.sealedKeys.seal('secret', 'AKIA1');
  assert.throws(() => identities.sealedKeys.open(sealed, 'AKIA2'), isStoreError, 'for its access key alone');
  assert.throws(() => open(memoryCluster({ encryption: new Encryption({ roots: roots('b') }) }).store).sealedKeys.open(sealed, 'AKIA1'), isStoreError);
});

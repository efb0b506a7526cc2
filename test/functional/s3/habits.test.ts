/** What clients are used to that come from other stores than AWS: Swift's s3api, where the configuration says so, and a few words of Ceph's. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GoriProcess } from '../swift/gori-process.ts';
import { S3Session, texts } from './session.ts';

const USERS = [
  { account: 'test', user: 'tester', key: 'testing', groups: ['.admin'] },
  { account: 'test', user: 'tester2', key: 'testing2', groups: ['.admin'] },
  { account: 'test', user: 'tester3', key: 'testing3' },
];

const servers = new Map<boolean, GoriProcess>();

before(async () => {
  for (const swiftHabits of [true, false]) servers.set(swiftHabits, await GoriProcess.start({ config: { auth: { tempauth: { users: USERS } }, s3: { swiftHabits } } }));
});

after(async () => {
  for (const gori of servers.values()) {
    assert.deepEqual(gori.complaints, []);
    await gori[Symbol.asyncDispose]();
  }
});

test("users see the buckets that they made, or their account's, and may make one again, or not", async () => {
  for (const [swiftHabits, gori] of servers) {
    const [one, two, three] = ['', '2', '3'].map((n) => new S3Session(gori.endpoint, `test:tester${n}`, `testing${n}`)) as [S3Session, S3Session, S3Session];
    for (const name of ['habit-a', 'habit-b']) await one.well('PUT', `/${name}`);
    await two.well('PUT', '/habit-c');
    const listed = async (session: S3Session): Promise<string[]> => texts(await session.well('GET', '/'), 'Name');
    assert.deepEqual([await listed(one), await listed(two)], swiftHabits ? [['habit-a', 'habit-b'], ['habit-c']] : [['habit-a', 'habit-b', 'habit-c'], ['habit-a', 'habit-b', 'habit-c']]);
    if (swiftHabits) assert.deepEqual([await listed(three), texts(await one.well('GET', '/?max-buckets=1'), 'Name')], [[], ['habit-a']]);
    else assert.equal((await three.ask('GET', '/')).status, 403, 'who has no rights has none to list');
    const again = await one.ask('PUT', '/habit-a');
    assert.deepEqual([again.status, texts(again.body.toString(), 'Code')], swiftHabits ? [409, ['BucketAlreadyOwnedByYou']] : [200, []]);
  }
});

test("Ceph's parameters: how much is in a bucket, and listings whose order nobody needs", async () => {
  const s3 = new S3Session(servers.get(false)!.endpoint);
  await s3.well('PUT', '/ceph-words');
  for (const key of ['a', 'b/c']) await s3.well('PUT', `/ceph-words/${key}`, { body: 'data' });
  const { headers } = await s3.ask('HEAD', '/ceph-words?read-stats=true');
  assert.deepEqual([headers.get('x-rgw-object-count'), headers.get('x-rgw-bytes-used')], ['2', '8']);
  assert.equal((await s3.ask('HEAD', '/ceph-words')).headers.get('x-rgw-object-count'), null);
  assert.deepEqual(texts(await s3.well('GET', '/ceph-words?allow-unordered=true'), 'Key'), ['a', 'b/c']);
  assert.equal((await s3.ask('GET', '/ceph-words?allow-unordered=true&delimiter=%2F')).status, 400);
});

test('of two faults in one request the one is told that AWS tells', async () => {
  const s3 = new S3Session(servers.get(false)!.endpoint);
  await s3.well('PUT', '/two-faults');
  const message = async (method: string, path: string, body?: string): Promise<string | undefined> => {
    const answer = await s3.ask(method, path, body === undefined ? {} : { body, headers: { 'Content-MD5': 'AAAAAAAAAAAAAAAAAAAAAA==' } });
    assert.equal(answer.status, 400);
    return texts(answer.body.toString(), 'Message')[0];
  };
  assert.match((await message('GET', '/two-faults?versions&key-marker=&version-id-marker=bogus'))!, /Invalid version id/);
  assert.match((await message('GET', '/two-faults?versions&version-id-marker=bogus'))!, /cannot be specified without a key marker/);
  assert.match((await message('POST', '/two-faults?delete=', 'x'.repeat(3 << 20)))!, /not well-formed/);
});

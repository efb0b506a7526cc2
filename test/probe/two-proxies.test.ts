import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { systemClock, type Clock } from '#common';
import { SwiftSession, TestCluster } from '../support/index.ts';

async function sessions(cluster: TestCluster): Promise<[SwiftSession, SwiftSession]> {
  const [one, two] = await Promise.all(cluster.proxies.map((proxy) => proxy.login()));
  return [new SwiftSession(one!), new SwiftSession(two!)];
}

test('two proxies over the same nodes see each other\'s writes at once', async () => {
  await using cluster = await TestCluster.start({ proxies: 2 });
  const [one, two] = await sessions(cluster);
  await one.put('/c');
  for (let i = 0; i < 15; i++) {
    const [writer, reader] = i % 2 === 0 ? [one, two] : [two, one];
    const body = randomBytes(i % 3 === 0 ? 200_000 : 500);
    assert.equal(await writer.put(`/c/${i}`, body), 201);
    assert(body.equals((await reader.get(`/c/${i}`))!), 'read after write');
    assert((await reader.list('/c')).includes(String(i)), 'listed after write');
    assert.equal((await reader.ask('POST', `/c/${i}`, { headers: { 'X-Object-Meta-Turn': String(i) } })).status, 202);
    assert.equal((await writer.ask('HEAD', `/c/${i}`)).headers.get('x-object-meta-turn'), String(i));
    if (i % 4 !== 3) continue;
    assert.equal((await reader.ask('DELETE', `/c/${i}`)).status, 204);
    assert.equal(await writer.get(`/c/${i}`), undefined, 'gone after delete');
    assert(!(await writer.list('/c')).includes(String(i)));
  }
});

const HOUR_MS = 3_600_000;
const behind: Clock = { nowMs: () => systemClock.nowMs() - HOUR_MS, sleep: (ms, signal) => systemClock.sleep(ms, signal) };

test('a proxy whose clock is an hour behind loses none of its writes', async () => {
  await using cluster = await TestCluster.start({ proxies: 2, proxyClock: (index) => (index === 0 ? systemClock : behind) });
  const [ahead, late] = await sessions(cluster);
  await ahead.put('/c');
  for (const size of [10, 200_000, 2_000_000]) {
    const [first, second] = [randomBytes(size), randomBytes(size)];
    assert.equal(await ahead.put('/c/o', first), 201);
    assert.equal(await late.put('/c/o', second), 201);
    assert(second.equals((await ahead.get('/c/o'))!), `${size} bytes over ${size}`);
    assert.equal(await ahead.put('/c/o', first), 201);
    assert.equal((await late.ask('POST', '/c/o', { headers: { 'X-Object-Meta-Colour': 'blue' } })).status, 202);
    assert.equal((await ahead.ask('HEAD', '/c/o')).headers.get('x-object-meta-colour'), 'blue');
    assert.equal((await late.ask('DELETE', '/c/o')).status, 204);
    assert.equal(await ahead.get('/c/o'), undefined);
    assert.deepEqual(await ahead.list('/c'), []);
  }
});

test('a proxy whose clock is an hour behind changes and deletes containers that another made', async () => {
  await using cluster = await TestCluster.start({ proxies: 2, proxyClock: (index) => (index === 0 ? systemClock : behind) });
  const [ahead, late] = await sessions(cluster);
  assert.equal((await ahead.ask('PUT', '/c', { headers: { 'X-Container-Meta-Colour': 'red' } })).status, 201);
  assert.equal((await late.ask('POST', '/c', { headers: { 'X-Container-Meta-Colour': 'blue' } })).status, 204);
  assert.equal((await ahead.ask('HEAD', '/c')).headers.get('x-container-meta-colour'), 'blue');
  assert.equal((await late.ask('DELETE', '/c')).status, 204);
  assert.equal((await ahead.ask('HEAD', '/c')).status, 404);
  assert.deepEqual(await ahead.list(''), []);
  assert.equal((await late.ask('PUT', '/c')).status, 201);
  assert.equal((await ahead.ask('HEAD', '/c')).status, 204);
  assert.deepEqual(await ahead.list(''), ['c']);
});

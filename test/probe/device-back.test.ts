import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { eventually, SwiftSession, TestCluster, type TestNode } from '../support/index.ts';

const NAMES = ['kept', 'overwritten', 'posted', 'deleted', 'big'];

test('a device that was gone is served around, and reads bring it what it missed', async () => {
  await using cluster = await TestCluster.start({ nodes: 3 });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  for (const name of NAMES) assert.equal(await swift.put(`/c/${name}`, `first ${name}`), 201);
  const [away] = cluster.nodes as [TestNode, ...TestNode[]];
  await away.stop();
  const big = randomBytes(3 << 20);
  assert.equal(await swift.put('/c/overwritten', 'second'), 201);
  assert.equal((await swift.ask('POST', '/c/posted', { headers: { 'X-Object-Meta-Colour': 'blue' } })).status, 202);
  assert.equal((await swift.ask('DELETE', '/c/deleted')).status, 204);
  assert.equal(await swift.put('/c/big', big), 201);
  assert.equal((await swift.get('/c/kept'))?.toString(), 'first kept');
  await away.start();

  const engine = away.device().device.objects(0);
  const keyOf = async (object: string): Promise<Buffer> => Buffer.from((await cluster.proxies[0]!.store.where({ account: 'AUTH_test', container: 'c', object })).key, 'hex');
  const behind = async (): Promise<string[]> => {
    const names: string[] = [];
    for (const name of NAMES) {
      const key = await keyOf(name);
      const states = await Promise.all(cluster.nodes.map((node) => node.device().device.objects(0).stat(key)));
      if (new Set(states.map((state) => JSON.stringify(state))).size > 1) names.push(name);
    }
    return names;
  };
  assert.deepEqual(await behind(), ['overwritten', 'posted', 'deleted', 'big']);
  await eventually('reads heal the device', async () => {
    assert.equal((await swift.get('/c/overwritten'))?.toString(), 'second');
    assert.equal((await swift.ask('HEAD', '/c/posted')).headers.get('x-object-meta-colour'), 'blue');
    assert.equal(await swift.get('/c/deleted'), undefined);
    assert(big.equals((await swift.get('/c/big'))!));
    return (await behind()).length === 0;
  });
  const reader = await engine.open(await keyOf('big'));
  const chunks: Buffer[] = [];
  for await (const chunk of reader!.read(0, big.length)) chunks.push(chunk);
  await reader![Symbol.asyncDispose]();
  assert(Buffer.concat(chunks).equals(big), 'its own bytes are whole');
});

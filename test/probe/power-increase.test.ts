import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog, systemClock } from '#common';
import { PolicySet, RingBuilder, type Ring } from '#ring';
import { SwiftSession, TestCluster, TestProxy, type TestNode, type TestRings } from '../support/index.ts';

/** The same rings with every partition cut in two, as \`gori ring increase-power\` makes them. */
function increased(rings: TestRings): TestRings {
  const double = (ring: Ring): Ring => {
    const { partPower, replicaCount, version, devices, assignments } = ring;
    const builder = RingBuilder.fromState({ partPower, replicas: replicaCount, minPartHours: 1, overload: 0, version, devices, removed: [], changed: false, assignments, lastMoved: new Uint32Array(2 ** partPower) }, systemClock);
    builder.increasePower();
    return builder.toRing();
  };
  const [account, container, object] = [double(rings.account), double(rings.container), double(rings.object(0))];
  return { ...rings, account, container, object: () => object, objectPrimaries: (name) => rings.objectPrimaries(name), containerPrimaries: (name) => rings.containerPrimaries(name) };
}

test('partitions are cut in two under load: proxies and nodes that have the rings before and after serve each other all the time, and all is home', async () => {
  await using cluster = await TestCluster.start({ nodes: 5 });
  const grown = increased(cluster.rings);
  await using young = await TestProxy.start({ rings: grown, policies: new PolicySet(), clock: systemClock, log: silentLog() });
  const [before, after] = [new SwiftSession(await cluster.login()), new SwiftSession(await young.login())];
  await before.put('/c');
  const held = new Map<string, string>();
  const failures: string[] = [];
  let stop = false;
  const load = async (worker: number): Promise<void> => {
    for (let turn = 0; !stop; turn++) {
      const name = `${worker}-${turn % 20}`;
      const [writer, reader] = turn % 2 === 0 ? [before, after] : [after, before];
      const text = `${worker} ${turn}`;
      if ((await writer.put(`/c/${name}`, text)) !== 201) failures.push(`PUT ${name}`);
      held.set(name, text);
      if ((await reader.get(`/c/${name}`))?.toString() !== text) failures.push(`GET ${name}`);
    }
  };
  const loads = [1, 2, 3].map(load);
  for (const node of cluster.nodes) {
    await cluster.nodes[0]!.replicate();
    node.useRings(grown);
    await node.replicate();
  }
  const [away] = cluster.nodes as [TestNode, ...TestNode[]];
  await away.stop();
  await systemClock.sleep(300);
  await away.start();
  await systemClock.sleep(300);
  stop = true;
  await Promise.all(loads);
  assert.deepEqual(failures, []);
  await cluster.replicate();
  for (const session of [before, after]) {
    for (const [name, text] of held) assert.equal((await session.get(`/c/${name}`))?.toString(), text);
    assert.deepEqual((await session.list('/c')).sort(), [...held.keys()].sort());
  }
});

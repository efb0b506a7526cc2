import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '#common';
import { bodyOfBuffer, bodyOfChunks } from '#common/stream';
import { hashPath, type Move, type RingBuilder } from '#ring';
import type { ObjectName } from './index.ts';
import { memoryCluster, readText, type MemoryCluster } from './memory-cluster.fixture.ts';

const CONTAINER = { account: 'AUTH_test', container: 'photos' };
const METADATA = { 'Content-Type': 'text/plain' };

/** Drains a device: its partitions move to the others. */
const drainD1 = (builder: RingBuilder): void => builder.setWeight(0, 0);

async function withContainer(): Promise<MemoryCluster> {
  const cluster = memoryCluster({ devices: 5 });
  await cluster.store.containers.put(CONTAINER, { metadata: {}, policy: undefined });
  return cluster;
}

function moveOf({ store }: MemoryCluster, target: ObjectName): Move | undefined {
  const ring = store.cluster.rings().object(0);
  return ring.move(ring.partition(hashPath(store.cluster.salt, target.account, target.container, target.object)));
}

/** A name whose replica on d1 goes elsewhere when it is drained, found on a cluster of the same ring. */
async function movingName(): Promise<{ target: ObjectName; move: Move }> {
  const trial = await withContainer();
  trial.changeRing(drainD1);
  for (let i = 0; ; i++) {
    const target = { ...CONTAINER, object: `cat-${i}.jpg` };
    const move = moveOf(trial, target);
    if (move?.leaving.length === 1 && move.leaving[0]?.device === 'd1') return { target, move };
  }
}

/** Leaves a write as a majority took it: the device that leaves and one of those that stay. */
async function writtenOnLeaving(cluster: MemoryCluster, target: ObjectName, move: Move): Promise<{ held: string }> {
  const held = move.before.find((device) => !move.leaving.includes(device))!.device;
  const { salt, timestamps } = cluster.store.cluster;
  const { account, container, object } = target;
  const write = { key: hashPath(salt, account, container, object), name: `/${account}/${container}/${object}`, timestamp: timestamps.now(), metadata: METADATA, data: Buffer.from('meow') };
  for (const device of [held, 'd1']) await cluster.engines(device).objects(0).put(write);
  return { held };
}

test('what two of three devices hold is found while one of the two is left and the other is away', async () => {
  const { target, move } = await movingName();
  const cluster = await withContainer();
  const { held } = await writtenOnLeaving(cluster, target, move);
  cluster.changeRing(drainD1);
  cluster.down(held);
  assert.equal(await readText(cluster.store, target), 'meow');
});

test('a ring that forgets the device at once loses sight of it: which is why rings move gradually', async () => {
  const { target, move } = await movingName();
  const cluster = await withContainer();
  const { held } = await writtenOnLeaving(cluster, target, move);
  cluster.changeRing(drainD1, { gradual: false });
  cluster.down(held);
  await assert.rejects(readText(cluster.store, target), (error) => isStoreError(error, 'object-not-found'));
});

test('while a partition moves, a write is on a majority of the devices before and of those to come', async () => {
  const { target } = await movingName();
  const cluster = await withContainer();
  cluster.changeRing(drainD1);
  const move = moveOf(cluster, target)!;
  const [away] = move.arriving;
  cluster.down(away!.device);
  await cluster.store.objects.put({ target, body: bodyOfBuffer(Buffer.from('meow')), metadata: METADATA });
  cluster.up(away!.device);
  cluster.settleRing();
  assert.equal(await readText(cluster.store, target), 'meow');
  assert.equal(moveOf(cluster, target), undefined);
});

test('an upload that outlives the ring it began by is on a majority of the new one before it is acknowledged', async () => {
  const { target, move } = await movingName();
  const cluster = await withContainer();
  const body = Buffer.alloc(300_000, 'purr');
  const [held, missed] = move.before.filter((device) => !move.leaving.includes(device)).map(({ device }) => device) as [string, string];
  cluster.down(missed);
  const chunks = async function* (): AsyncGenerator<Buffer> {
    yield body.subarray(0, 100_000);
    cluster.changeRing(drainD1);
    cluster.settleRing();
    yield body.subarray(100_000);
    cluster.up(missed);
  };
  await cluster.store.objects.put({ target, body: bodyOfChunks(chunks(), body.length), metadata: METADATA });
  cluster.down(held);
  assert.equal((await readText(cluster.store, target)).length, body.length);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, StoreError } from '#common';
import { DeviceHealth } from './device-health.ts';
import type { Replica } from './placement.ts';
import { askAll, valuesOf, willingFirst } from './quorum.ts';

const clock = new ManualClock();

function replicas(count: number): Replica[] {
  return Array.from({ length: count }, (_, i) => ({ device: { device: `d${i}` } as Replica['device'], client: {} as Replica['client'], health: new DeviceHealth(clock) }));
}

function exhaust({ health }: Replica): void {
  for (let i = 0; i < 3; i++) health.note(new StoreError('device-unavailable', 'away'));
}

const away = async (): Promise<never> => {
  throw new StoreError('device-unavailable', 'away');
};

test('a device that failed too often just now is left alone while the others make a majority', async () => {
  const [a, b, c] = replicas(3) as [Replica, Replica, Replica];
  exhaust(a);
  const asked: Replica[] = [];
  const answers = await askAll([a, b, c], async (replica) => asked.push(replica), () => false);
  assert.deepEqual(asked, [b, c]);
  assert.deepEqual(answers.map(({ replica, ok }) => [replica, ok]), [[b, true], [c, true], [a, false]]);
});

test('a device that failed too often just now is asked all the same where without it there is no majority', async () => {
  const [a, b, c] = replicas(3) as [Replica, Replica, Replica];
  exhaust(a);
  const answers = await askAll([a, b, c], (replica) => (replica === b ? away() : Promise.resolve(replica)), () => false);
  assert.deepEqual(valuesOf(answers), [c, a]);
  assert(a.health.usable(), 'its answer ends the pause');
});

test('devices that all failed too often just now are all asked', async () => {
  const all = replicas(3);
  all.forEach(exhaust);
  assert.equal(valuesOf(await askAll(all, async () => 'here', () => false)).length, 3);
});

test('willing devices come first, and looking at their health spends no attempt', () => {
  const [a, b, c] = replicas(3) as [Replica, Replica, Replica];
  exhaust(a);
  assert.deepEqual(willingFirst([a, b, c]), [b, c, a]);
  clock.wind(2001);
  assert.deepEqual(willingFirst([a, b, c]), [a, b, c]);
  assert(a.health.usable());
  assert(!a.health.usable(), 'one attempt after each pause');
});

/** Rings over the devices of a test: small, the same every time, and asked in a test's own words. */
import { systemClock } from '#common';
import { hashPath, RingBuilder, type HashSalt, type NewDevice, type PolicySet, type Ring, type RingDevice } from '#ring';
import type { ClusterRings } from '#proxy/core';

const PART_POWER = 6;

export interface TestRings extends ClusterRings {
  readonly salt: HashSalt;
  objectPrimaries(name: { account: string; container: string; object: string }, policy?: number): readonly RingDevice[];
  containerPrimaries(name: { account: string; container: string }): readonly RingDevice[];
}

export type TestPlace = Pick<NewDevice, 'zone' | 'ip' | 'port' | 'device'>;

export function ringsOver(places: readonly TestPlace[], { replicas, policies }: { replicas: number; policies: PolicySet }): TestRings {
  const build = (seed: number): Ring => {
    const builder = RingBuilder.create({ partPower: PART_POWER, replicas: Math.min(replicas, places.length), minPartHours: 1, clock: systemClock });
    for (const place of places) builder.add({ ...place, region: 1, weight: 100 });
    builder.rebalance({ seed });
    return builder.toRing();
  };
  const account = build(1);
  const container = build(2);
  const objects = new Map([...policies].map(({ index }) => [index, build(3 + index)]));
  const salt = { prefix: 'test', suffix: 'cluster' };
  const object = (index: number): Ring => {
    policies.byIndex(index);
    return objects.get(index)!;
  };
  return {
    account,
    container,
    object,
    salt,
    objectPrimaries: (name, policy = 0) => object(policy).primaries(object(policy).partition(hashPath(salt, name.account, name.container, name.object))),
    containerPrimaries: (name) => container.primaries(container.partition(hashPath(salt, name.account, name.container))),
  };
}

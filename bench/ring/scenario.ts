/**
 * The device sets that the ring benchmark builds rings of, and what then happens to them: uneven weights (disks of three
 * generations), uneven zones (one small), a zone added, a device drained, a device lost. The same figures for every run.
 */
import type { RingDevice } from '#ring';

export type Change =
  | { readonly do: 'add'; readonly device: RingDevice }
  | { readonly do: 'remove'; readonly id: number }
  | { readonly do: 'weight'; readonly id: number; readonly weight: number };

export interface Step {
  readonly name: string;
  readonly changes: readonly Change[];
}

export interface Scenario {
  readonly partPower: number;
  readonly replicas: number;
  readonly overload: number;
  readonly seed: number;
  readonly steps: readonly Step[];
}

const DEVICES_PER_HOST = 10;
const WEIGHTS = [4000, 8000, 8000, 12000];

function deviceAt(id: number, zone: number, host: number): RingDevice {
  const ip = `10.${zone}.0.${host + 1}`;
  return {
    id,
    region: 1,
    zone,
    ip,
    port: 6200,
    replicationIp: ip,
    replicationPort: 6200,
    device: `sd${id}`,
    weight: WEIGHTS[(id * 7 + host * 3) % WEIGHTS.length] as number,
    meta: '',
  };
}

/** `count` devices in four zones of which the last is half as large, on hosts of ten devices (of one where there are few). */
export function scenarioOf({ devices: count, partPower, overload = 0 }: { devices: number; partPower: number; overload?: number }): Scenario {
  const perHost = count < 100 ? 1 : DEVICES_PER_HOST;
  const zones = [2 / 7, 2 / 7, 2 / 7, 1 / 7].map((share) => Math.round(share * count));
  zones[0] = count - (zones[1] as number) - (zones[2] as number) - (zones[3] as number);
  const devices: RingDevice[] = [];
  zones.forEach((size, zone) => {
    for (let at = 0; at < size; at++) devices.push(deviceAt(devices.length, zone + 1, Math.floor(at / perHost)));
  });
  const added = Array.from({ length: Math.ceil(count / 7) }, (_, at) => deviceAt(count + at, 5, Math.floor(at / perHost)));
  return {
    partPower,
    replicas: 3,
    overload,
    seed: 1,
    steps: [
      { name: 'build', changes: devices.map((device) => ({ do: 'add', device })) },
      { name: 'add a zone', changes: added.map((device) => ({ do: 'add', device })) },
      { name: 'drain a device', changes: [{ do: 'weight', id: 1, weight: 0 }] },
      { name: 'lose a device', changes: [{ do: 'remove', id: 3 }] },
    ],
  };
}

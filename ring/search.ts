/**
 * Finds devices by what operators write: `d3`, `r1z2`, `10.0.0.1:6200`, `10.0.0.1/sdb1`, `R10.1.0.1:6300`, `_remark` and
 * their combinations, as swift-ring-builder's search values: every part that is given must match, `-` before the address.
 */
import { StoreError } from '#common';
import type { RingDevice } from './device.ts';

const ADDRESS = String.raw`\[[0-9A-Fa-f:.%]+\]|[a-z0-9.][a-z0-9.-]*`;
const PATTERN = new RegExp(
  String.raw`^(?:d(?<id>\d+))?(?:r(?<region>\d+))?(?:z(?<zone>\d+))?-?(?<ip>${ADDRESS})?(?::(?<port>\d+))?(?:R(?<rip>${ADDRESS})?(?::(?<rport>\d+))?)?(?:/(?<device>[^_\s/]+))?(?:_(?<meta>.*))?$`,
);

export interface DeviceQuery {
  readonly id?: number | undefined;
  readonly region?: number | undefined;
  readonly zone?: number | undefined;
  readonly ip?: string | undefined;
  readonly port?: number | undefined;
  readonly replicationIp?: string | undefined;
  readonly replicationPort?: number | undefined;
  readonly device?: string | undefined;
  readonly weight?: number | undefined;
  /** Any part of the remark. */
  readonly meta?: string | undefined;
}

/** Reads a search value; throws `bad-request`. */
export function parseDeviceQuery(text: string): DeviceQuery {
  const groups = PATTERN.exec(text)?.groups;
  if (groups === undefined || text === '') throw new StoreError('bad-request', `not a search value: ${JSON.stringify(text)} (examples: d3, r1z2, 10.0.0.1:6200, 10.0.0.1/sdb1)`);
  const number = (digits: string | undefined): number | undefined => (digits === undefined ? undefined : Number(digits));
  const bare = (ip: string | undefined): string | undefined => ip?.replace(/^\[|\]$/g, '');
  return {
    id: number(groups['id']),
    region: number(groups['region']),
    zone: number(groups['zone']),
    ip: bare(groups['ip']),
    port: number(groups['port']),
    replicationIp: bare(groups['rip']),
    replicationPort: number(groups['rport']),
    device: groups['device'],
    meta: groups['meta'],
  };
}

export function searchDevices(devices: readonly RingDevice[], query: DeviceQuery): RingDevice[] {
  const { meta, ...exact } = query;
  const wanted = Object.entries(exact).filter(([, value]) => value !== undefined) as [keyof typeof exact, number | string][];
  return devices.filter((device) => wanted.every(([key, value]) => device[key] === value) && (meta === undefined || device.meta.includes(meta)));
}

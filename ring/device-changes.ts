/** The wall of the builder: devices as operators describe them, checked and completed. */
import { isIP } from 'node:net';
import { StoreError } from '#common';
import type { RingDevice } from './device.ts';
import { HOMELESS } from './placement.ts';

/** What a new device must say; replication goes to `ip` and `port` unless it says otherwise. */
export type NewDevice = Pick<RingDevice, 'region' | 'zone' | 'ip' | 'port' | 'device' | 'weight'> & Partial<RingDevice>;
export type DeviceChange = Partial<Omit<RingDevice, 'id'>>;

/** Throws `bad-request`, naming every fault. */
export function newDevice(device: NewDevice, id: number): RingDevice {
  return checked({
    id,
    region: device.region,
    zone: device.zone,
    ip: device.ip,
    port: device.port,
    replicationIp: device.replicationIp ?? device.ip,
    replicationPort: device.replicationPort ?? device.port,
    device: device.device,
    weight: device.weight,
    meta: device.meta ?? '',
  });
}

export function changeDevice(device: RingDevice, change: DeviceChange): RingDevice {
  return checked({ ...device, ...change });
}

/** The lowest id that no device has. */
export function freeId(devices: readonly (RingDevice | undefined)[]): number {
  const hole = devices.indexOf(undefined);
  return hole >= 0 ? hole : devices.length;
}

function checked(device: RingDevice): RingDevice {
  const faults: string[] = [];
  const expect = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(fault);
  };
  const isNatural = (value: number): boolean => Number.isInteger(value) && value >= 0;
  const isPort = (value: number): boolean => isNatural(value) && value > 0 && value < 65_536;
  const isHost = (value: string): boolean => isIP(value) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(value);
  expect(isNatural(device.id) && device.id < HOMELESS, `id ${device.id} is not in [0, ${HOMELESS})`);
  expect(isNatural(device.region), `region ${device.region} is not a natural number`);
  expect(isNatural(device.zone), `zone ${device.zone} is not a natural number`);
  expect(isHost(device.ip), `${JSON.stringify(device.ip)} is neither an address nor a host name`);
  expect(isHost(device.replicationIp), `replication address ${JSON.stringify(device.replicationIp)} is neither an address nor a host name`);
  expect(isPort(device.port), `port ${device.port} is not in [1, 65535]`);
  expect(isPort(device.replicationPort), `replication port ${device.replicationPort} is not in [1, 65535]`);
  expect(/^[^\s/]+$/.test(device.device) && device.device !== '.' && device.device !== '..', `device name ${JSON.stringify(device.device)} is no name of a folder`);
  expect(Number.isFinite(device.weight) && device.weight >= 0, `weight ${device.weight} is not a number of 0 or more`);
  if (faults.length > 0) throw new StoreError('bad-request', `device: ${faults.join('; ')}`);
  return device;
}

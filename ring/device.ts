/** A device of a ring: a disk, where it stands (region, zone, host) and how much of the data it should take. */

export interface RingDevice {
  /** Unique in its ring; ids of removed devices are used again. */
  readonly id: number;
  readonly region: number;
  readonly zone: number;
  /** The host. Devices of one region, zone and ip fail together. */
  readonly ip: string;
  readonly port: number;
  /** Where replication traffic goes; the same as `ip` and `port` unless there is a network for it. */
  readonly replicationIp: string;
  readonly replicationPort: number;
  /** The disk's name on its host, e.g. `sdb1`. */
  readonly device: string;
  /** Share of the partitions relative to the other devices; 0 takes none. */
  readonly weight: number;
  /** The operator's remark. */
  readonly meta: string;
}

/** In the tables of assignments, where a partition has no replica of that number. Device ids stay below it. */
export const NO_DEVICE = 0xffff;

/** As Swift prints it: `d3r1z2-10.0.0.1:6200/sdb1`. */
export function describeDevice(device: RingDevice): string {
  const host = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);
  const replicates =
    device.replicationIp === device.ip && device.replicationPort === device.port
      ? ''
      : `R${host(device.replicationIp)}:${device.replicationPort}`;
  return `d${device.id}r${device.region}z${device.zone}-${host(device.ip)}:${device.port}${replicates}/${device.device}`;
}

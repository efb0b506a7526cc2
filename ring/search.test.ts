import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '#common';
import { describeDevice, type RingDevice } from './device.ts';
import { parseDeviceQuery, searchDevices } from './search.ts';

const device = (id: number, change: Partial<RingDevice>): RingDevice => ({ id, region: 1, zone: 1, ip: '10.0.0.1', port: 6200, replicationIp: '10.0.0.1', replicationPort: 6200, device: 'sdb', weight: 1, meta: '', ...change });
const devices = [
  device(0, {}),
  device(1, { device: 'sdc', meta: 'rack 7' }),
  device(2, { zone: 2, ip: '10.0.0.2', replicationIp: '10.9.0.2', replicationPort: 6300 }),
  device(3, { region: 2, ip: 'fe80::1', port: 6201 }),
  device(4, { region: 2, zone: 3, ip: 'node-4.example', device: 'sdb_x' }),
];

test('search values select by every part that they give', () => {
  const found = (value: string): number[] => searchDevices(devices, parseDeviceQuery(value)).map(({ id }) => id);
  assert.deepEqual(found('d3'), [3]);
  assert.deepEqual(found('r1'), [0, 1, 2]);
  assert.deepEqual(found('r1z2'), [2]);
  assert.deepEqual(found('z1'), [0, 1, 3]);
  assert.deepEqual(found('10.0.0.1'), [0, 1]);
  assert.deepEqual(found('10.0.0.1:6200/sdc'), [1]);
  assert.deepEqual(found('[fe80::1]:6201'), [3]);
  assert.deepEqual(found('r2z3-node-4.example'), [4]);
  assert.deepEqual(found('R10.9.0.2:6300'), [2]);
  assert.deepEqual(found('10.0.0.2R10.9.0.2'), [2]);
  assert.deepEqual(found('/sdb'), [0, 2, 3]);
  assert.deepEqual(found('_rack'), [1]);
  assert.deepEqual(found(':6201'), [3]);
});

test('a device is found by its own description', () => {
  for (const each of devices.slice(0, 4)) assert.deepEqual(searchDevices(devices, parseDeviceQuery(describeDevice(each))), [each]);
});

test('nonsense is no search value', () => {
  for (const value of ['', 'd3 r1', '10.0.0.1:x', '//']) assert.throws(() => parseDeviceQuery(value), (error) => isStoreError(error, 'bad-request'));
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ManualClock } from '#common';
import { loadRing } from '#ring';
import { ringCommand } from './command.ts';
import type { Terminal } from './terminal.ts';

let folder = '';
before(async () => (folder = await mkdtemp(join(tmpdir(), 'gori-ring-command-'))));
after(() => rm(folder, { recursive: true, force: true }));

const clock = new ManualClock();

async function gori(...words: string[]): Promise<{ out: string; err: string; status: number }> {
  const said = { out: '', err: '', status: 0 };
  const terminal: Terminal = {
    clock,
    out: (text) => (said.out += `${text}\n`),
    err: (text) => (said.err += `${text}\n`),
    exit: (code) => (said.status = code),
    progress: (_label, work) => work(() => undefined),
  };
  await ringCommand(terminal).parseAsync(words, { from: 'user' });
  return said;
}

async function ringOf(name: string, zones = [1, 2, 3, 4]): Promise<string> {
  const path = join(folder, `${name}.builder`);
  await gori('create', path, '8', '3', '1');
  const added = await gori('add', path, ...zones.flatMap((zone, at) => [`r1z${zone}-10.0.0.${at + 1}:6200/sdb1_rack${zone}`, '100']));
  assert.equal(added.status, 0, added.err);
  return path;
}

test('an operator builds a ring and a node can load it', async () => {
  const path = await ringOf('object');
  const { status, out } = await gori('rebalance', path, '--seed', 'x', '--json');
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(out), { moved: 768, removedDevices: 0, balance: 0, dispersion: 0, version: 6, ring: join(folder, 'object.ring') });
  const ring = await loadRing(join(folder, 'object.ring'));
  assert.equal(ring.primaries(ring.asPartition(0)).length, 3);
  assert.equal((await gori('validate', path)).status, 0);
  assert.match((await gori('show', path)).out, /256 partitions, 3 replicas, 1 regions, 4 zones, 4 devices, 0\.00 balance/);
});

test('a rebalance with nothing to do says so with status 1, and --force does it', async () => {
  const path = await ringOf('idle');
  await gori('rebalance', path);
  const again = await gori('rebalance', path);
  assert.equal(again.status, 1);
  assert.match(again.err, /no partition may move for 3600 seconds/);
  await gori('pretend-min-part-hours-passed', path);
  assert.match((await gori('rebalance', path)).err, /no partition needed to move/);
  const forced = await gori('rebalance', path, '--force');
  assert.equal(forced.status, 1);
  assert.match(forced.out, /0 replicas of partitions moved/);
});

test('devices are found, changed and removed by search values', async () => {
  const path = await ringOf('devices');
  await gori('rebalance', path);
  assert.deepEqual((JSON.parse((await gori('search', path, '_rack2', '--json')).out) as { id: number }[]).map(({ id }) => id), [1]);
  assert.equal((await gori('search', path, 'z9')).status, 1);
  assert.equal((await gori('set-weight', path, 'd0', '50')).status, 0);
  assert.equal((await gori('set-region', path, 'd1', '2')).status, 0);
  assert.equal((await gori('set-zone', path, 'd2', '7')).status, 0);
  assert.equal((await gori('set-info', path, 'd3', '10.0.0.9:6201R10.9.0.9:6300/sdz_new')).status, 0);
  const { devices } = JSON.parse((await gori('show', path, '--json')).out) as { devices: { device: Record<string, unknown> }[] };
  assert.equal(devices[0]?.device['weight'], 50);
  assert.equal(devices[1]?.device['region'], 2);
  assert.equal(devices[2]?.device['zone'], 7);
  assert.deepEqual(devices[3]?.device, { id: 3, region: 1, zone: 4, ip: '10.0.0.9', port: 6201, replicationIp: '10.9.0.9', replicationPort: 6300, device: 'sdz', weight: 100, meta: 'new' });
  const several = await gori('remove', path, 'r1');
  assert.equal(several.status, 2);
  assert.match(several.err, /3 devices match r1; say --all/);
  assert.equal((await gori('remove', path, 'd3')).status, 0);
  assert.match((await gori('search', path, 'd3')).out, /DEL/);
  assert.match((await gori('rebalance', path)).out, /1 devices removed/);
  const parts = JSON.parse((await gori('list-parts', path, 'd0', 'd1', 'd2', '--json')).out) as { matches: number }[];
  assert.equal(parts.length, 256);
  assert.ok(parts.every(({ matches }) => matches === 3));
});

test('overload, replicas and hours are set, and dispersion warns while replicas are too near', async () => {
  const path = await ringOf('settings', [1, 1, 2]);
  await gori('set-replicas', path, '2');
  await gori('set-min-part-hours', path, '0');
  await gori('rebalance', path);
  const near = await gori('dispersion', path);
  assert.equal(near.status, 1);
  assert.match(near.out, /worst tier is r1z1/);
  await gori('set-overload', path, '50%');
  await gori('rebalance', path);
  assert.equal((await gori('dispersion', path, '--json')).status, 0);
});

test('what cannot be done is one line and status 2, and changes nothing', async () => {
  const path = await ringOf('faults');
  const failing: [string[], RegExp][] = [
    [['create', path, '8', '3', '1'], /exists already/],
    [['create', join(folder, 'x.builder'), '40', '3', '1'], /partition power is 1\.\.32/],
    [['add', path, 'r1z1-10.0.0.9/sdb1', '100'], /not a device/],
    [['add', path, 'r1z1-10.0.0.9:6200/sdb1', 'heavy'], /weight NaN/],
    [['add', path, 'r1z1-10.0.0.9:6200/sdb1'], /followed by its weight/],
    [['set-weight', path, 'd77', '1'], /no device matches d77/],
    [['write-ring', path], /rebalance it first/],
    [['validate', path], /rebalance it first/],
    [['show', join(folder, 'nowhere.builder')], /cannot be read/],
  ];
  for (const [words, fault] of failing) {
    const { status, err } = await gori(...words);
    assert.equal(status, 2, words.join(' '));
    assert.match(err, fault);
  }
  await writeFile(join(folder, 'torn.builder'), 'GORIBLDR');
  assert.match((await gori('rebalance', join(folder, 'torn.builder'))).err, /torn\.builder: truncated/);
});

test('two editors do not overwrite each other, and a lock of a dead process is taken over', async () => {
  const path = await ringOf('locked');
  await writeFile(`${path}.lock`, String(process.pid));
  const { status, err } = await gori('set-replicas', path, '2');
  assert.equal(status, 2);
  assert.match(err, new RegExp(`process ${process.pid} is editing this ring`));
  await writeFile(`${path}.lock`, '999999999');
  assert.equal((await gori('set-replicas', path, '2')).status, 0);
});

test('increase-power doubles the partitions and writes the ring', async () => {
  const path = await ringOf('growing');
  await gori('rebalance', path);
  const { status, out } = await gori('increase-power', path);
  assert.equal(status, 0);
  assert.match(out, /has 512 partitions/);
  const ring = await loadRing(join(folder, 'growing.ring'));
  assert.equal(ring.partPower, 9);
  assert.equal((await gori('validate', path)).status, 0);
});

/** A day of an operator, with the real command against real processes: is everything where it should be, a disk that has to go, a disk that has rotted. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { eventually, freePorts } from '../support/index.ts';
import { flipBit } from './damage.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const GORI = path.join(ROOT, 'tools', 'gori.ts');

/** What it printed, and its status. */
function gori(...words: string[]): Promise<{ out: string; status: number }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [GORI, ...words], { cwd: ROOT }, (error, stdout, stderr) => resolve({ out: stdout + stderr, status: error === null ? 0 : Number(error.code) }));
  });
}

test('dispersion finds what a fenced drive does not give, and fsck what has rotted on one that is stopped', { timeout: 180_000 }, async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'gori-operator-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const cluster = path.join(folder, 'cluster');
  const [port, storagePort] = [await freePorts(1), await freePorts(4, ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'])];
  const made = await gori('cluster', 'create', cluster, '--port', String(port), '--storage-port', String(storagePort), '--part-power', '6');
  stack.defer(async () => void (await gori('cluster', 'stop', cluster)));
  assert.equal(made.status, 0, made.out);
  const endpoint = `http://127.0.0.1:${port}`;
  await eventually('the proxy answers', () => fetch(`${endpoint}/healthcheck`).then(({ ok }) => ok, () => false), 30_000);
  const { account, user, key } = JSON.parse(await readFile(path.join(cluster, 'proxy1', 'credentials.json'), 'utf8')) as Record<string, string>;
  const whole = ['--data', cluster, '--endpoint', endpoint, '--user', `${account}:${user}`, '--key', key!];
  assert.equal((await gori('dispersion', 'report', ...whole)).status, 2, 'there is no sample yet');
  const populated = await gori('dispersion', 'populate', ...whole, '--coverage', '25');
  assert.match(populated.out, /16 objects in dispersion_objects_0 and 16 containers/);
  const healthy = await gori('dispersion', 'report', ...whole, '--json');
  assert.equal(healthy.status, 0, healthy.out);
  assert.equal((JSON.parse(healthy.out) as { objects: { copiesFound: number } }).objects.copiesFound, 48);

  const drive = `127.0.0.1:${storagePort}/d1`;
  assert.equal((await gori('drive', 'list', '--data', cluster)).status, 0);
  assert.equal((await gori('drive', 'fence', drive, '--data', cluster, '--reason', 'to be pulled')).status, 0);
  const listed = await gori('drive', 'list', '--data', cluster);
  assert.equal(listed.status, 1);
  assert.match(listed.out, /to be pulled/);
  assert.equal((await fetch(`${endpoint}/healthcheck`)).status, 200);
  const short = await gori('dispersion', 'report', ...whole);
  assert.equal(short.status, 1);
  assert.match(short.out, /could not be asked: d1 is fenced: to be pulled/);
  const recon = await gori('recon', '--data', cluster);
  assert.equal(recon.status, 1);
  assert.match(recon.out, /d1 is fenced: to be pulled/);
  assert.equal((await gori('drive', 'release', drive, '--data', cluster)).status, 0);
  assert.equal((await gori('dispersion', 'report', ...whole)).status, 0);

  const device = path.join(cluster, 'node1', 'devices', 'd1');
  assert.equal((await gori('fsck', device)).status, 8, 'its node has it');
  await gori('cluster', 'stop', cluster);
  await eventually('the node has let go', async () => (await gori('fsck', device)).status === 0, 30_000);
  flipBit(path.join(device), 'vol', Buffer.from('/dispersion_objects_0/'));
  const rotten = await gori('fsck', device, '--json');
  assert.equal(rotten.status, 4, rotten.out);
  assert.match(rotten.out, /damaged/);
  assert.equal((await gori('fsck', device, '--repair')).status, 1);
});

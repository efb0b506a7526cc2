import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { SwiftSession, TestCluster } from '../support/index.ts';

const run = promisify(execFile);
/** More than any disk has free: every device is full for puts, with room for tombstones. */
const FULL = { reserveBytes: Number.MAX_SAFE_INTEGER };

test('a cluster whose devices are all full says 507, keeps what it has, and takes deletes', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gori-full-'));
  try {
    await using roomy = await TestCluster.start({ directory, nodes: 3 });
    const before = new SwiftSession(await roomy.login());
    await before.put('/c');
    assert.equal(await before.put('/c/kept', 'kept'), 201);
    assert.equal(await before.put('/c/unwanted', 'unwanted'), 201);
    await roomy[Symbol.asyncDispose]();

    await using full = await TestCluster.start({ directory, nodes: 3, settings: FULL });
    const swift = new SwiftSession(await full.login());
    assert.equal(await swift.put('/c/small', 'x'), 507);
    assert.equal(await swift.put('/c/large', randomBytes(1 << 20)), 507);
    assert.equal((await swift.get('/c/kept'))?.toString(), 'kept');
    assert.equal((await swift.ask('DELETE', '/c/unwanted')).status, 204);
    assert.deepEqual(await swift.list('/c'), ['kept']);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('one full device changes nothing for clients: the others make the majority', async () => {
  await using cluster = await TestCluster.start({ nodes: 4, nodeSettings: (index) => (index === 1 ? FULL : {}) });
  const swift = new SwiftSession(await cluster.login());
  await swift.put('/c');
  for (let i = 0; i < 20; i++) {
    const body = randomBytes(i % 2 === 0 ? 2000 : 300_000);
    assert.equal(await swift.put(`/c/${i}`, body), 201);
    assert(body.equals((await swift.get(`/c/${i}`))!));
  }
  assert.equal((await swift.list('/c')).length, 20);
});

test('a disk that fills up for real loses nothing, and takes writes again when there is room', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gori-full-'));
  const mounts = [1, 2, 3].map((n) => path.join(directory, `node${n}`));
  const mounted: string[] = [];
  try {
    for (const mount of mounts) {
      await mkdir(mount);
      try {
        await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'gori-full', mount]);
      } catch {
        return t.skip('only root may mount a small disk');
      }
      mounted.push(mount);
    }
    await using cluster = await TestCluster.start({ directory, nodes: 3, settings: { volumeBytes: 4 << 20 } });
    const swift = new SwiftSession(await cluster.login());
    await swift.put('/c');
    const kept = new Map<string, Buffer>();
    let status = 201;
    for (let i = 0; i < 200 && status === 201; i++) {
      const body = randomBytes(i % 3 === 0 ? 1_500_000 : 200_000);
      status = await swift.put(`/c/${i}`, body);
      if (status === 201) kept.set(String(i), body);
    }
    assert.equal(status, 507);
    assert(kept.size > 10, `${kept.size} objects fit`);
    for (const [name, body] of kept) assert(body.equals((await swift.get(`/c/${name}`))!), name);
    const listed = await swift.list('/c');
    for (const name of kept.keys()) assert(listed.includes(name), `${name} is listed`);
    // Room again: the files of big objects go with them.
    for (const [name, body] of kept) {
      if (body.length < 1_500_000) continue;
      const answer = await swift.ask('DELETE', `/c/${name}`);
      assert.equal(answer.status, 204, `delete on a full disk: ${answer.body.toString()}`);
      kept.delete(name);
    }
    for (const node of cluster.nodes) {
      await node.stop();
      await node.start();
    }
    for (const [name, body] of kept) assert(body.equals((await swift.get(`/c/${name}`))!), name);
    assert.equal(await swift.put('/c/after', 'there is room'), 201);
  } finally {
    for (const mount of mounted) await run('umount', ['-l', mount]);
    await rm(directory, { recursive: true, force: true });
  }
});

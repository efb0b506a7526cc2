import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { test } from 'node:test';
import { SwiftSession, TestCluster, type Login } from '../support/index.ts';

const NAME = { account: 'AUTH_test', container: 'c', object: 'large' };
const PIECE = 1 << 20;

/** A PUT that stops after half of its body, does something, and goes on; its status, or undefined where it got none. */
function interrupted({ url, token }: Login, path: string, body: Buffer, meanwhile: () => Promise<void>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const put = request(`${url}${path}`, { method: 'PUT', headers: { 'X-Auth-Token': token, 'Content-Length': body.length } });
    put.on('response', (response) => response.resume().on('end', () => resolve(response.statusCode)));
    put.on('error', () => resolve(undefined));
    const send = async (): Promise<void> => {
      const half = body.length / 2;
      for (let at = 0; at < half; at += PIECE) await new Promise((written) => put.write(body.subarray(at, at + PIECE), written));
      await meanwhile();
      put.end(body.subarray(half));
    };
    send().catch(reject);
  });
}

test('a node that goes away in the middle of a large upload costs it nothing: the majority has it whole', async () => {
  await using cluster = await TestCluster.start();
  const login = await cluster.login();
  const swift = new SwiftSession(login);
  await swift.put('/c');
  const body = randomBytes(8 << 20);
  const [victim] = cluster.primariesOf(NAME);
  assert.equal(await interrupted(login, '/c/large', body, () => victim!.stop()), 201);
  assert(body.equals((await swift.get('/c/large'))!));
  assert.deepEqual(await swift.list('/c'), ['large']);
  await victim!.start();
  assert(body.equals((await swift.get('/c/large'))!));
});

test('an upload whose majority goes away fails, shows nothing of itself, and succeeds when it is tried again', async () => {
  await using cluster = await TestCluster.start();
  const login = await cluster.login();
  const swift = new SwiftSession(login);
  await swift.put('/c');
  const before = randomBytes(2 << 20);
  assert.equal(await swift.put('/c/large', before), 201);
  const body = randomBytes(8 << 20);
  const [first, second] = cluster.primariesOf(NAME);
  const status = await interrupted(login, '/c/large', body, async () => {
    await first!.stop();
    await second!.stop();
  });
  assert.equal(status, 503);
  await first!.start();
  await second!.start();
  assert(before.equals((await swift.get('/c/large'))!), 'the version before is untouched');
  assert.equal(await swift.put('/c/large', body), 201);
  assert(body.equals((await swift.get('/c/large'))!));
});

/** What replicas that heard different halves of an object's life come to: each write reaches some of the primaries only, and then they replicate. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { timestampFromMs, type Timestamp } from '#common';
import { hashPath } from '#ring';
import { SwiftSession, TestCluster, type TestNode } from '../support/index.ts';

let cluster: TestCluster;
let swift: SwiftSession;
let account: string;
const nowMs = Date.now();

before(async () => {
  cluster = await TestCluster.start({ nodes: 4 });
  const login = await cluster.login();
  account = new URL(login.url).pathname.split('/').at(-1)!;
  swift = new SwiftSession(login);
  await swift.put('/c');
});
after(() => cluster[Symbol.asyncDispose]());

/** The n-th moment of the story. */
const at = (n: number): Timestamp => timestampFromMs(nowMs - 60_000 + n * 1000);

interface Heard {
  readonly by: 'one' | 'two' | 'all';
  readonly at: number;
  /** A PUT of these bytes, a DELETE, or a POST on the data of moment `on`. */
  readonly put?: string;
  readonly deleted?: true;
  readonly on?: number;
  readonly colour?: string;
}

async function hear(name: string, { by, at: moment, put, deleted, on, colour }: Heard): Promise<void> {
  const [first, ...others] = cluster.primariesOf({ account, container: 'c', object: name }) as [TestNode, ...TestNode[]];
  const key = hashPath(cluster.rings.salt, account, 'c', name);
  const target = { key, name: `/${account}/c/${name}`, timestamp: at(moment) };
  const metadata = { 'Content-Type': 'text/plain', ...(colour === undefined ? {} : { 'user:colour': colour }) };
  for (const node of by === 'one' ? [first] : by === 'two' ? others : [first, ...others]) {
    const engine = node.device().device.objects(0);
    if (put !== undefined) await engine.put({ ...target, data: Buffer.from(put), metadata: { ...metadata, ETag: createHash('md5').update(put).digest('hex') } });
    else if (deleted) await engine.delete(target);
    else await engine.post({ ...target, base: at(on!), metadata: { ...metadata, ETag: createHash('md5').update('newer').digest('hex') } });
  }
}

const STORIES: readonly { readonly told: string; readonly heard: readonly Heard[]; readonly then: readonly [body: string, colour: string | null] | undefined }[] = [
  { told: 'a newer PUT that one heard is what all have', heard: [{ by: 'all', at: 1, put: 'old' }, { by: 'one', at: 2, put: 'newer', colour: 'red' }], then: ['newer', 'red'] },
  { told: 'a DELETE that two heard ends a PUT that one heard before', heard: [{ by: 'all', at: 1, put: 'old' }, { by: 'one', at: 2, put: 'newer' }, { by: 'two', at: 3, deleted: true }], then: undefined },
  { told: 'a PUT after that DELETE comes to who did not hear it', heard: [{ by: 'all', at: 1, put: 'old' }, { by: 'one', at: 2, deleted: true }, { by: 'two', at: 3, put: 'newer', colour: 'green' }], then: ['newer', 'green'] },
  { told: 'of two PUTs that each some heard the newer wins, with its own metadata', heard: [{ by: 'one', at: 1, put: 'old', colour: 'red' }, { by: 'two', at: 2, put: 'newer', colour: 'blue' }], then: ['newer', 'blue'] },
  { told: 'a POST that one heard comes to all who have its data', heard: [{ by: 'all', at: 1, put: 'newer', colour: 'red' }, { by: 'one', at: 2, on: 1, colour: 'blue' }], then: ['newer', 'blue'] },
  { told: 'a POST on newer data comes with that data to who had neither', heard: [{ by: 'all', at: 1, put: 'old' }, { by: 'one', at: 2, put: 'newer', colour: 'red' }, { by: 'one', at: 3, on: 2, colour: 'blue' }], then: ['newer', 'blue'] },
  { told: 'of two POSTs that each some heard the newer wins', heard: [{ by: 'all', at: 1, put: 'newer' }, { by: 'one', at: 2, on: 1, colour: 'red' }, { by: 'two', at: 3, on: 1, colour: 'blue' }], then: ['newer', 'blue'] },
  { told: 'a POST before a PUT that others heard does not outlive the data that it was for', heard: [{ by: 'all', at: 1, put: 'old' }, { by: 'one', at: 2, on: 1, colour: 'red' }, { by: 'two', at: 3, put: 'newer', colour: 'blue' }], then: ['newer', 'blue'] },
  { told: 'a POST after a PUT that it did not see goes with the data that it was made for', heard: [{ by: 'all', at: 1, put: 'old' }, { by: 'two', at: 2, put: 'newer', colour: 'blue' }, { by: 'one', at: 3, on: 1, colour: 'red' }], then: ['newer', 'blue'] },
  { told: 'a POST does not bring back what a DELETE ended before it', heard: [{ by: 'all', at: 1, put: 'old' }, { by: 'two', at: 2, deleted: true }, { by: 'one', at: 3, on: 1, colour: 'red' }], then: undefined },
];

for (const [i, { told, heard, then }] of STORIES.entries()) {
  test(told, async () => {
    const name = `story-${i}`;
    for (const each of heard) await hear(name, each);
    await cluster.replicate();
    const key = hashPath(cluster.rings.salt, account, 'c', name);
    const states = await Promise.all(cluster.primariesOf({ account, container: 'c', object: name }).map((node) => node.device().device.objects(0).stat(key)));
    assert.equal(new Set(states.map((state) => JSON.stringify(state))).size, 1, 'all replicas hold the same');
    const { status, body, headers } = await swift.ask('GET', `/c/${name}`);
    assert.deepEqual(status === 404 ? undefined : [body.toString(), headers.get('x-object-meta-colour')], then);
  });
}

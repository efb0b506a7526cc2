/**
 * Container sync with another cluster that runs already, a real Swift or another of ours: as many objects as wanted are written here and come
 * there, while this server is killed and started again twice; then as many are written there and come here, where its own daemon sends. Ends
 * with how long each took, or with what is not equal.
 *
 *   node test/functional/swift/sync-peer.ts --peer http://127.0.0.1:8080 --realm saio --key saio-realm-key --cluster saio_endpoint --port 9283 --objects 10000 [--back]
 */
import { parseArgs } from 'node:util';
import { concurrently } from '#common';
import { eventually } from '../../support/index.ts';
import { GoriProcess } from './gori-process.ts';

const { values } = parseArgs({
  options: {
    peer: { type: 'string', default: 'http://127.0.0.1:8080' },
    realm: { type: 'string', default: 'saio' },
    key: { type: 'string', default: 'saio-realm-key' },
    cluster: { type: 'string', default: 'saio_endpoint' },
    port: { type: 'string', default: '9283' },
    objects: { type: 'string', default: '10000' },
    back: { type: 'boolean', default: false },
  },
});
const count = Number(values.objects);
const WRITERS = 16;
const PATIENCE_MS = 1_200_000;

interface Side {
  readonly name: string;
  readonly url: string;
  readonly token: string;
}

async function login(name: string, endpoint: string): Promise<Side> {
  const answer = await fetch(`${endpoint}/auth/v1.0`, { headers: { 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing' } });
  return { name, url: answer.headers.get('x-storage-url')!, token: answer.headers.get('x-auth-token')! };
}

async function ask({ url, token, name }: Side, method: string, target: string, headers: Record<string, string> = {}, body?: string): Promise<Response> {
  const answer = await fetch(`${url}/${target}`, { method, headers: { 'X-Auth-Token': token, ...headers }, ...(body === undefined ? {} : { body }) });
  if (answer.status >= 300) throw new Error(`${name}: ${method} ${target}: ${answer.status} ${await answer.text()}`);
  return answer;
}

/** Names, tags, lengths, types and times of all objects. */
async function listing(side: Side, container: string): Promise<string[]> {
  const rows: string[] = [];
  for (let marker = ''; ; ) {
    const page = (await (await ask(side, 'GET', `${container}?format=json&limit=10000&marker=${encodeURIComponent(marker)}`)).json()) as { name: string; hash: string; bytes: number; content_type: string; last_modified: string }[];
    if (page.length === 0) return rows;
    for (const { name, hash, bytes, content_type: type, last_modified: modified } of page) rows.push(`${name} ${hash} ${bytes} ${type} ${modified}`);
    marker = page.at(-1)!.name;
  }
}

async function write(side: Side, container: string, prefix: string): Promise<void> {
  const numbers = Array.from({ length: count }, (_, i) => i);
  await concurrently(numbers, WRITERS, async (i) => void (await ask(side, 'PUT', `${container}/${prefix}${i}`, { 'X-Object-Meta-Number': String(i), 'Content-Type': 'text/plain' }, `object ${i} of ${prefix}`)));
  // Some are changed again, some deleted: those must come too.
  await concurrently(numbers.filter((i) => i % 50 === 0), WRITERS, async (i) => void (await ask(side, 'POST', `${container}/${prefix}${i}`, { 'X-Object-Meta-Number': `changed ${i}` })));
  await concurrently(numbers.filter((i) => i % 50 === 1), WRITERS, async (i) => void (await ask(side, 'DELETE', `${container}/${prefix}${i}`)));
}

async function untilEqual(container: string, from: Side, to: Side): Promise<void> {
  const began = performance.now();
  let left = Infinity;
  await eventually(`${from.name} and ${to.name} are equal`, async () => {
    const [wanted, got] = [await listing(from, container), new Set(await listing(to, container))];
    left = wanted.filter((row) => !got.has(row)).length + Math.max(0, got.size - wanted.length);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return left === 0;
  }, PATIENCE_MS).catch((error: unknown) => {
    throw new Error(`${left} rows differ`, { cause: error });
  });
  console.log(`${from.name} -> ${to.name}: equal ${((performance.now() - began) / 1000).toFixed(1)} s after the last write`);
}

const realms = { [values.realm]: { key: values.key, clusters: { gori: `http://127.0.0.1:${values.port}/v1/`, [values.cluster]: `${values.peer}/v1/` } } };
await using gori = await GoriProcess.start({ port: Number(values.port), config: { swift: { containerSync: { intervalSeconds: 1, current: `//${values.realm}/gori`, realms } } } });
const ours = await login('gori', gori.endpoint);
const theirs = await login('peer', values.peer);
const container = `synced-${Date.now()}`;
await ask(ours, 'PUT', container, { 'X-Container-Sync-To': `//${values.realm}/${values.cluster}/AUTH_test/${container}`, 'X-Container-Sync-Key': 'between us' });
await ask(theirs, 'PUT', container, { ...(values.back ? { 'X-Container-Sync-To': `//${values.realm}/gori/AUTH_test/${container}` } : {}), 'X-Container-Sync-Key': 'between us' });
let began = performance.now();
await write(ours, container, 'ours');
console.log(`${count} written in ${((performance.now() - began) / 1000).toFixed(1)} s`);
for (let cut = 1; cut <= 2; cut++) {
  const there = (await listing(theirs, container)).length;
  await gori.restart();
  console.log(`killed and started again with ${there} objects there`);
  await new Promise((resolve) => setTimeout(resolve, 3000));
}
await untilEqual(container, ours, theirs);
if (values.back) {
  began = performance.now();
  await write(theirs, container, 'theirs');
  console.log(`${count} written there in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  await untilEqual(container, theirs, ours);
}

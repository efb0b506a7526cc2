/**
 * Claim: a bulk delete of 10,000 objects goes at least five times as fast as Swift's, both asked by one client, one after the other.
 *
 *   node bench/cluster/bulk-delete.bench.ts --endpoint http://127.0.0.1:8080 --endpoint http://127.0.0.1:9080 [--objects 10000]
 *
 * The objects come as one archive (bulk upload), of a hundred bytes each, so that filling is no part of what is compared.
 */
import { parseArgs } from 'node:util';
import { pack } from 'tar-stream';

const { values } = parseArgs({ options: { endpoint: { type: 'string', multiple: true, default: ['http://127.0.0.1:8080'] }, objects: { type: 'string', default: '10000' } } });
const count = Number(values.objects);
const names = Array.from({ length: count }, (_, i) => `object-${String(i).padStart(5, '0')}`);

for (const endpoint of values.endpoint) await measure(endpoint);

async function measure(endpoint: string): Promise<void> {
  const login = await fetch(`${endpoint}/auth/v1.0`, { headers: { 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing' } });
  const url = login.headers.get('x-storage-url')!;
  const headers = { 'X-Auth-Token': login.headers.get('x-auth-token')!, Accept: 'application/json' };
  const container = `bulk-${Date.now()}`;
  const ask = async (method: string, target: string, more: Record<string, string> = {}, body?: Buffer | string): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${url}/${target}`, { method, headers: { ...headers, ...more }, ...(body === undefined ? {} : { body }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${endpoint}: ${method} ${target}: ${answer.status} ${text}`);
    return text.trim().startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  };
  await ask('PUT', container);
  const filled = await timed(async () => ask('PUT', `${container}?extract-archive=tar`, {}, await archive()));
  const deleted = await timed(() => ask('POST', '?bulk-delete', { 'Content-Type': 'text/plain' }, names.map((name) => `${container}/${name}`).join('\n')));
  await ask('DELETE', container);
  const rate = (seconds: number): string => `${seconds.toFixed(1)} s, ${Math.round(count / seconds)}/s`;
  console.log(`${endpoint}: extracted ${String(filled.result['Number Files Created'])} in ${rate(filled.seconds)}; deleted ${String(deleted.result['Number Deleted'])} in ${rate(deleted.seconds)}`);
}

async function archive(): Promise<Buffer> {
  const tar = pack();
  for (const name of names) tar.entry({ name }, name.padEnd(100, '.'));
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const began = performance.now();
  const result = await work();
  return { seconds: (performance.now() - began) / 1000, result };
}

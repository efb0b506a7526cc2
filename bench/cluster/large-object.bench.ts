/**
 * Claims of static large objects, of 1,000 segments of 5 MiB as the default: read whole they are at least 0.8 times as fast as a plain object,
 * a range in the middle starts within 20 ms, and a HEAD reads no segment.
 *
 *   node bench/cluster/large-object.bench.ts --endpoint http://127.0.0.1:8080 [--segments 1000] [--mib 5] [--rounds 3]
 *
 * One segment's data is stored under as many names as there are segments. The plain object is as large as as many of them as its limit allows.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { endpoint: { type: 'string', default: 'http://127.0.0.1:8080' }, segments: { type: 'string', default: '1000' }, mib: { type: 'string', default: '5' }, rounds: { type: 'string', default: '3' } },
});
const segments = Number(values.segments);
const segmentBytes = Number(values.mib) << 20;
const PLAIN_BYTES = Math.min(segments * segmentBytes, 1 << 30);

const login = await fetch(`${values.endpoint}/auth/v1.0`, { headers: { 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing' } });
const url = login.headers.get('x-storage-url')!;
const token = login.headers.get('x-auth-token')!;
const container = `large-${Date.now()}`;

async function ask(method: string, target: string, { headers = {}, body }: { headers?: Record<string, string>; body?: Buffer | string | ReadableStream } = {}): Promise<Response> {
  const answer = await fetch(`${url}/${target}`, { method, headers: { 'X-Auth-Token': token, ...headers }, ...(body === undefined ? {} : { body, duplex: 'half' }) });
  if (!answer.ok) throw new Error(`${method} ${target}: ${answer.status} ${await answer.text()}`);
  return answer;
}

/** MiB a second, and ms until the first byte. */
async function read(target: string, headers: Record<string, string> = {}): Promise<{ rate: number; firstMs: number; bytes: number }> {
  const began = performance.now();
  const answer = await ask('GET', target, { headers });
  let firstMs = 0;
  let bytes = 0;
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    if (bytes === 0) firstMs = performance.now() - began;
    bytes += chunk.length;
  }
  return { rate: bytes / (1 << 20) / ((performance.now() - began) / 1000), firstMs, bytes };
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

await ask('PUT', container);
const data = randomBytes(segmentBytes);
const names = Array.from({ length: segments }, (_, i) => `segment-${String(i).padStart(4, '0')}`);
for (const name of names) await ask('PUT', `${container}/${name}`, { body: data });
await ask('PUT', `${container}/large?multipart-manifest=put`, { body: JSON.stringify(names.map((name) => ({ path: `${container}/${name}`, size_bytes: segmentBytes }))) });
let sent = 0;
const plainBody = new ReadableStream({
  pull: (controller) => {
    if (sent >= PLAIN_BYTES) return controller.close();
    controller.enqueue(data.subarray(0, Math.min(segmentBytes, PLAIN_BYTES - sent)));
    sent += segmentBytes;
  },
});
await ask('PUT', `${container}/plain`, { body: plainBody });

const rates = { large: [] as number[], plain: [] as number[] };
const first: number[] = [];
const heads: number[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  // As many bytes of each, and in turn, so that what else the machine does falls on both.
  rates.plain.push((await read(`${container}/plain`)).rate);
  rates.large.push((await read(`${container}/large`, { Range: `bytes=0-${PLAIN_BYTES - 1}` })).rate);
  for (let i = 0; i < 20; i++) {
    const at = Math.floor(segments * segmentBytes * (0.2 + 0.03 * i)) + 12_345;
    first.push((await read(`${container}/large`, { Range: `bytes=${at}-${at + 99_999}` })).firstMs);
    const began = performance.now();
    await ask('HEAD', `${container}/large`);
    heads.push(performance.now() - began);
  }
}
const whole = await read(`${container}/large`);
console.log(`${segments} segments of ${values.mib} MiB: large ${median(rates.large).toFixed(0)} MiB/s, plain ${median(rates.plain).toFixed(0)} MiB/s (${(median(rates.large) / median(rates.plain)).toFixed(2)}); whole ${whole.bytes} bytes at ${whole.rate.toFixed(0)} MiB/s`);
console.log(`a range in the middle starts after ${median(first).toFixed(1)} ms (at most ${Math.max(...first).toFixed(1)}); a HEAD takes ${median(heads).toFixed(1)} ms`);
await ask('DELETE', `${container}/large?multipart-manifest=delete`);
await ask('DELETE', `${container}/plain`);
await ask('DELETE', container);

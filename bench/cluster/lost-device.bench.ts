/**
 * Claim: one device of four that is lost under load costs no failed read and no failed write, and p99 at most three times; an empty disk in its place is filled meanwhile.
 *
 *     node bench/cluster/lost-device.bench.ts <directory> [--objects 2000] [--bytes 4096] [--clients 8] [--seconds 20] [--port 8480] [--storage-port 6480]
 *
 * Four storage nodes and a proxy, each a process of its own (\`gori cluster\`), three replicas. Clients read and write half and half; then the node of one device is killed (SIGKILL), after the
 * same time its folder is emptied and it is started again, and the load goes on until the device has all it should have.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { objects: { type: 'string', default: '2000' }, bytes: { type: 'string', default: '4096' }, clients: { type: 'string', default: '8' }, seconds: { type: 'string', default: '20' }, port: { type: 'string', default: '8480' }, 'storage-port': { type: 'string', default: '6480' } },
});
const directory = path.resolve(positionals[0] ?? 'lost-device-bench');
const [objects, bytes, clients, seconds, port, storagePort] = [values.objects, values.bytes, values.clients, values.seconds, values.port, values['storage-port']].map(Number) as [number, number, number, number, number, number];
const ROOT = path.resolve(import.meta.dirname, '..', '..');
const LONGEST_REBUILD_MS = 300_000;

async function gori(...words: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [path.join(ROOT, 'tools', 'gori.ts'), ...words], { cwd: ROOT, maxBuffer: 1 << 26 }).catch((error: unknown) => error as { stdout: string })).stdout;
}

const agent = new Agent({ keepAlive: true, maxSockets: clients });

function ask(method: string, url: string, headers: Record<string, string>, body?: Buffer): Promise<{ status: number; headers: Record<string, string | string[] | undefined> }> {
  return new Promise((resolve) => {
    const asking = request(url, { method, agent, headers: { ...headers, ...(body && { 'Content-Length': body.length }) } }, (response) => {
      response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    asking.on('error', () => resolve({ status: 0, headers: {} })).end(body);
  });
}

interface Phase {
  readonly reads: number[];
  readonly writes: number[];
  failed: number;
}

/** Half reads, half writes, until the signal aborts. */
async function load(base: string, token: Record<string, string>, until: AbortSignal): Promise<Phase> {
  const phase: Phase = { reads: [], writes: [], failed: 0 };
  const body = randomBytes(bytes);
  const client = async (number: number): Promise<void> => {
    for (let turn = number; !until.aborted; turn += clients) {
      const name = `${base}/load/${(turn * 7919) % objects}`;
      const startMs = performance.now();
      const isWrite = Math.floor(turn / clients) % 2 === 0;
      const { status } = isWrite ? await ask('PUT', name, token, body) : await ask('GET', name, token);
      (isWrite ? phase.writes : phase.reads).push(performance.now() - startMs);
      if (status !== (isWrite ? 201 : 200)) phase.failed++;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return phase;
}

function report(title: string, { reads, writes, failed }: Phase): void {
  const at = (times: number[], share: number): string => (times.sort((a, b) => a - b)[Math.floor((times.length - 1) * share)] ?? 0).toFixed(1);
  console.log(`${title}: ${reads.length} reads (p50 ${at(reads, 0.5)}, p99 ${at(reads, 0.99)} ms), ${writes.length} writes (p50 ${at(writes, 0.5)}, p99 ${at(writes, 0.99)} ms), ${failed} failed`);
}

const during = (ms: number): AbortSignal => AbortSignal.timeout(ms);

/** Resolves when every drive was seen in sync since it was called. */
async function whole(): Promise<void> {
  const beganMs = Date.now();
  while (Date.now() - beganMs < LONGEST_REBUILD_MS) {
    const { nodes } = JSON.parse(await gori('recon', '--data', directory, '--json')) as { nodes: { recon?: { daemons: Record<string, { report: { devices?: Record<string, { inSyncAtMs?: number }> } }> } }[] };
    const seen = nodes.flatMap(({ recon }) => Object.values(recon?.daemons['object-replicator']?.report.devices ?? {}));
    if (seen.length === nodes.length && seen.every(({ inSyncAtMs = 0 }) => inSyncAtMs > beganMs)) return;
    await new Promise((resolve) => void setTimeout(resolve, 500));
  }
  throw new Error('the device was not filled in time');
}

await gori('cluster', 'create', directory, '--port', String(port), '--storage-port', String(storagePort));
try {
  const { account, user, key } = JSON.parse(await readFile(path.join(directory, 'proxy1', 'credentials.json'), 'utf8')) as Record<string, string>;
  const login = await ask('GET', `http://127.0.0.1:${port}/auth/v1.0`, { 'X-Auth-User': `${account}:${user}`, 'X-Auth-Key': key! });
  const token = { 'X-Auth-Token': String(login.headers['x-auth-token']) };
  const base = String(login.headers['x-storage-url']);
  await ask('PUT', `${base}/load`, token);
  for (let i = 0; i < objects; i += clients) await Promise.all(Array.from({ length: clients }, (_, k) => ask('PUT', `${base}/load/${i + k}`, token, randomBytes(bytes))));
  report('all four devices', await load(base, token, during(seconds * 1000)));
  const lost = load(base, token, during(seconds * 1000));
  await gori('cluster', 'kill', directory, 'node2');
  report('one lost, from the kill on', await lost);
  await rm(path.join(directory, 'node2', 'devices'), { recursive: true, force: true });
  const refilling = new AbortController();
  const loaded = load(base, token, refilling.signal);
  const beganMs = performance.now();
  await gori('cluster', 'start', directory, 'node2');
  await whole();
  refilling.abort();
  report(`an empty disk in its place, filled after ${((performance.now() - beganMs) / 1000).toFixed(1)} s`, await loaded);
} finally {
  agent.destroy();
  await gori('cluster', 'stop', directory);
  await new Promise((resolve) => void setTimeout(resolve, 2000));
  await rm(directory, { recursive: true, force: true });
}

/**
 * Claim: on one process, four devices and three replicas, everything synced before it is acknowledged, a PUT of 4 KiB costs under 300 us
 * of the server's CPU and a GET under 80 us, with sixteen clients; and an idle server takes under 200 MB.
 *
 *   node bench/cluster/requests.bench.ts [--seconds 8] [--rounds 3]
 *
 * Starts `gori server` on a temporary folder. CPU is that of the server's process (all its threads), memory its resident set.
 * Beside it a server of node:http that does nothing (`bare`) is measured in turn, since figures of a busy machine mean little alone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Connection } from './connection.ts';

const TICKS_PER_SECOND = 100;
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '8' }, rounds: { type: 'string', default: '3' } } });
const seconds = Number(values.seconds);

interface Figure {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** CPU seconds of a process so far, user and system. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

/** Runs `request` on `clients` connections for the time given; what it did a second, and what each cost the process. */
async function measure(port: number, pid: number, clients: number, request: (connection: Connection, n: number) => Promise<void>): Promise<Figure> {
  const connections = await Promise.all(Array.from({ length: clients }, () => Connection.open(port)));
  let done = 0;
  const run = async (untilMs: number): Promise<void> => {
    await Promise.all(connections.map(async (connection) => {
      while (performance.now() < untilMs) await request(connection, done++);
    }));
  };
  await run(performance.now() + 1500);
  const [startMs, startCpu, before] = [performance.now(), await cpuSeconds(pid), done];
  await run(startMs + seconds * 1000);
  const figure = { perSecond: (done - before) / ((performance.now() - startMs) / 1000), cpuUs: (((await cpuSeconds(pid)) - startCpu) * 1e6) / (done - before) };
  for (const connection of connections) connection.close();
  return figure;
}

async function startServer(folder: string): Promise<{ child: ChildProcess; port: number }> {
  const config = path.join(folder, 'gori.yaml');
  await writeFile(config, 'proxy: {port: 0}\ndata: data\nauth: {tempauth: {users: [{account: test, user: tester, key: testing, groups: [.admin]}]}}\n');
  const child = spawn('sh', [path.resolve(import.meta.dirname, '../../tools/gori'), 'server', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      const port = /serves on http:\/\/[\d.]+:(\d+)/.exec(chunk.toString());
      if (port) resolve({ child, port: Number(port[1]) });
    });
  });
}

function startBare(): Promise<{ child: ChildProcess; port: number }> {
  const program = `const b=Buffer.alloc(4096,1);const s=require('http').createServer((q,r)=>{q.resume();q.on('end',()=>{r.writeHead(200,{'content-type':'a/b','content-length':4096});r.end(b);});}).listen(0,'127.0.0.1',()=>console.log(s.address().port));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve({ child, port: Number(chunk.toString()) })));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'gori-bench-'));
const server = await startServer(folder);
const bare = await startBare();
try {
  const pid = server.child.pid!;
  await sleep(1000);
  console.log(`idle after the start: ${await residentMb(pid)} MB`);
  const login = await Connection.open(server.port);
  const { head } = await login.request('GET', '/auth/v1.0', { 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing' });
  const headers = { 'X-Auth-Token': /x-auth-token: (\S+)/i.exec(head)![1]! };
  await login.request('PUT', '/v1/AUTH_test/bench', headers);
  login.close();
  const body = Buffer.alloc(4096, 'gori');
  const expect = (wanted: number) => ({ status }: { status: number }): void => {
    if (status !== wanted) throw new Error(`answered ${status}`);
  };
  const figures = new Map<string, Figure[]>();
  for (let round = 0; round < Number(values.rounds); round++) {
    const note = (name: string, figure: Figure): void => void figures.set(name, [...(figures.get(name) ?? []), figure]);
    note('bare GET', await measure(bare.port, bare.child.pid!, 16, (connection) => connection.request('GET', '/', {}).then(expect(200))));
    note('PUT 4 KiB', await measure(server.port, pid, 16, (connection, n) => connection.request('PUT', `/v1/AUTH_test/bench/${round}-${n}`, headers, body).then(expect(201))));
    note('GET 4 KiB', await measure(server.port, pid, 16, (connection, n) => connection.request('GET', `/v1/AUTH_test/bench/${round}-${n % 500}`, headers).then(expect(200))));
  }
  for (const [name, all] of figures) {
    console.log(`${name.padEnd(10)} ${median(all.map((figure) => figure.perSecond)).toFixed(0).padStart(7)}/s ${median(all.map((figure) => figure.cpuUs)).toFixed(0).padStart(5)} us CPU each (${all.map((figure) => figure.cpuUs.toFixed(0)).join(' ')})`);
  }
  await sleep(15_000);
  console.log(`idle after the load: ${await residentMb(pid)} MB; load average ${os.loadavg()[0]!.toFixed(1)}`);
} finally {
  server.child.kill();
  bare.child.kill();
  await new Promise((resolve) => server.child.once('exit', resolve));
  await rm(folder, { recursive: true });
}

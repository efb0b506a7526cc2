/**
 * The real server as a process of its own, on a folder of its own: for tests that are about the process (its sockets, its memory,
 * its limits) and for real clients. It gets whatever configuration a test gives and a free port, and is gone with its data at the end.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';

const ROOT = path.resolve(import.meta.dirname, '../../..');

const USERS = [
  { account: 'admin', user: 'admin', key: 'admin', groups: ['.admin', '.reseller_admin'] },
  { account: 'test', user: 'tester', key: 'testing', groups: ['.admin'] },
  { account: 'test', user: 'tester3', key: 'testing3' },
];

export interface GoriOptions {
  /** The section `limits` of its configuration. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Other sections of its configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Where it listens; default a free one. */
  readonly port?: number;
  /** Open files it may have; by default as many as this process. */
  readonly openFiles?: number;
}

export class GoriProcess implements AsyncDisposable {
  readonly port: number;
  readonly directory: string;
  readonly #start: (port: number) => ChildProcess;
  readonly #complaints: string[];
  #child: ChildProcess;

  private constructor(parts: { port: number; directory: string; child: ChildProcess; complaints: string[]; start: (port: number) => ChildProcess }) {
    this.port = parts.port;
    this.directory = parts.directory;
    this.#child = parts.child;
    this.#complaints = parts.complaints;
    this.#start = parts.start;
  }

  static async start({ limits = {}, config: sections = {}, openFiles, port: wanted = 0 }: GoriOptions = {}): Promise<GoriProcess> {
    const directory = await mkdtemp(path.join(tmpdir(), 'gori-process-'));
    const config = path.join(directory, 'gori.yaml');
    await writeFile(config, stringify({ auth: { tempauth: { users: USERS } }, limits, ...sections }));
    const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles} && `;
    const complaints: string[] = [];
    const start = (onPort: number): ChildProcess => {
      const command = [process.execPath, 'tools/gori.ts', 'server', '--data', path.join(directory, 'data'), '--port', String(onPort), '--config', config];
      const child = spawn('/bin/sh', ['-c', `${limit}exec "$@"`, 'gori', ...command], { cwd: ROOT, env: { ...process.env, UV_THREADPOOL_SIZE: '16' }, stdio: ['ignore', 'pipe', 'pipe'] });
      createInterface(child.stderr).on('line', (line) => complaints.push(line));
      return child;
    };
    const child = start(wanted);
    const port = await portOf(child, complaints);
    return new GoriProcess({ port, directory, child, complaints, start });
  }

  /** Ends it as a loss of power would end the process; its data stay. */
  async kill(): Promise<void> {
    if (!this.alive) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  /** Kills it, if it runs, and starts it again on its data and port. */
  async restart(): Promise<void> {
    await this.kill();
    this.#child = this.#start(this.port);
    await portOf(this.#child, this.#complaints);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it wrote to its standard error: warnings of Node, stack traces. */
  get complaints(): readonly string[] {
    return this.#complaints;
  }

  async login(user = 'test:tester', key = 'testing'): Promise<{ url: string; token: string }> {
    const answer = await fetch(`${this.endpoint}/auth/v1.0`, { headers: { 'X-Auth-User': user, 'X-Auth-Key': key } });
    return { url: answer.headers.get('x-storage-url')!, token: answer.headers.get('x-auth-token')! };
  }

  /** Files and sockets it has open, and the bytes of memory that are its own (resident, not shared with files). */
  async resources(): Promise<{ handles: number; residentBytes: number }> {
    const handles = await readdir(`/proc/${this.#child.pid}/fd`);
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
    return { handles: handles.length, residentBytes: Number(/RssAnon:\s+(\d+) kB/.exec(status)![1]) * 1024 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** The port it says it serves on; throws with what it said instead, where it ends before that. */
function portOf(child: ChildProcess, complaints: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    createInterface(child.stdout!).on('line', (line) => {
      const match = /^gori serves on http:\/\/[\d.]+:(\d+)/.exec(line);
      if (match !== null) resolve(Number(match[1]));
    });
    child.once('exit', (code) => reject(new Error(`gori server ended with ${code}: ${complaints.join('\n')}`)));
  });
}

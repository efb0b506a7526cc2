/** Clients that others wrote, run as a user runs them: swift, rclone and curl as the machine has them. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why a test of this program is to be skipped, or false where it can run. Where clients are required, a missing one fails the test instead. */
export function missing(program: string): string | false {
  const there = spawnSync('/bin/sh', ['-c', `command -v ${program}`]).status === 0;
  if (there || process.env['GORI_TEST_REQUIRE_CLIENTS'] === '1') return false;
  return `${program} is not installed here`;
}

/** What clients find the cluster by. No proxy stands between, whatever the machine is set up with. */
export function clientEnvironment(endpoint: string, user = 'test:tester', key = 'testing'): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG = 'C.UTF-8' } = process.env;
  const v1 = { ST_AUTH: `${endpoint}/auth/v1.0`, ST_USER: user, ST_KEY: key, ST_AUTH_VERSION: '1.0' };
  const rclone = { RCLONE_SWIFT_AUTH: v1.ST_AUTH, RCLONE_SWIFT_USER: user, RCLONE_SWIFT_KEY: key, RCLONE_CONFIG: '/nonexistent/rclone.conf' };
  return { PATH, HOME, LANG, PYTHONUTF8: '1', ...v1, ...rclone };
}

/** Runs a program to its end, whatever it ends with. */
export async function run(command: readonly string[], options: { env: NodeJS.ProcessEnv; cwd?: string; input?: string | Buffer }): Promise<Ran> {
  const child = spawn(command[0]!, command.slice(1), { env: options.env, cwd: options.cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => undefined).end(options.input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** Runs a program that must succeed; its output. */
export async function runWell(command: readonly string[], options: { env: NodeJS.ProcessEnv; cwd?: string; input?: string | Buffer }): Promise<string> {
  const { code, stdout, stderr } = await run(command, options);
  if (code !== 0) throw new Error(`${command.slice(0, 4).join(' ')} ... ended with ${code}\n${stderr.slice(-2000)}\n${stdout.slice(-1000)}`);
  return stdout;
}

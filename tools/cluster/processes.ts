/** Starting, stopping and killing the members of a cluster on one machine, each by the process id that it was started with. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '#common';
import type { Member } from './layout.ts';

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 40_000;
const GORI = path.resolve(import.meta.dirname, '..', 'gori.ts');

/** The process id of a member that runs, else undefined. */
export async function runningPid(folder: string, { name }: Member): Promise<number | undefined> {
  const text = await readFile(pidFile(folder, name), 'utf8').catch(() => '');
  const pid = Number(text);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  // A process id is used again in time: it is ours only if it runs our command on this member's configuration.
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes(path.join(folder, name, 'gori.yaml')) ? pid : undefined;
}

/** Starts a member that does not run, and waits until it answers. `launcher`: a command that becomes the one that follows it, e.g. on another network. */
export async function start(folder: string, member: Member, launcher: readonly string[] = []): Promise<'started' | 'running'> {
  if ((await runningPid(folder, member)) !== undefined) return 'running';
  const log = openSync(path.join(folder, member.name, 'log'), 'a');
  const [command, ...words] = [...launcher, process.execPath, ...process.execArgv, GORI, 'server', '--config', path.join(folder, member.name, 'gori.yaml')];
  const child = spawn(command, words, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, UV_THREADPOOL_SIZE: process.env['UV_THREADPOOL_SIZE'] ?? '16' },
  });
  closeSync(log);
  child.unref();
  await writeFile(pidFile(folder, member.name), String(child.pid));
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isHealthy(member))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new StoreError('unavailable', `${member.name} did not come up; see ${path.join(folder, member.name, 'log')}`);
    }
    await sleep(50);
  }
  return 'started';
}

/** Sends a signal; SIGTERM waits for the end of the process, SIGKILL too, others return at once. */
export async function signal(folder: string, member: Member, name: NodeJS.Signals): Promise<'signalled' | 'not running'> {
  const pid = await runningPid(folder, member);
  if (pid === undefined) return 'not running';
  process.kill(pid, name);
  if (name !== 'SIGTERM' && name !== 'SIGKILL') return 'signalled';
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while ((await runningPid(folder, member)) !== undefined) {
    if (Date.now() > deadline) throw new StoreError('unavailable', `${member.name} (${pid}) does not end`);
    await sleep(20);
  }
  await rm(pidFile(folder, member.name), { force: true });
  return 'signalled';
}

export async function isHealthy({ host, port }: Member): Promise<boolean> {
  try {
    const answer = await fetch(`http://${host}:${port}/healthcheck`, { signal: AbortSignal.timeout(1000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

function pidFile(folder: string, name: string): string {
  return path.join(folder, name, 'pid');
}

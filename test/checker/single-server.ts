/** `gori server`, the whole cluster in one process, killed by `kill -9` and started again on its folder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../storage-node/engine/files/random.ts';
import type { Server } from './servers.ts';
import type { Stage, Subject } from './subject.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
/** Generous: a machine may have other work. */
const START_TIMEOUT_MS = 60_000;

export class SingleServer implements Subject {
  readonly maxBytes = 4 << 20;
  readonly #folder: string;
  readonly #port: number;
  #process: ChildProcess | undefined;
  #server: Server | undefined;

  constructor({ folder, port }: { folder: string; port: number }) {
    this.#folder = folder;
    this.#port = port;
  }

  async begin(stage: Stage): Promise<void> {
    await this.#start(stage);
  }

  async strike(stage: Stage, random: SeededRandom): Promise<string> {
    const afterMs = 200 + random.below(1200);
    await sleep(afterMs);
    const process = this.#process!;
    const exited = once(process, 'exit');
    process.kill('SIGKILL');
    await exited;
    stage.servers.remove(this.#server!);
    stage.namespace.serverDied(this.#server!.number);
    stage.tally.count('kills of the server');
    await this.#start(stage);
    await sleep(random.below(400));
    return `server killed after ${afterMs} ms`;
  }

  async #start(stage: Stage): Promise<void> {
    const log = openSync(`${this.#folder}.log`, 'a');
    const process_ = spawn(process.execPath, ['tools/gori.ts', 'server', '--data', this.#folder, '--port', String(this.#port), '--config', 'examples/suite.yaml'], {
      cwd: ROOT,
      stdio: ['ignore', log, log],
      env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
    });
    closeSync(log);
    this.#process = process_;
    const endpoint = `http://127.0.0.1:${this.#port}`;
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await isHealthy(endpoint))) {
      if (process_.exitCode !== null || Date.now() > deadline) throw new Error(`the server did not come up (exit code ${process_.exitCode}, signal ${process_.signalCode}); see ${this.#folder}.log`);
      await sleep(20);
    }
    this.#server = await stage.servers.add(endpoint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const process = this.#process;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    process.kill('SIGTERM');
    await exited;
  }
}

async function isHealthy(endpoint: string): Promise<boolean> {
  const answer = await fetch(`${endpoint}/healthcheck`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer?.ok === true;
}

/**
 * The lock of a device: a file that says which process has it. A lock whose holder is dead is taken over; so a process
 * that was killed is no obstacle, and one that lives is named. LevelDB's own lock stands behind it.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { StoreError, type Clock } from '#common';
import { codeOf, readWhole, type Files } from '../files/files.ts';

/** Who holds a device. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, in the system's own terms, and in which boot: a process id alone is used again. */
  readonly incarnation: string;
}

/** Knows the living from the dead. */
export interface Processes {
  readonly self: Holder;
  /** Whether the holder still runs; true where that cannot be known. */
  isAlive(holder: Holder): boolean;
}

const NAME = 'DEVICE.lock';

/** Takes the lock; throws `device-locked` naming a living holder. Answers what lets go of it. */
export async function takeLock({ directory, files, clock, processes }: { directory: string; files: Files; clock: Clock; processes: Processes }): Promise<() => Promise<void>> {
  const path = `${directory}/${NAME}`;
  const mine = `${path}.${processes.self.pid}`;
  await files.unlink(mine);
  const file = files.open(mine, 'create');
  file.writeSync([Buffer.from(JSON.stringify({ ...processes.self, since: new Date(clock.nowMs()).toISOString() }))], 0);
  file.close();
  try {
    await take({ directory, files, processes, path, mine });
  } finally {
    await files.unlink(mine);
  }
  return () => files.unlink(path);
}

async function take({ directory, files, processes, path, mine }: { directory: string; files: Files; processes: Processes; path: string; mine: string }): Promise<void> {
  // Each turn either takes the lock, or removes one dead holder's, or ends.
  for (let turn = 0; turn < 8; turn++) {
    try {
      files.link(mine, path); // with its text: a lock is never seen half written
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const held = readHolder(files, path);
    if (held !== undefined && processes.isAlive(held)) {
      const { pid, host, since } = held;
      const holder = `process ${pid} on ${host}, since ${since}`;
      throw new StoreError('device-locked', `${directory} is held by ${holder} (${path})`, { detail: { pid, host, since } });
    }
    // Moved first: of two that find a dead lock, one only removes it, and never the other's new one.
    const aside = `${mine}.dead`;
    try {
      files.rename(path, aside);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
    const moved = readHolder(files, aside);
    if (moved !== undefined && processes.isAlive(moved)) {
      files.rename(aside, path);
      continue;
    }
    await files.unlink(aside);
  }
  throw new StoreError('device-locked', `${directory}: others keep taking the lock`);
}

/** The holder a lock names; undefined where there is none, or a crash left it without text. */
function readHolder(files: Files, path: string): (Holder & { since: string }) | undefined {
  const content = readWhole(files, path)?.toString() ?? '';
  try {
    const { pid, host, incarnation, since } = JSON.parse(content) as Partial<Holder & { since: string }>;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof incarnation !== 'string') return undefined;
    return { pid, host, incarnation, since: since ?? 'unknown' };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Processes of this machine, as /proc shows them. */
export const systemProcesses: Processes = {
  self: { pid: process.pid, host: hostname(), incarnation: incarnationOf(process.pid) ?? 'unknown' },
  isAlive(holder) {
    if (holder.host !== hostname()) return true;
    try {
      process.kill(holder.pid, 0);
    } catch (error) {
      return codeOf(error) !== 'ESRCH';
    }
    const now = incarnationOf(holder.pid);
    return now === undefined || now === holder.incarnation;
  },
};

/** Boot and start time of a process; undefined where the system does not say. */
function incarnationOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${startTicks}`;
  } catch {
    return undefined; // not Linux, or the process is gone
  }
}

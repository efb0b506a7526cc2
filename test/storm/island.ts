/**
 * An island: the program runs itself again in a network, a mount table and a process table of its own, where it may cut links and mount disks as it
 * likes. When it ends, whatever way, everything that it started and mounted is gone with it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const MARK = 'GORI_STORM_ISLAND';
const WORDS = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];

/** Why there can be no island here; undefined where there can. */
export function whyNoIsland(): string | undefined {
  const tried = spawnSync('unshare', [...WORDS, 'sh', '-c', 'ip link add br0 type bridge && mount -t tmpfs tmpfs /mnt && nsenter --version'], { encoding: 'utf8' });
  if (tried.error !== undefined) return `unshare cannot be run: ${tried.error.message}`;
  return tried.status === 0 ? undefined : `namespaces, a bridge and a tmpfs are not to be had: ${tried.stderr.trim()}`;
}

export function onIsland(): boolean {
  return process.env[MARK] !== undefined;
}

/** Runs the program with its own arguments on an island; answers its exit code. */
export async function goToIsland(): Promise<number> {
  const why = whyNoIsland();
  if (why !== undefined) throw new Error(why);
  const child = spawn('unshare', [...WORDS, process.execPath, ...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } });
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => child.kill('SIGKILL'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

/**
 * The network of a storm: a bridge, and a network namespace with an address of its own for each member of the cluster. A cut is real: frames for the
 * other end go to a hardware address that nobody has, so that nothing is refused and nothing is answered, in one direction or in both.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ip = (...words: string[]): Promise<unknown> => run('ip', words);

export const NETWORK = '10.77.0';
const NOBODY = '02:00:00:00:00:99';

export interface Host {
  readonly name: string;
  readonly host: string;
}

/** The bridge, on which the clients are, and room for namespaces that end with this process. */
export async function layBridge(): Promise<void> {
  await run('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  await run('mkdir', ['-p', '/run/netns']);
  await ip('link', 'set', 'lo', 'up');
  await ip('link', 'add', 'br0', 'type', 'bridge');
  await ip('link', 'set', 'br0', 'up');
  await ip('addr', 'add', `${NETWORK}.254/24`, 'dev', 'br0');
}

export async function join({ name, host }: Host): Promise<void> {
  await ip('netns', 'add', name);
  await ip('link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  await ip('link', 'set', `v-${name}`, 'master', 'br0', 'up');
  await ip('-n', name, 'addr', 'add', `${host}/24`, 'dev', 'eth0');
  await ip('-n', name, 'link', 'set', 'eth0', 'up');
  await ip('-n', name, 'link', 'set', 'lo', 'up');
}

/** What a process is started by that is to be on the member's network. */
export function launcherOf({ name }: Host): string[] {
  return ['nsenter', `--net=/run/netns/${name}`];
}

/** Nothing of `from` reaches `to` any more. */
export async function cut(from: Host, to: Host): Promise<void> {
  await ip('-n', from.name, 'neigh', 'replace', to.host, 'lladdr', NOBODY, 'dev', 'eth0', 'nud', 'permanent');
}

export async function mend(from: Host, to: Host): Promise<void> {
  await ip('-n', from.name, 'neigh', 'del', to.host, 'dev', 'eth0');
}

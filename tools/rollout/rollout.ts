/**
 * Brings new rings to a whole cluster that serves meanwhile. Where partitions move by a ring, it has two assignments (ring/ring.ts) and every process
 * counts majorities of both. Once every process has it, and the replicators have seen that what was acknowledged before has arrived, the
 * assignment before is forgotten: the builder is settled, and that ring brought to everyone too.
 *
 * It can be broken off and begun again at any point: all it knows is in the builders, and in what the processes say.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { StoreError, type Clock } from '#common';
import { loadBuilder, loadRing, saveBuilder, saveRing, type Ring, type RingBuilder } from '#ring';
import type { Recon } from '#storage-node';
import { arrivalOf, type Arrival, type MovingRing } from './arrival.ts';
import { findMembers, type Member, type Members } from './members.ts';

export interface RolloutOptions {
  /** Builders and rings. */
  readonly folder: string;
  /** `host:port` of every proxy. One that is left out goes on by the rings it has, and may miss what moved. */
  readonly proxies: readonly string[];
  readonly secret: string;
  readonly clock: Clock;
  /** Says what is done. */
  readonly say: (text: string) => void;
  /** Share of what moves that has arrived, 0 to 1, and what is waited for. */
  readonly onProgress: (done: number, waiting: readonly string[]) => void;
  readonly signal: AbortSignal;
  /** After the last process took a ring, requests that began by the ring before may go on for so long. Default 30 s. */
  readonly graceMs?: number;
  readonly pollMs?: number;
}

interface Plan {
  readonly name: string;
  readonly builder: RingBuilder;
}

const GRACE_MS = 30_000;
const POLL_MS = 2000;

/** Throws `unavailable` where a member does not answer before anything is changed, `bad-request` where there is nothing to roll out. */
export async function rollout(options: RolloutOptions): Promise<void> {
  const plans = await readPlans(options);
  const rings = await ringsOf(options.folder);
  const members = await membersOf(options, plans, [...rings.values()]);
  for (const address of members.gone) options.say(`node ${address} does not answer; all its devices are removed`);
  await giveAll(options, members.all, rings);
  const moving = [...rings].flatMap(([file, ring]) => (ring.previous === undefined ? [] : [{ file, ring }]));
  if (moving.length === 0) return options.say('nothing moves');
  await untilArrived(options, members, moving);
  for (const { name, builder } of plans) {
    if (!builder.isMoving) continue;
    builder.settle();
    await saveBuilder(path.join(options.folder, `${name}.builder`), builder);
    await saveRing(path.join(options.folder, `${name}.ring`), builder.toRing());
  }
  options.say('all has arrived');
  await giveAll(options, members.all, await ringsOf(options.folder));
}

async function readPlans({ folder, clock }: RolloutOptions): Promise<Plan[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.builder')).map((name) => name.replace(/\.builder$/, ''));
  if (names.length === 0) throw new StoreError('bad-request', `there are no builders in ${folder}`);
  return Promise.all(names.map(async (name) => ({ name, builder: await loadBuilder(path.join(folder, `${name}.builder`), clock) })));
}

async function ringsOf(folder: string): Promise<Map<string, Ring>> {
  const files = (await readdir(folder)).filter((name) => /^(account|container|object(-\d+)?)\.ring$/.test(name)).sort();
  return new Map(await Promise.all(files.map(async (file) => [file, await loadRing(path.join(folder, file))] as const)));
}

function membersOf({ proxies, secret }: RolloutOptions, plans: readonly Plan[], rings: readonly Ring[]): Promise<Members> {
  const addressesOf = (builder: RingBuilder, isWanted: (id: number) => boolean): string[] => builder.devices.flatMap(({ id, ip, port }) => (isWanted(id) ? [`${ip}:${port}`] : []));
  const staying = new Set(plans.flatMap(({ builder }) => addressesOf(builder, (id) => !builder.state.removed.includes(id))));
  const removed = new Set(plans.flatMap(({ builder }) => addressesOf(builder, (id) => builder.state.removed.includes(id))).filter((address) => !staying.has(address)));
  return findMembers({ rings, removed, proxies, secret });
}

/** Brings every ring to every member that has an older one. */
async function giveAll({ folder, say }: RolloutOptions, members: readonly Member[], rings: ReadonlyMap<string, Ring>): Promise<void> {
  const files = new Map(await Promise.all([...rings.keys()].map(async (file) => [file, await readFile(path.join(folder, file))] as const)));
  const takers = await Promise.all(members.map(async (member) => {
    const held = await member.versions();
    const older = [...rings].filter(([file, { version }]) => held[file] !== version);
    for (const [file] of older) await member.give(file, files.get(file)!);
    return older.length > 0 ? [member.name] : [];
  }));
  const texts = [...rings].map(([file, { version }]) => `${file} version ${version}`);
  say(`${texts.join(', ')} in force with all ${members.length} members; new to ${takers.flat().sort().join(', ') || 'none'}`);
}

async function untilArrived(options: RolloutOptions, members: Members, moving: readonly MovingRing[]): Promise<void> {
  const { clock, signal, onProgress, graceMs = GRACE_MS, pollMs = POLL_MS } = options;
  await clock.sleep(graceMs, signal);
  const sinceMs = new Map([...(await reconsOf(members))].map(([address, { time }]) => [address, time]));
  for (;;) {
    const recons = await reconsOf(members);
    for (const [address, { time }] of recons) if (!sinceMs.has(address)) sinceMs.set(address, time);
    const sum = moving.map((one) => arrivalOf(one, { recons, sinceMs })).reduce(together);
    onProgress(sum.moving === 0 ? 1 : sum.arrived / sum.moving, sum.waiting);
    if (sum.waiting.length === 0) return;
    await clock.sleep(pollMs, signal);
  }
}

function together(a: Arrival, b: Arrival): Arrival {
  return { moving: a.moving + b.moving, arrived: a.arrived + b.arrived, waiting: [...a.waiting, ...b.waiting] };
}

/** How the storage nodes are that answer. */
async function reconsOf({ nodes }: Members): Promise<Map<string, Recon>> {
  const asked = await Promise.allSettled([...nodes].map(async ([address, member]) => [address, (await member.recon()) as Recon] as const));
  return new Map(asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])));
}

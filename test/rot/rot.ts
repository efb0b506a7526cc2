/**
 * Rot: flips bits in the files of one device of a cluster after the other: volumes, big files, tables of the index and of the databases. Then the
 * device is audited, the replicators run, and everything is read and listed through a proxy, before and after. Every object must always be served as it was written,
 * and be on all of its devices again in the end.
 */
import { randomBytes } from 'node:crypto';
import { open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { SeededRandom } from '../../storage-node/engine/files/random.ts';
import { SwiftSession, TestCluster, type TestNode } from '../support/index.ts';

export interface RotOptions {
  readonly flips: number;
  readonly flipsPerRound: number;
  readonly objects: number;
  readonly seed: number;
  readonly onRound?: (round: number, counts: Readonly<Record<string, number>>) => void;
}

export interface RotResult {
  readonly rounds: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Empty, or rot won. */
  readonly faults: readonly string[];
}

const sizeOf = (i: number): number => (i % 40 === 7 ? 2_000_000 : i % 10 === 3 ? 200_000 : 50 * (i + 1));

export async function rot(options: RotOptions): Promise<RotResult> {
  await using cluster = await TestCluster.start();
  const campaign = new Campaign(cluster, options, new SwiftSession(await cluster.login()));
  return await campaign.run();
}

class Campaign {
  readonly #cluster: TestCluster;
  readonly #options: RotOptions;
  readonly #swift: SwiftSession;
  readonly #random: SeededRandom;
  readonly #bodies: readonly Buffer[];
  readonly #counts: Record<string, number> = {};
  readonly #faults: string[] = [];

  constructor(cluster: TestCluster, options: RotOptions, swift: SwiftSession) {
    this.#cluster = cluster;
    this.#options = options;
    this.#swift = swift;
    this.#random = new SeededRandom(options.seed);
    this.#bodies = Array.from({ length: options.objects }, (_, i) => randomBytes(sizeOf(i)));
  }

  async run(): Promise<RotResult> {
    await this.#fill();
    const { nodes } = this.#cluster;
    const rounds = Math.ceil(this.#options.flips / this.#options.flipsPerRound);
    let round = 0;
    for (; round < rounds && this.#faults.length === 0; round++) {
      await this.#strike(nodes[round % nodes.length]!, round);
      this.#options.onRound?.(round + 1, this.#counts);
    }
    return { rounds: round, counts: this.#counts, faults: this.#faults };
  }

  async #fill(): Promise<void> {
    await this.#swift.put('/c');
    for (const [i, body] of this.#bodies.entries()) if ((await this.#swift.put(`/c/${i}`, body)) !== 201) throw new Error(`object ${i} was not stored`);
    await this.#cluster.replicate();
    // What is young lies in LevelDB's logs: closing and opening makes tables of it.
    for (const node of this.#cluster.nodes) {
      await node.stop();
      await node.start();
    }
  }

  async #strike(node: TestNode, round: number): Promise<void> {
    const stopped = this.#random.oneIn(2);
    if (stopped) await node.stop();
    // LevelDB's tables rot while nobody has them open: else a compaction might end this process, with all nodes in it, before they are looked at.
    const shelves: [string, ...string[]] = stopped ? ['0/vol', '0/big', '0/index', 'listings'] : ['0/vol', '0/big'];
    for (let flip = 0; flip < this.#options.flipsPerRound; flip++) await this.#flipBit(node, this.#random.pick(shelves));
    if (stopped) for (const closed of ['0/index/closed', 'listings/closed']) await rm(path.join(node.directoryOf(), closed), { force: true });
    if (stopped) await node.start();
    await this.#readAll(`round ${round}, before the audit`);
    await this.#audit(node);
    await this.#cluster.replicate();
    await this.#readAll(`round ${round}, in the end`);
    await this.#compare(round);
  }

  async #flipBit(node: TestNode, shelf: string): Promise<void> {
    const folder = path.join(node.directoryOf(), shelf);
    const names = (await readdir(folder).catch(() => [])).filter((name) => /\.(v|b|ldb)$/.test(name));
    if (names.length === 0) return;
    await using file = await open(path.join(folder, names[this.#random.below(names.length)]!), 'r+');
    const { size } = await file.stat();
    if (size === 0) return;
    const at = this.#random.below(size);
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    await file.write(Buffer.of(byte[0]! ^ (1 << this.#random.below(8))), 0, 1, at);
    this.#count(`flips in ${shelf}`);
  }

  async #audit(node: TestNode): Promise<void> {
    const { device, databases } = node.device();
    for (let done = false; !done; ) {
      const step = await device.objects(0).audit(64 << 20);
      this.#count('records found damaged', step.damaged);
      this.#count('records put back into the index', step.unindexed);
      this.#count('broken groups', step.brokenGroups);
      done = step.done;
    }
    for (let done = false; !done; ) {
      const step = await databases.audit();
      this.#count('databases found wrong', Number(step.wrong));
      done = step.done;
      await databases.mended();
    }
  }

  async #readAll(when: string): Promise<void> {
    for (const [i, body] of this.#bodies.entries()) {
      const got = await this.#swift.get(`/c/${i}`);
      if (got === undefined) this.#faults.push(`${when}: object ${i} is not there`);
      else if (!got.equals(body)) this.#faults.push(`${when}: object ${i} is another`);
      this.#count('reads');
    }
    const listed = JSON.parse((await this.#swift.ask('GET', '/c?format=json')).body.toString()) as { name: string; bytes: number }[];
    const wrong = listed.filter(({ name, bytes }) => this.#bodies[Number(name)]?.length !== bytes);
    if (listed.length !== this.#bodies.length || wrong.length > 0) this.#faults.push(`${when}: the listing has ${listed.length} names, ${wrong.length} wrong`);
  }

  /** Every primary holds every object again. */
  async #compare(round: number): Promise<void> {
    for (const i of this.#bodies.keys()) {
      const name = { account: 'AUTH_test', container: 'c', object: String(i) };
      const { key } = await this.#cluster.proxies[0]!.store.where(name);
      for (const node of this.#cluster.primariesOf(name)) {
        const state = await node.device().device.objects(0).stat(Buffer.from(key, 'hex')).catch(() => undefined);
        if (state?.sizeBytes !== this.#bodies[i]!.length) this.#faults.push(`round ${round}: ${node.name} has not got object ${i} back`);
      }
    }
  }

  #count(what: string, by = 1): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + by;
  }
}

/** The processes of a cluster that rings are brought to: storage nodes and proxies, over HTTP, with the cluster's secret. */
import { StoreError } from '#common';
import type { Ring, RingVersions } from '#ring';
import type { Recon } from '#storage-node';
import { bearerOf } from '#storage-node/protocol';

const TIMEOUT_MS = 15_000;

export class Member {
  /** What people call it: `node 10.0.0.1:6200`, `proxy 10.0.0.9:8080`. */
  readonly name: string;
  readonly #base: string;
  readonly #authorization: string;

  constructor({ name, base, secret }: { name: string; base: string; secret: string }) {
    this.name = name;
    this.#base = base;
    this.#authorization = bearerOf(secret);
  }

  /** Versions in force. Throws `unavailable` where it does not answer. */
  async versions(): Promise<RingVersions> {
    return (await this.#ask('rings')) as RingVersions;
  }

  /** Gives it a ring file; resolves when that ring is in force. Throws `conflict` where it has a newer one. */
  async give(file: string, bytes: Buffer): Promise<void> {
    await this.#ask(`rings/${file}`, { method: 'PUT', body: new Uint8Array(bytes) });
  }

  /** How it is: its storage node, or, without an address, only its janitors. */
  async recon(): Promise<Partial<Recon>> {
    return (await this.#ask('recon')) as Partial<Recon>;
  }

  async #ask(path: string, init: { method?: string; body?: Uint8Array<ArrayBuffer> } = {}): Promise<unknown> {
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(`${this.#base}${path}`, { ...init, headers: { authorization: this.#authorization }, signal: AbortSignal.timeout(TIMEOUT_MS) });
      text = await answer.text();
    } catch (error) {
      const { cause } = error as Error;
      throw new StoreError('unavailable', `${this.name} does not answer: ${String(cause ?? error)}`, { cause: error });
    }
    if (answer.ok) return JSON.parse(text) as unknown;
    throw new StoreError(answer.status === 409 ? 'conflict' : 'unavailable', `${this.name} answered ${answer.status}: ${text}`);
  }
}

export interface Members {
  readonly all: readonly Member[];
  /** By the address that rings have: whom to ask how its storage node is. */
  readonly nodes: ReadonlyMap<string, Member>;
  /** Addresses that only removed devices have, and at which nobody answers: nothing is expected of them any more. */
  readonly gone: readonly string[];
}

/**
 * The nodes that the rings name and the proxies given; a storage node within a proxy's process is asked there. Throws `unavailable`, naming all that do not answer,
 * except for nodes of removed devices only.
 */
export async function findMembers({ rings, removed, proxies, secret }: { rings: readonly Ring[]; removed: ReadonlySet<string>; proxies: readonly string[]; secret: string }): Promise<Members> {
  const fronts = proxies.map((address) => new Member({ name: `proxy ${address}`, base: `http://${address}/.gori/`, secret }));
  const faults: string[] = [];
  const nodes = new Map<string, Member>();
  for (const front of fronts) {
    try {
      const { address } = await front.recon();
      if (address !== undefined) nodes.set(address, front);
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  const gone: string[] = [];
  const addresses = new Set(rings.flatMap((ring) => ring.devices.flatMap((device) => (device ? [`${device.ip}:${device.port}`] : []))));
  const apart: Member[] = [];
  for (const address of [...addresses].sort()) {
    if (nodes.has(address)) continue;
    const node = new Member({ name: `node ${address}`, base: `http://${address}/`, secret });
    try {
      await node.versions();
      nodes.set(address, node);
      apart.push(node);
    } catch (error) {
      if (removed.has(address)) gone.push(address);
      else faults.push((error as Error).message);
    }
  }
  if (faults.length > 0) throw new StoreError('unavailable', faults.join('\n'));
  return { all: [...apart, ...fronts], nodes, gone };
}

/** Compares some partitions of a device with what their other primaries hold: digests of ranges, then the states of the ranges that differ. */
import { compareStates } from '#storage-node/client';
import { TICKS_PER_MS } from '#common';
import { DIGEST_BYTES, prefixOf, type Key, type KeyedState, type ObjectReplica, type ObjectState } from '#storage-node/protocol';
import type { PartitionWork, Peer } from './device-pass.ts';
import type { ReplicatedEngine } from './object-replicator.ts';

export interface ComparisonOptions {
  readonly engine: ReplicatedEngine;
  readonly items: readonly PartitionWork[];
  /** Leading bits that are a partition; that are a range. */
  readonly bits: number;
  readonly rangeBits: number;
  readonly nowMs: number;
  readonly reclaimAgeMs: number;
  readonly graceMs: number;
  /** Whether this device has waited long enough for others to send what is theirs to send. */
  readonly stubborn: (partition: number) => boolean;
  /** Runs a call on a peer; after a failure the peer has no roots any more. */
  readonly guarded: (peer: Peer, ask: () => Promise<void>) => Promise<void>;
}

export interface Findings {
  readonly sends: { readonly peer: Peer; readonly key: Key; readonly sizeBytes: number }[];
  /** Held for others, who all have it by now. */
  readonly releasable: KeyedState[];
  /** Partitions with a difference that somebody has to do something about; those where it was this device. */
  readonly differing: Set<number>;
  readonly mineToSend: Set<number>;
}

const PAGE_STATES = 50_000;

export class Comparison {
  readonly #o: ComparisonOptions;
  readonly #findings: Findings = { sends: [], releasable: [], differing: new Set(), mineToSend: new Set() };

  constructor(options: ComparisonOptions) {
    this.#o = options;
  }

  async run(): Promise<Findings> {
    const { engine, items } = this.#o;
    const ranges = await this.#differingRanges();
    const mine = await this.#statesOf(engine, [...ranges.values()].flat());
    const theirs = new Map<Peer, Map<string, ObjectState>>();
    const peers = new Set(items.flatMap((item) => item.peers));
    await Promise.all([...peers].map((peer) => this.#ask(peer, async () => {
      const wanted = items.filter((item) => item.peers.includes(peer)).flatMap(({ partition }) => ranges.get(partition) ?? []);
      theirs.set(peer, await this.#statesOf(peer.replica, wanted));
    })));
    for (const item of items) this.#compare(item, mine, theirs);
    return this.#findings;
  }

  /** By partition: ranges that differ from some peer's; or, where it is held for others, ranges that are not empty. */
  async #differingRanges(): Promise<Map<number, number[]>> {
    const { engine, items, bits, rangeBits } = this.#o;
    const rangesOf = (partition: number): number[] => Array.from({ length: 2 ** (rangeBits - bits) }, (_, i) => partition * 2 ** (rangeBits - bits) + i);
    const mine = await this.#digestsOf(engine, items.flatMap(({ partition }) => rangesOf(partition)));
    const theirs = new Map<Peer, Map<number, string>>();
    const peers = new Set(items.filter(({ rank }) => rank >= 0).flatMap((item) => item.peers));
    await Promise.all([...peers].map((peer) => this.#ask(peer, async () => {
      theirs.set(peer, await this.#digestsOf(peer.replica, items.filter((item) => item.peers.includes(peer)).flatMap(({ partition }) => rangesOf(partition))));
    })));
    const empty = '00'.repeat(DIGEST_BYTES);
    return new Map(items.map(({ partition, peers: others, rank }) => {
      const differs = (range: number): boolean => others.some((peer) => theirs.has(peer) && theirs.get(peer)!.get(range) !== mine.get(range));
      return [partition, rangesOf(partition).filter((range) => (rank < 0 ? mine.get(range) !== empty : differs(range)))];
    }));
  }

  async #digestsOf(replica: Pick<ObjectReplica, 'digests'>, prefixes: readonly number[]): Promise<Map<number, string>> {
    const digests = await replica.digests({ bits: this.#o.rangeBits, prefixes });
    return new Map(prefixes.map((prefix, i) => [prefix, digests.toString('hex', i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES)]));
  }

  async #statesOf(replica: Pick<ObjectReplica, 'states'>, prefixes: readonly number[]): Promise<Map<string, ObjectState>> {
    const states = new Map<string, ObjectState>();
    if (prefixes.length === 0) return states;
    for (let after: Key | undefined; ; ) {
      const page = await replica.states({ bits: this.#o.rangeBits, prefixes, after, limit: PAGE_STATES });
      for (const { key, state } of page) states.set(key.toString('latin1'), state);
      after = page.at(-1)?.key;
      if (page.length < PAGE_STATES) return states;
    }
  }

  #ask(peer: Peer, ask: () => Promise<void>): Promise<void> {
    return peer.roots === undefined ? Promise.resolve() : this.#o.guarded(peer, ask);
  }

  #compare(item: PartitionWork, mine: ReadonlyMap<string, ObjectState>, theirs: ReadonlyMap<Peer, ReadonlyMap<string, ObjectState>>): void {
    const peers = item.peers.filter((peer) => peer.roots !== undefined && theirs.has(peer));
    const ofPartition = (keyText: string): boolean => prefixOf(keyText, this.#o.bits) === item.partition;
    const keys = new Set([...mine.keys()].filter(ofPartition));
    if (item.rank >= 0) for (const peer of peers) for (const keyText of theirs.get(peer)!.keys()) if (ofPartition(keyText)) keys.add(keyText);
    for (const keyText of keys) this.#compareKey(item, keyText, mine.get(keyText), peers.map((peer) => ({ peer, state: theirs.get(peer)!.get(keyText) })));
  }

  #compareKey(item: PartitionWork, keyText: string, mine: ObjectState | undefined, others: readonly { peer: Peer; state: ObjectState | undefined }[]): void {
    const newest = others.reduce((best, { state }) => (compareStates(state, best) > 0 ? state : best), mine)!;
    const lacking = others.filter(({ state }) => !holds(state, newest) && !(state === undefined && this.#isReclaimable(newest)));
    const everyone = others.length === item.peers.length;
    // Home, or out of date: then some primary has a newer state, and to spread that is the primaries' business.
    if (item.rank < 0 && everyone && (lacking.length === 0 || compareStates(newest, mine) > 0)) this.#findings.releasable.push({ key: Buffer.from(keyText, 'latin1'), state: mine! });
    const iLack = item.rank >= 0 && !holds(mine, newest) && !(mine === undefined && this.#isReclaimable(newest));
    if (lacking.length === 0 && !iLack) return;
    this.#findings.differing.add(item.partition);
    if (this.#isYoung(newest) || !holds(mine, newest) || lacking.length === 0) return;
    if (item.rank >= 0 && !this.#isMyTurn(item, keyText, newest, others)) return;
    this.#findings.mineToSend.add(item.partition);
    for (const { peer } of lacking) this.#findings.sends.push({ peer, key: Buffer.from(keyText, 'latin1'), sizeBytes: newest.sizeBytes });
  }

  /** Of those that hold the state, in the order of the ring, the key names one. Two contents of one timestamp are sent both ways. */
  #isMyTurn({ partition, rank, peers }: PartitionWork, keyText: string, newest: ObjectState, others: readonly { peer: Peer; state: ObjectState | undefined }[]): boolean {
    if (this.#o.stubborn(partition)) return true;
    if (others.some(({ state }) => state !== undefined && compareStates(state, newest) === 0 && !holds(state, newest))) return true;
    const before = others.filter(({ peer, state }) => peers.indexOf(peer) < rank && holds(state, newest)).length;
    const holders = 1 + others.filter(({ state }) => holds(state, newest)).length;
    return keyText.charCodeAt(15) % holders === before;
  }

  #isReclaimable({ deleted, timestamp }: ObjectState): boolean {
    return deleted && timestamp / TICKS_PER_MS < this.#o.nowMs - this.#o.reclaimAgeMs;
  }

  #isYoung({ timestamp, metaTimestamp }: ObjectState): boolean {
    const { nowMs, graceMs } = this.#o;
    return Math.abs(nowMs - Math.max(timestamp, metaTimestamp) / TICKS_PER_MS) < graceMs;
  }
}

/** Whether a replica holds the state, or one that the same data has outlived. */
function holds(state: ObjectState | undefined, newest: ObjectState): boolean {
  return state !== undefined && compareStates(state, newest) === 0 && state.sizeBytes === newest.sizeBytes;
}

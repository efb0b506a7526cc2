/**
 * The replicator of account and container databases: for each partition that a device holds it compares digests with the other primaries,
 * then versions of databases, then digests of ranges of their rows, and sends what the other lacks. A database that a peer has not at all
 * is copied whole, by one of those that have it. What is held for others goes home, and is forgotten when every primary has all of it.
 */
import { type Daemon, isStoreError, type PassResult, TICKS_PER_MS, timestampFromMs } from '#common';
import type { Ring, RingDevice } from '#ring';
import { compareRows, DIGEST_BYTES, isAlive, type DatabaseKind, type DatabaseName, type DatabaseVersion, type ListingEngine, type ListingRow, type LocalListingReplica, type ReplicatedState } from '#storage-node/protocol';
import { ownDevice, type ClusterContext, type ListingPlace, type NodeAddress } from '../context.ts';
import { DeviceRounds } from '../device-rounds.ts';
import { Arrivals, type ArrivalReport } from './arrivals.ts';
import { RowComparison } from './row-comparison.ts';

export interface DatabaseReplicatorOptions extends ClusterContext {
  readonly listings: () => Iterable<ListingPlace<ListingEngine & LocalListingReplica>>;
  readonly address: NodeAddress;
  readonly reclaimAgeMs: number;
}

interface Peer {
  readonly device: RingDevice;
  readonly engine: ListingEngine;
  failed: boolean;
}

interface Done extends Record<string, number> {
  sentRows: number;
  sentDatabases: number;
  released: number;
  failed: number;
  unreachable: number;
}

const PAGE_DATABASES = 1000;
const ROWS_AT_ONCE = 5000;
const ZERO = '0'.repeat(DIGEST_BYTES * 2);

export function databaseReplicator(options: DatabaseReplicatorOptions): Daemon {
  const rounds = new DeviceRounds({ daemon: 'database-replicator', ...options });
  /** By device and partition: digests between which there is nothing left to send but deletions that may go anyway. */
  const clean = new Map<string, string>();
  const arrivals = new Map<string, Arrivals>();
  const reports = new Map<string, ArrivalReport | undefined>();
  return {
    name: 'database-replicator',
    intervalMs: options.intervalMs ?? 30_000,
    pass: async (signal): Promise<PassResult> => {
      const done: Done = { sentRows: 0, sentDatabases: 0, released: 0, failed: 0, unreachable: 0 };
      done.failed = await rounds.visit(options.listings(), signal, async (place) => {
        for (const kind of ['account', 'container'] as const) {
          const id = `${place.device}/${kind}`;
          let ofKind = arrivals.get(id);
          if (!ofKind) arrivals.set(id, (ofKind = new Arrivals()));
          reports.set(id, await new DatabasePass({ options, place, kind, rounds, clean, arrivals: ofKind, signal, done }).run());
        }
      });
      return { done, more: done.sentRows + done.sentDatabases + done.released > 0 && !signal.aborted };
    },
    report: () => ({ arrivals: Object.fromEntries(reports), resting: rounds.resting }),
  };
}

interface PassOptions {
  readonly options: DatabaseReplicatorOptions;
  readonly place: ListingPlace<ListingEngine & LocalListingReplica>;
  readonly kind: DatabaseKind;
  readonly rounds: DeviceRounds;
  readonly clean: Map<string, string>;
  readonly arrivals: Arrivals;
  readonly signal: AbortSignal;
  readonly done: Done;
}

class DatabasePass {
  readonly #o: PassOptions;
  readonly #ring: Ring;
  readonly #self: RingDevice | undefined;
  readonly #peers = new Map<number, Peer>();

  constructor(options: PassOptions) {
    const { kind, place, options: { rings, address } } = options;
    this.#o = options;
    this.#ring = kind === 'account' ? rings.account : rings.container;
    this.#self = ownDevice(this.#ring, address, place.device);
  }

  /** Answers what has arrived of partitions that move. */
  async run(): Promise<ArrivalReport | undefined> {
    const { place: { engine }, kind, clean, arrivals, signal, options: { clock } } = this.#o;
    const beganMs = clock.nowMs();
    // Taken first: what was deleted before it is in the digests that are compared.
    const at = timestampFromMs(clock.nowMs());
    const mine = await this.#digests(engine, Array.from({ length: this.#ring.partitionCount }, (_, i) => i));
    const work = [...mine.keys()].map((partition) => ({ partition, ...this.#placeOf(partition) })).filter(({ partition, rank }) => rank >= 0 || mine.get(partition) !== ZERO);
    const theirs = new Map<Peer, ReadonlyMap<number, string>>();
    await Promise.all([...this.#peers.values()].map((peer) => this.#guarded(peer, async () => {
      theirs.set(peer, await this.#digests(peer.engine, work.filter(({ peers }) => peers.includes(peer)).map(({ partition }) => partition)));
    })));
    const agreed: number[] = [];
    for (const { partition, peers, rank } of work) {
      if (signal.aborted) return undefined;
      const equal = peers.every((peer) => theirs.get(peer)?.get(partition) === mine.get(partition));
      const id = `${this.#o.place.device}/${kind}/${partition}`;
      const text = [mine.get(partition), ...peers.map((peer) => theirs.get(peer)?.get(partition))].join(' ');
      const isClean = (rank >= 0 && (equal || clean.get(id) === text)) || (await this.#reconcile(partition, peers, rank));
      if (rank >= 0 && this.#self !== undefined) {
        const alike = peers.filter((peer) => (isClean && !peer.failed) || theirs.get(peer)?.get(partition) === mine.get(partition)).map(({ device }) => device);
        arrivals.note(this.#ring, { partition, self: this.#self, alike, beganMs });
      }
      if (!isClean || rank < 0 || peers.some(({ failed }) => failed)) continue;
      if (!equal) clean.set(id, text);
      agreed.push(partition);
    }
    engine.agree({ kind, bits: this.#ring.partPower, prefixes: agreed }, at);
    return arrivals.report(this.#ring, this.#self);
  }

  #placeOf(partition: number): { peers: Peer[]; rank: number } {
    const primaries = this.#ring.primaries(this.#ring.asPartition(partition));
    const peers = primaries.filter(({ id }) => id !== this.#self?.id).map((device) => {
      let peer = this.#peers.get(device.id);
      if (!peer) this.#peers.set(device.id, (peer = { device, engine: this.#o.options.nodes.device(device).listings, failed: false }));
      return peer;
    });
    return { peers, rank: primaries.findIndex(({ id }) => id === this.#self?.id) };
  }

  async #digests(engine: Pick<ListingEngine, 'databaseDigests'>, prefixes: readonly number[]): Promise<Map<number, string>> {
    const digests = await engine.databaseDigests({ kind: this.#o.kind, bits: this.#ring.partPower, prefixes });
    return new Map(prefixes.map((prefix, i) => [prefix, digests.toString('hex', i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES)]));
  }

  /** True where every peer answered and nothing had to be sent, here or there, but deletions that may go anyway. */
  async #reconcile(partition: number, peers: readonly Peer[], rank: number): Promise<boolean> {
    const { place: { engine }, rounds, signal, done } = this.#o;
    const versions = await this.#versions(engine, partition);
    const theirs = new Map<Peer, ReadonlyMap<string, DatabaseVersion>>();
    await Promise.all(peers.map((peer) => this.#guarded(peer, async () => void theirs.set(peer, await this.#versions(peer.engine, partition)))));
    let nothingSent = theirs.size === peers.length;
    for (const [hex, version] of versions) {
      if (signal.aborted) return false;
      const { database } = version;
      let complete = theirs.size === peers.length;
      for (const [peer, others] of theirs) {
        const held = others.get(hex);
        if (held?.version === version.version) continue;
        const holders = [...theirs].filter(([other, held2]) => peers.indexOf(other) < rank && held2.has(hex)).length;
        // Of those that have a database which the peer has not, the first in the ring sends it.
        if (held === undefined && rank >= 0 && holders > 0) {
          nothingSent = false;
          continue;
        }
        const sent = await rounds.step({}, signal, () => this.#send(peer, database, held !== undefined));
        if (sent !== 0) complete = nothingSent = false;
      }
      if (rank < 0 && complete && !peers.some(({ failed }) => failed) && (await engine.release(database, version.version))) done.released++;
    }
    // What only others hold, or hold newer, is theirs to send: their pass will.
    return nothingSent && !peers.some(({ failed }) => failed);
  }

  async #versions(engine: Pick<ListingEngine, 'databaseVersions'>, partition: number): Promise<Map<string, DatabaseVersion>> {
    const found = new Map<string, DatabaseVersion>();
    for (let after: Buffer | undefined; ; ) {
      const page = await engine.databaseVersions({ kind: this.#o.kind, bits: this.#ring.partPower, prefixes: [partition], after, limit: PAGE_DATABASES });
      for (const version of page) found.set(version.database.key.toString('hex'), version);
      after = page.at(-1)?.database.key;
      if (page.length < PAGE_DATABASES) return found;
    }
  }

  /** Sends a peer what it lacks of a database; answers how much that was, -1 where the peer failed. */
  async #send(peer: Peer, database: DatabaseName, known: boolean): Promise<number> {
    const { place: { engine }, done } = this.#o;
    let sent = -1;
    await this.#guarded(peer, async () => {
      const state = await engine.databaseState(database);
      if (state === undefined || (!known && this.#isReclaimable(state))) return void (sent = 0);
      const theirs = known ? await peer.engine.databaseState(database) : undefined;
      let count = 0;
      if (theirs === undefined || brings(state, theirs)) {
        await peer.engine.adopt([{ database, state, rows: [] }]);
        done.sentDatabases++;
        count++;
      }
      for await (const rows of this.#lacking(peer, database, known)) {
        await peer.engine.adopt([{ database, state, rows }]);
        done.sentRows += rows.length;
        count += rows.length;
      }
      sent = count;
    });
    return sent;
  }

  /** Rows that a peer lacks, or has older, a bounded number at a time. */
  async *#lacking(peer: Peer, database: DatabaseName, known: boolean): AsyncGenerator<ListingRow[], void, undefined> {
    const { engine } = this.#o.place;
    if (known) {
      const wins = (row: ListingRow, held: ListingRow | undefined): boolean => (held === undefined ? !this.#isOld(row) : compareRows(row, held) > 0);
      yield* new RowComparison({ database, mine: engine, theirs: peer.engine, wins }).lacking();
      return;
    }
    for (let after = ''; ; ) {
      const rows = await engine.databaseRows(database, { after, limit: ROWS_AT_ONCE });
      const wanted = rows.filter((row) => !this.#isOld(row));
      if (wanted.length > 0) yield wanted;
      after = rows.at(-1)?.name ?? '';
      if (rows.length < ROWS_AT_ONCE) return;
    }
  }

  /** A deletion that nobody who has not heard of it needs to hear of any more. */
  #isOld({ deleted, timestamp }: ListingRow): boolean {
    return deleted && this.#isPastAge(timestamp);
  }

  #isReclaimable(state: ReplicatedState): boolean {
    return !isAlive(state) && this.#isPastAge(state.deleteTimestamp);
  }

  #isPastAge(timestamp: number): boolean {
    const { clock, reclaimAgeMs } = this.#o.options;
    return timestamp / TICKS_PER_MS < clock.nowMs() - reclaimAgeMs;
  }

  async #guarded(peer: Peer, ask: () => Promise<void>): Promise<void> {
    if (peer.failed) return;
    try {
      await ask();
    } catch (error) {
      if (!isStoreError(error)) throw error;
      peer.failed = true;
      this.#o.done.unreachable++;
      const { ip, port, device } = peer.device;
      this.#o.options.log.debug({ err: error, peer: `${ip}:${port}/${device}` }, 'a peer did not answer the replicator of databases');
    }
  }
}

/** Whether merging `state` into `held` would change it. Metadata of either side may be newer. */
function brings(state: ReplicatedState, held: ReplicatedState): boolean {
  if (state.createdAt < held.createdAt || state.putTimestamp > held.putTimestamp || state.deleteTimestamp > held.deleteTimestamp || state.statusTimestamp > held.statusTimestamp) return true;
  if (JSON.stringify(state.policies) !== JSON.stringify(held.policies) && state.putTimestamp === held.putTimestamp) return state.policies.some((run) => !held.policies.some((other) => other.policy === run.policy && other.from <= run.from && run.to <= other.to));
  return Object.entries(state.metadata).some(([name, [value, setAt]]) => {
    const other = held.metadata[name];
    return setAt > held.deleteTimestamp && (other === undefined ? value !== '' : setAt > other[1] || (setAt === other[1] && value !== other[0]));
  });
}

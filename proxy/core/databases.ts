/**
 * Account and container databases as a majority of their replicas sees them. Both dialects' accounts and containers go through
 * here; what is the same for an account and a container stands once.
 *
 * A read asks a majority. Every acknowledged change is on a majority, so one of those asked has it, and merging by timestamp
 * shows it. Pages are not merged row by row while replicas agree: the digest that each database keeps of its rows
 * tells, so that a page costs one replica's scan.
 */
import { isStoreError, StoreError, type Ordering, type Timestamp } from '#common';
import { isAlive, type DatabaseInfo, type DatabaseKind, type DatabaseName, type Dated, type ListingPage, type ListingQuery, type ListingRow, type MergeRequest, type TimedMetadata } from '#storage-node/protocol';
import type { Cluster } from './cluster.ts';
import { inTime } from './in-time.ts';
import { mergedPage } from './merged-page.ts';
import type { Placement, Replica } from './placement.ts';
import { askAll, quorumFault, valuesOf, willingFirst, type Answer } from './quorum.ts';

/** How often a listing looks for a moment in which the replicas agree, before it merges their pages. */
const AGREEMENT_ATTEMPTS = 3;

export class Database {
  readonly placement: Placement;
  readonly name: DatabaseName;

  readonly #cluster: Pick<Cluster, 'timestamps' | 'log'>;
  readonly #order: Ordering;

  constructor(kind: DatabaseKind, path: string, placement: Placement, cluster: Pick<Cluster, 'timestamps' | 'log'>) {
    this.placement = placement;
    this.name = { kind, key: placement.key, path };
    this.#cluster = cluster;
    this.#order = cluster.timestamps.ordering();
  }

  /** What a majority knows, merged; undefined where none of it ever heard of it. A deleted database has its info still. */
  async info(): Promise<DatabaseInfo | undefined> {
    const answers = await this.#askMajority((replica) => replica.client.listings.info(this.name));
    const info = mergeInfos(valuesOf(answers).filter((answer) => answer !== undefined));
    if (info !== undefined) for (const seen of [info.putTimestamp, info.deleteTimestamp, info.statusTimestamp]) this.#order.observe(seen);
    return info;
  }

  /** Puts it on a majority at a timestamp newer than what `info` has shown: creates, revives or updates. `created` where it was not alive on the majority before. */
  async put({ metadata, policy }: { metadata: Readonly<Record<string, string>>; policy: number }): Promise<{ created: boolean; info: DatabaseInfo; timestamp: Timestamp }> {
    const { timestamp, values } = await this.#change((replica, change) => replica.client.listings.put({ ...change, metadata: timed(metadata, change.timestamp), policy }));
    return { created: values.every((value) => value.created), info: mergeInfos(values.map((value) => value.info))!, timestamp };
  }

  /** Merges metadata (an empty value removes a name); false where it is not alive. */
  async post(metadata: Readonly<Record<string, string>>): Promise<boolean> {
    const { values } = await this.#change((replica, change) => replica.client.listings.post({ ...change, metadata: timed(metadata, change.timestamp) }));
    return values.filter((info) => info !== undefined).length >= this.placement.need;
  }

  /** Deletes it if it is alive and empty on a majority. */
  async delete(): Promise<{ outcome: 'deleted' | 'not-found' | 'not-empty'; timestamp: Timestamp }> {
    const { timestamp, values } = await this.#change((replica, change) => replica.client.listings.delete(change));
    const deleted = values.filter((value) => value === 'deleted').length;
    if (values.includes('not-empty') && deleted < this.placement.need) return { outcome: 'not-empty', timestamp };
    return { outcome: deleted > 0 ? 'deleted' : 'not-found', timestamp };
  }

  /**
   * Merges rows on a majority; answers the replicas that list them and the policy that they have, undefined where the database is not alive on a majority (then nothing
   * of it will be listed). With `deferSync` somebody has to see to it that they are synced (settling.ts).
   */
  async merge(rows: readonly ListingRow[], options: Pick<MergeRequest, 'createWith' | 'deferSync'>): Promise<{ listedBy: readonly Replica[]; policy: number } | undefined> {
    const { need, replicas } = this.placement;
    const request = { database: this.name, rows, ...options };
    const answers = await askAll(replicas, (replica) => replica.client.listings.merge(request), (sofar) => listing(sofar).length >= need);
    if (valuesOf(answers).length < need) throw quorumFault(`rows of ${this.name.path}`, answers, need);
    const listedBy = listing(answers);
    if (listedBy.length < need) return undefined;
    return { listedBy, policy: mergeInfos(valuesOf(answers).filter((info) => info !== undefined))!.policy };
  }

  /** A page as the majority has it; undefined where it is not alive. */
  async list(query: ListingQuery): Promise<ListingPage | undefined> {
    const { replicas, need } = this.placement;
    for (let attempt = 0; attempt < AGREEMENT_ATTEMPTS; attempt++) {
      const agreed = await this.#agreedPage(willingFirst(replicas).slice(0, need), query);
      if (agreed !== 'disagree') return agreed;
    }
    const info = await this.info();
    if (info === undefined || !isAlive(info)) return undefined;
    return mergedPage(info, query, async (part) => {
      const answers = await this.#askMajority((replica) => replica.client.listings.list(this.name, part));
      return valuesOf(answers).filter((page) => page !== undefined);
    });
  }

  /** The first replica's page, where the others hold exactly the same rows at this moment. */
  async #agreedPage(replicas: readonly Replica[], query: ListingQuery): Promise<ListingPage | undefined | 'disagree'> {
    const [first, ...others] = replicas as [Replica, ...Replica[]];
    if (!replicas.every((replica) => replica.health.usable())) return 'disagree';
    try {
      const [page, ...infos] = await Promise.all([first.client.listings.list(this.name, query), ...others.map((other) => other.client.listings.info(this.name))]);
      if (page === undefined) return infos.some((info) => info !== undefined && isAlive(info)) ? 'disagree' : undefined;
      const same = infos.every((info) => info !== undefined && isAlive(info) && info.digest === page.info.digest);
      if (!same) return 'disagree';
      return { ...page, info: mergeInfos([page.info, ...infos.filter((info) => info !== undefined)])! };
    } catch (error) {
      if (isStoreError(error)) return 'disagree';
      throw error;
    }
  }

  /** Asks as many replicas as a majority needs, more where some fail; throws `unavailable` where too few answer. */
  async #askMajority<T>(ask: (replica: Replica) => Promise<T>): Promise<Answer<T>[]> {
    const { need } = this.placement;
    const replicas = willingFirst(this.placement.replicas);
    let answers = await askAll(replicas.slice(0, need), ask, () => false);
    if (valuesOf(answers).length < need) {
      answers = [...answers, ...(await askAll(replicas.slice(need), ask, () => false))];
      if (valuesOf(answers).length < need) throw quorumFault(this.name.path, answers, need);
    }
    return answers;
  }

  #change<T>(write: (replica: Replica, change: Change) => Promise<T>): Promise<{ timestamp: Timestamp; values: T[] }> {
    const { replicas, need } = this.placement;
    return inTime(this.#cluster, async () => {
      const timestamp = this.#order.now();
      const change = { database: this.name, timestamp, dated: this.#cluster.timestamps.isFar(timestamp) || undefined };
      const answers = await askAll(replicas, (replica) => write(replica, change), (sofar) => valuesOf(sofar).length >= need);
      const values = valuesOf(answers);
      if (values.length < need) throw quorumFault(this.name.path, answers, need);
      return { timestamp, values };
    });
  }
}

type Change = Dated & { readonly database: DatabaseName; readonly timestamp: Timestamp };

/** Gives each name the same timestamp. */
function timed(metadata: Readonly<Record<string, string>>, timestamp: Timestamp): TimedMetadata {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, [value, timestamp] as const]));
}

/** The replicas that took rows into a living database. */
function listing(answers: readonly Answer<DatabaseInfo | undefined>[]): Replica[] {
  const replicas: Replica[] = [];
  for (const answer of answers) if (answer.ok && answer.value !== undefined && isAlive(answer.value)) replicas.push(answer.replica);
  return replicas;
}

/** One info out of several replicas': the newest of everything, and the totals that most of them hold. */
export function mergeInfos(infos: readonly DatabaseInfo[]): DatabaseInfo | undefined {
  const [first, ...rest] = infos;
  if (first === undefined || rest.every((info) => info.digest === first.digest && info.statusTimestamp === first.statusTimestamp)) return first;
  const newest = infos.reduce((a, b) => (b.putTimestamp > a.putTimestamp ? b : a));
  const votes = (info: DatabaseInfo): number => infos.filter((other) => other.digest === info.digest).length;
  const counted = infos.reduce((a, b) => (votes(b) > votes(a) || (votes(b) === votes(a) && b.totals.rows > a.totals.rows) ? b : a));
  const deleteTimestamp = newestBy(infos, (info) => info.deleteTimestamp);
  const metadata: Record<string, readonly [string, DatabaseInfo['putTimestamp']]> = {};
  for (const info of infos) {
    for (const [name, entry] of Object.entries(info.metadata)) {
      if (entry[1] > deleteTimestamp && (metadata[name] === undefined || metadata[name][1] < entry[1])) metadata[name] = entry;
    }
  }
  return {
    path: first.path,
    createdAt: infos.reduce((a, b) => (b.createdAt < a.createdAt ? b : a)).createdAt,
    putTimestamp: newest.putTimestamp,
    deleteTimestamp,
    statusTimestamp: newestBy(infos, (info) => info.statusTimestamp),
    metadata,
    policy: newest.policy,
    totals: counted.totals,
    totalsByPolicy: counted.totalsByPolicy,
    digest: counted.digest,
  };
}

function newestBy(infos: readonly DatabaseInfo[], pick: (info: DatabaseInfo) => DatabaseInfo['putTimestamp']): DatabaseInfo['putTimestamp'] {
  return infos.map(pick).reduce((a, b) => (b > a ? b : a));
}

/** The value of a metadata name, undefined where it is not set or was removed. */
export function metadataValue(metadata: TimedMetadata, name: string): string | undefined {
  const value = metadata[name]?.[0];
  return value === '' ? undefined : value;
}

/** The metadata as it stands: removed names left out. */
export function liveMetadata(metadata: TimedMetadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).flatMap(([name, [value]]) => (value === '' ? [] : [[name, value]])));
}

/** Refuses with `account-not-found` or `container-not-found` what is not alive. */
export function assertAlive(info: DatabaseInfo | undefined, kind: DatabaseKind): asserts info is DatabaseInfo {
  if (info === undefined || !isAlive(info)) throw new StoreError(`${kind}-not-found`, `there is no such ${kind}`);
}

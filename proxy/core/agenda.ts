/**
 * What the store has set itself to do at a moment to come: names to act on, in the order of their time, so that whoever acts finds what is due
 * without looking at anything else. It is kept as rows of containers of an account of the store's own, with all that promises: a row is on a
 * majority before the write that it is for is acknowledged, and replicators look after it.
 *
 * A row is a hint. Whoever acts on it first asks the object, or the account, whether it still has that to be done to it.
 */
import { LRUCache } from 'lru-cache';
import { hash } from 'node:crypto';
import { isStoreError, NEVER, type HybridClock, type Timestamp } from '#common';
import type { ListingRow } from '#storage-node/protocol';
import type { Accounts } from './accounts.ts';
import type { ContainerName, Containers } from './containers.ts';
import { reservedName } from './reserved.ts';

/** One thing to be done. */
export interface AgendaItem {
  /** Seconds since the epoch. */
  readonly at: number;
  /** To whom: `account/container/object`, or an account. */
  readonly name: string;
  /** What there is to say of it. */
  readonly text?: string | undefined;
}

const ACCOUNT = reservedName('agenda');
/** A container has what falls due in one day, and each day has several, so that what expires together is not written to one database alone. */
const DAY_SECONDS = 86_400;
const SHARDS = 16;
const PAGE = 1000;
/** Containers known to be there. */
const KNOWN_CONTAINERS = 4096;
/** How long past its day an empty container is left alone: what was put on the agenda with a slow clock may still come. */
const KEPT_SECONDS = DAY_SECONDS;
/** What was done leaves tombstones, which a listing reads past. So a pass goes on where the last one ended, and looks from the start now and then for what came late. */
const FRONTIER_SECONDS = 900;

export class Agenda {
  readonly #kind: string;
  readonly #accounts: Accounts;
  readonly #containers: Containers;
  readonly #timestamps: HybridClock;
  /** By container: up to where all is done. */
  readonly #frontiers = new LRUCache<string, { marker: string; sinceSeconds: number }>({ max: KNOWN_CONTAINERS });
  readonly #known = new LRUCache<string, true>({ max: KNOWN_CONTAINERS });

  /** Each kind of work has an agenda of its own. */
  constructor(kind: string, parts: { accounts: Accounts; containers: Containers; timestamps: HybridClock }) {
    this.#kind = kind;
    this.#accounts = parts.accounts;
    this.#containers = parts.containers;
    this.#timestamps = parts.timestamps;
  }

  /** Puts them on the agenda, durably. To do it again is harmless. */
  async add(...items: readonly AgendaItem[]): Promise<void> {
    const timestamp = this.#timestamps.now();
    for (const [container, group] of Map.groupBy(items, (item) => this.#placeOf(item).container)) {
      const place = { account: ACCOUNT, container };
      const rows = group.map((item): ListingRow => ({ name: rowName(item), timestamp, deleted: false, metaTimestamp: timestamp, bytes: 0, count: 1, policy: 0, etag: '', contentType: item.text ?? '' }));
      if (this.#known.has(container) && (await this.#containers.noteRows(place, rows))) continue;
      await this.#containers.put(place, { metadata: {}, policy: undefined });
      this.#known.set(container, true);
      await this.#containers.noteRows(place, rows);
    }
  }

  /**
   * Hands what is due by then to `act`, a page of one container at a time, each container's in the order of their time; what it answers is done,
   * and taken off the agenda.
   */
  async work(bySeconds: number, act: (items: readonly AgendaItem[]) => Promise<readonly AgendaItem[]>, signal: AbortSignal): Promise<void> {
    for await (const place of this.#places(bySeconds)) {
      if (signal.aborted) return;
      await this.#workOn(place, bySeconds, act, signal);
      if (dayOf(place) + DAY_SECONDS + KEPT_SECONDS < bySeconds) await this.#drop(place);
    }
  }

  /** Takes off what whoever put it there has done already. */
  async done(item: AgendaItem): Promise<void> {
    await this.#remove(this.#placeOf(item), [item], this.#timestamps.now());
  }

  async #workOn(place: ContainerName, bySeconds: number, act: (items: readonly AgendaItem[]) => Promise<readonly AgendaItem[]>, signal: AbortSignal): Promise<void> {
    const from = this.#frontiers.get(place.container);
    const sinceSeconds = from !== undefined && bySeconds - from.sinceSeconds < FRONTIER_SECONDS ? from.sinceSeconds : bySeconds;
    let marker = sinceSeconds === bySeconds ? '' : (from?.marker ?? '');
    for (let allDone = true, more = true; more && !signal.aborted; ) {
      const page = await this.#containers.list(place, { limit: PAGE, marker, endMarker: rowName({ at: bySeconds + 1, name: '' }), prefix: '', delimiter: '', reverse: false }).catch(ifMissing);
      const rows = (page?.entries ?? []).flatMap((entry) => ('subdir' in entry ? [] : [entry]));
      const items = rows.map(itemOf);
      if (items.length === 0) return;
      const done = await act(items);
      // A faster clock may have put them there.
      const listedAt = rows.reduce<Timestamp>((newest, { timestamp }) => (timestamp > newest ? timestamp : newest), NEVER);
      await this.#remove(place, done, this.#timestamps.after(listedAt));
      allDone &&= done.length === items.length;
      marker = rowName(items.at(-1)!);
      // What stands at second 0 is never over: it has no frontier.
      if (allDone && bySeconds > 0) this.#frontiers.set(place.container, { marker, sinceSeconds });
      more = page?.truncated === true;
    }
  }

  async #remove(place: ContainerName, items: readonly AgendaItem[], timestamp: Timestamp): Promise<void> {
    const rows = items.map((item) => ({ name: rowName(item), timestamp, deleted: true, metaTimestamp: timestamp, bytes: 0, count: 1, policy: 0, etag: '', contentType: '' }));
    if (rows.length > 0) await this.#containers.noteRows(place, rows);
  }

  async *#places(bySeconds: number): AsyncGenerator<ContainerName, void, undefined> {
    let marker = '';
    for (let more = true; more; ) {
      const page = await this.#accounts.list(ACCOUNT, { limit: PAGE, marker, endMarker: `${this.#kind}-${digits(bySeconds)}~`, prefix: `${this.#kind}-`, delimiter: '', reverse: false });
      for (const entry of page?.entries ?? []) {
        marker = 'subdir' in entry ? entry.subdir : entry.name;
        yield { account: ACCOUNT, container: marker };
      }
      more = page?.truncated === true;
    }
  }

  async #drop(place: ContainerName): Promise<void> {
    this.#known.delete(place.container);
    try {
      await this.#containers.delete(place);
    } catch (error) {
      if (!isStoreError(error, 'container-not-empty', 'container-not-found')) throw error;
    }
  }

  #placeOf({ at, name }: AgendaItem): ContainerName {
    const shard = hash('md5', name, 'buffer')[0]! % SHARDS;
    return { account: ACCOUNT, container: `${this.#kind}-${digits(at - (at % DAY_SECONDS))}-${String(shard).padStart(2, '0')}` };
  }
}

/** Begin with the time, in as many digits as all times have: rows are in its order. */
function rowName({ at, name }: AgendaItem): string {
  return `${digits(at)}-${name}`;
}

function itemOf({ name, contentType }: ListingRow): AgendaItem {
  const dash = name.indexOf('-');
  return { at: Number(name.slice(0, dash)), name: name.slice(dash + 1), ...(contentType === '' ? {} : { text: contentType }) };
}

function dayOf({ container }: ContainerName): number {
  return Number(container.split('-')[1]);
}

function digits(seconds: number): string {
  return String(seconds).padStart(10, '0');
}

function ifMissing(error: unknown): undefined {
  if (!isStoreError(error, 'container-not-found')) throw error;
  return undefined;
}

/**
 * Sends what changes in containers with `X-Container-Sync-To` to where they say. Which these are is on an agenda, so that no account is searched.
 *
 * How far a container came is a time, kept on a majority: every row that was changed before it has been sent. A pass looks at all rows of a
 * container whose digest has changed and sends those that are newer than that, and those from shortly before it, since a row may come to be
 * listed some time after its write. What was sent already is remembered, or seen by a HEAD. A pass that is cut goes on at the row where it was.
 */
import { concurrently, isStoreError, timestampFromMs, type Clock, type Daemon, type Log, type Timestamp } from '#common';
import { LRUCache } from 'lru-cache';
import type { AgendaItem, ContainerName, Store } from '#proxy/core';
import { changedAt, type ListingRow } from '#storage-node/protocol';
import { SYNC_KEY, SYNC_TO } from '../privileged.ts';
import { Refusal } from '../refusal.ts';
import type { SyncRealms } from './realms.ts';
import { sendRow, type Destination } from './sender.ts';

export interface ContainerSyncOptions {
  readonly store: Store;
  readonly realms: SyncRealms;
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs: number;
  /** Objects at once. */
  readonly concurrency: number;
}

/** How far a container came, as it is kept. */
interface Progress {
  readonly to: string;
  /** Everything that was changed before it has been sent. */
  readonly sentUntil: number;
  /** The pass under way: when it began, and the name up to which it came. */
  readonly since?: number | undefined;
  readonly marker?: string | undefined;
  /** When all was last looked at, whatever its time, in ms. */
  readonly allAtMs: number;
}

const PAGE = 1000;
/** A row may be listed so long after its write: updaters send what a container did not hear of. What comes later is found by the next look at all. */
const LATE_MS = 3_600_000;
const ALL_AGAIN_MS = 86_400_000;
const REMEMBERED_ROWS = 100_000;

export function containerSync(options: ContainerSyncOptions): Daemon {
  const { store } = options;
  const sync = new ContainerSync(options);
  return {
    name: 'container-sync',
    intervalMs: options.intervalMs,
    pass: async (signal) => {
      const done = { containers: 0, put: 0, deleted: 0, known: 0, skipped: 0, failed: 0 };
      const gone: AgendaItem[] = [];
      await store.syncing.work(0, async (items) => {
        const over: AgendaItem[] = [];
        for (const item of items) {
          if (signal.aborted) break;
          if (!(await sync.pass(item, done, signal))) over.push(item);
        }
        gone.push(...over);
        return over;
      }, signal);
      return { done, more: false };
    },
    report: () => ({ behind: sync.behind }),
  };
}

type Done = Record<'containers' | 'put' | 'deleted' | 'known' | 'skipped' | 'failed', number>;

class ContainerSync {
  readonly #options: ContainerSyncOptions;
  /** Digests of containers all of whose rows were sent. */
  readonly #sentDigests = new LRUCache<string, string>({ max: 10_000 });
  readonly #sentRows = new LRUCache<string, number>({ max: REMEMBERED_ROWS });
  /** Containers whose last pass did not send all. */
  readonly #behind = new Map<string, string>();

  constructor(options: ContainerSyncOptions) {
    this.#options = options;
  }

  get behind(): Record<string, string> {
    return Object.fromEntries(this.#behind);
  }

  /** False where there is nothing to sync any more. */
  async pass({ name }: AgendaItem, done: Done, signal: AbortSignal): Promise<boolean> {
    const { store, realms, log } = this.#options;
    const [account = '', container = ''] = name.split('/');
    const place = { account, container };
    try {
      const info = await store.containers.info(place);
      const to = info.metadata[SYNC_TO]?.[0] ?? '';
      const userKey = info.metadata[SYNC_KEY]?.[0] ?? '';
      if (to === '') {
        await store.jottings.write(`sync ${name}`, undefined);
        this.#behind.delete(name);
        return false;
      }
      const digest = `${to} ${info.digest}`;
      if (userKey === '' || this.#sentDigests.get(name) === digest) return true;
      done.containers++;
      if (await this.#sendAll(place, { to, destination: { target: realms.target(to), userKey } }, done, signal)) this.#sentDigests.set(name, digest);
    } catch (error) {
      if (isStoreError(error, 'container-not-found')) return false;
      if (!isStoreError(error) && !(error instanceof Refusal)) throw error;
      done.failed++;
      this.#behind.set(name, error instanceof Refusal ? String(error.body) : error.message);
      log.warn({ err: error, container: name }, 'a container could not be synced; the next pass tries again');
    }
    return true;
  }

  /** One look at all rows; whether all that had to be sent was. */
  async #sendAll(place: ContainerName, { to, destination }: { to: string; destination: Destination }, done: Done, signal: AbortSignal): Promise<boolean> {
    const { store, clock } = this.#options;
    const name = `${place.account}/${place.container}`;
    const nowMs = clock.nowMs();
    let progress = await this.#progress(name, to);
    if (progress.since === undefined) progress = { ...progress, since: timestampFromMs(nowMs), marker: '' };
    const all = progress.sentUntil === 0 || nowMs - progress.allAtMs > ALL_AGAIN_MS;
    const from = all ? 0 : progress.sentUntil - timestampFromMs(LATE_MS);
    let failed: string | undefined;
    for (let marker = progress.marker ?? '', more = true; more; ) {
      if (signal.aborted) return false;
      const page = await store.containers.list(place, { limit: PAGE, marker, endMarker: '', prefix: '', delimiter: '', reverse: false, includeDeleted: true });
      const rows = page.entries.filter((entry): entry is ListingRow => !('subdir' in entry));
      failed = (await this.#sendRows(place, rows.filter((row) => changedAt(row) >= from), destination, done, signal)) ?? failed;
      marker = rows.at(-1)?.name ?? '';
      more = page.truncated && marker !== '';
      if (failed === undefined && more && !signal.aborted) await this.#keep(name, { ...progress, marker });
    }
    if (signal.aborted) return false;
    if (failed === undefined) this.#behind.delete(name);
    else this.#behind.set(name, failed);
    // What failed is sent by the next pass, from the start: what was sent in this one it knows.
    const sentUntil = failed === undefined ? progress.since! : progress.sentUntil;
    await this.#keep(name, { to, sentUntil, allAtMs: all && failed === undefined ? nowMs : progress.allAtMs });
    return failed === undefined;
  }

  /** The first failure, if any row could not be sent. */
  async #sendRows(place: ContainerName, rows: readonly ListingRow[], destination: Destination, done: Done, signal: AbortSignal): Promise<string | undefined> {
    const { store, log, concurrency } = this.#options;
    let failed: string | undefined;
    const send = async (row: ListingRow): Promise<void> => {
      const key = `${destination.target.url}/${row.name}`;
      const at: Timestamp = changedAt(row);
      if (this.#sentRows.get(key) === at) return;
      try {
        done[await sendRow(store, place, row, destination)]++;
        this.#sentRows.set(key, at);
      } catch (error) {
        if (!isStoreError(error)) throw error;
        done.failed++;
        failed ??= error.message;
        log.warn({ err: error, object: row.name }, 'an object could not be synced; the next pass tries again');
      }
    };
    await concurrently(rows, concurrency, send, signal);
    return failed;
  }

  async #progress(name: string, to: string): Promise<Progress> {
    const text = await this.#options.store.jottings.read(`sync ${name}`);
    const kept = text === undefined ? undefined : (JSON.parse(text) as Progress);
    return kept?.to === to ? kept : { to, sentUntil: 0, allAtMs: 0 };
  }

  #keep(name: string, progress: Progress): Promise<void> {
    return this.#options.store.jottings.write(`sync ${name}`, JSON.stringify(progress));
  }
}

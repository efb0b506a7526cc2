/**
 * Limits on how often accounts and containers are written and listed (Swift's "ratelimit" middleware): requests wait for their turn,
 * and where that would take too long they are refused with 498. Costs nothing where no limit is set.
 */
import { LRUCache } from 'lru-cache';
import { isStoreError } from '#common';
import { WRITE_RATE } from '../account/operator.ts';
import { HTML, Refusal } from '../refusal.ts';
import { WRITES, type SwiftRequest } from '../request.ts';
import type { SwiftSettings } from '../settings.ts';
import { rateAt, ratesOf, type Rates } from './rates.ts';
import { Turnstile } from './turnstile.ts';

/** How long a blocked account waits for its refusal. */
const BLOCKED_MS = 1000;
const SIZE_KEPT_MS = 10_000;

type Settings = SwiftSettings['rateLimit'];

export class RateLimit {
  readonly #settings: Settings;
  readonly #writes: Rates;
  readonly #listings: Rates;
  readonly #turnstile: Turnstile;
  readonly #sizes = new LRUCache<string, { objects: number; untilMs: number }>({ max: 10_000 });

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#writes = ratesOf(settings.containerWritesPerSecond);
    this.#listings = ratesOf(settings.containerListingsPerSecond);
    this.#turnstile = new Turnstile({ bufferMs: settings.bufferSeconds * 1000, maxWaitMs: settings.maxSleepSeconds * 1000 });
  }

  /** Waits for the request's turn, if it has one to wait for; throws where it is not to be. */
  pass(request: SwiftRequest): Promise<void> | undefined {
    const { account, container, object, exchange, accounts } = request;
    const { allowedAccounts, blockedAccounts } = this.#settings;
    if (!WRITES.has(exchange.method)) {
      const listing = exchange.method === 'GET' && container !== undefined && object === undefined && this.#listings.length > 0;
      return listing && !allowedAccounts.includes(account) ? this.#wait(request, undefined) : undefined;
    }
    const known = accounts.peek(account);
    if (known === undefined) return accounts.metadata(account).then((metadata) => this.#write(request, metadata[WRITE_RATE]));
    if (known[WRITE_RATE] === undefined && !this.#limitsWrites && blockedAccounts.length === 0) return undefined;
    return this.#write(request, known[WRITE_RATE]);
  }

  get #limitsWrites(): boolean {
    return this.#settings.accountPerSecond > 0 || this.#writes.length > 0;
  }

  async #write(request: SwiftRequest, own: string | undefined): Promise<void> {
    const { account, store } = request;
    const { allowedAccounts, blockedAccounts } = this.#settings;
    if (own === 'WHITELIST' || allowedAccounts.includes(account)) return;
    if (own === 'BLACKLIST' || blockedAccounts.includes(account)) {
      await store.cluster.clock.sleep(BLOCKED_MS);
      throw new Refusal(497, 'Your account has been blacklisted', { 'Content-Type': HTML });
    }
    await this.#wait(request, own);
  }

  async #wait(request: SwiftRequest, own: string | undefined): Promise<void> {
    const { clock, log } = request.store.cluster;
    for (const [key, rate] of await this.#turns(request, own)) {
      const waitMs = this.#turnstile.take(key, rate, clock.nowMs());
      if (waitMs === undefined) {
        log.info({ key, rate, txn: request.exchange.transactionId }, 'too many requests');
        throw new Refusal(498, 'Slow down', { 'Content-Type': HTML });
      }
      if (waitMs > 0) await clock.sleep(waitMs);
    }
  }

  /** The limits that the request is under, each with the name of what it shares it with. */
  async #turns(request: SwiftRequest, own: string | undefined): Promise<[key: string, perSecond: number][]> {
    const { account, container, object, exchange } = request;
    const turns: [string, number][] = [];
    const { accountPerSecond } = this.#settings;
    if (container !== undefined && object === undefined && accountPerSecond > 0 && (exchange.method === 'PUT' || exchange.method === 'DELETE')) turns.push([`account/${account}`, accountPerSecond]);
    const rates = object !== undefined ? this.#writes : exchange.method === 'GET' ? this.#listings : [];
    if (container !== undefined && rates.length > 0) {
      const rate = rateAt(rates, await this.#size(request, container));
      if (rate !== undefined) turns.push([`${object === undefined ? 'listing' : 'container'}/${account}/${container}`, rate]);
    }
    const writes = Number(own);
    if (own !== undefined && writes > 0) turns.push([`writes/${account}`, writes]);
    return turns;
  }

  async #size({ store, account }: SwiftRequest, container: string): Promise<number> {
    const key = `${account}/${container}`;
    const nowMs = store.cluster.clock.nowMs();
    const held = this.#sizes.get(key);
    if (held !== undefined && held.untilMs > nowMs) return held.objects;
    const objects = await store.containers.info({ account, container }).then(
      ({ totals }) => totals.rows,
      (error: unknown) => {
        if (!isStoreError(error, 'container-not-found')) throw error;
        return 0;
      },
    );
    this.#sizes.set(key, { objects, untilMs: nowMs + SIZE_KEPT_MS });
    return objects;
  }
}

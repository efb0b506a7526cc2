/**
 * The Swift dialect: a codec between Swift's API (OpenStack "Object Storage API" reference) and core. Its outer shell is here:
 * it parses the target, learns who calls, lets the routes answer, and owns how an error looks.
 */
import type { Log } from '#common';
import type { Principal, Store } from '#proxy/core';
import { reply, type Exchange, type Response, type Step } from '#proxy/edge';
import { AccountFacts } from './account/facts.ts';
import { unauthorized } from './authorize.ts';
import { openSync } from './container-sync/incoming.ts';
import { SyncRealms } from './container-sync/realms.ts';
import { answerCrossdomain } from './cors/crossdomain.ts';
import { answerForm } from './formpost/index.ts';
import { answerInfo } from './info-request.ts';
import { describeInfo, type Info } from './info.ts';
import { answerEndpoints } from './list-endpoints/index.ts';
import { nameCheck, type NameCheck } from './name-check.ts';
import { perform, shaped } from './perform.ts';
import { RateLimit } from './rate-limit/index.ts';
import { Refusal } from './refusal.ts';
import { decodePath, decodeQuery, parseTarget, type SwiftRequest } from './request.ts';
import type { SwiftSettings } from './settings.ts';
import { answerOpenedWeb, answerWeb, isOpenedWeb, isWebRequest } from './staticweb/index.ts';
import { openTempUrl, shownByTempUrl } from './tempurl/index.ts';

export { cnameLookup, systemCnameResolver, type CnameResolver } from './domains/cname.ts';
export { containerSync } from './container-sync/daemon.ts';
export { SyncRealms } from './container-sync/realms.ts';
export { domainRemap } from './domains/remap.ts';

/** What the dialect needs of whoever knows the users. */
export interface SwiftAuth {
  /** Who sent the request: undefined for nobody in particular, 'invalid' for a token that is not good. */
  identify(exchange: Exchange): Promise<Principal | undefined | 'invalid'>;
  /** Whether the account is one that this identity service answers for. */
  knowsAccount(account: string): boolean;
}

export interface SwiftOptions {
  readonly store: Store;
  readonly auth: SwiftAuth;
  readonly settings: SwiftSettings;
  readonly version: string;
  /** Sections of /info for what else this proxy speaks. */
  readonly otherSections: Info;
  readonly log: Log;
}

/** What one dialect has for all its requests. */
interface Dialect extends SwiftOptions {
  readonly info: Info;
  readonly accounts: AccountFacts;
  readonly rateLimit: RateLimit;
  readonly realms: SyncRealms;
  readonly checkName: NameCheck | undefined;
}

/** Answers everything that no one before it took: a Swift proxy is the last in its pipeline. */
export function swiftDialect(options: SwiftOptions): Step {
  const { store, settings, version, otherSections, log } = options;
  const info = { ...describeInfo({ version, policies: store.cluster.policies, tempauth: true, settings }), ...otherSections };
  const realms = new SyncRealms(settings.containerSync);
  const dialect: Dialect = { ...options, info, accounts: new AccountFacts(store), rateLimit: new RateLimit(settings.rateLimit), realms, checkName: settings.nameCheck.enabled ? nameCheck(settings.nameCheck) : undefined };
  return async (ctx) => {
    const exchange = ctx.state.exchange as Exchange;
    const response = await shaped({ exchange, store }, () => answer(exchange, dialect));
    await reply(ctx, response).catch((error: unknown) => {
      log.warn({ err: error, txn: exchange.transactionId }, 'an answer broke off');
    });
  };
}

async function answer(exchange: Exchange, dialect: Dialect): Promise<Response> {
  const { store, settings, info } = dialect;
  if (exchange.expectsUnknown) throw new Refusal(417);
  if (exchange.path === '/info') return answerInfo(exchange, info, settings.info, store.cluster.clock.nowMs());
  const policy = settings.crossdomain.enabled ? answerCrossdomain(exchange, settings.crossdomain.policy) : undefined;
  if (policy !== undefined) return policy;
  const endpoints = settings.listEndpoints.enabled ? await answerEndpoints(exchange, store, settings.listEndpoints.path) : undefined;
  if (endpoints !== undefined) return endpoints;
  dialect.checkName?.(decodePath(exchange.path));
  const request = requestOf(exchange, dialect);
  const turn = dialect.rateLimit.pass(request);
  if (turn !== undefined) await turn;
  const synced = dialect.realms.any ? await openSync(request, dialect.realms) : undefined;
  if (synced !== undefined) return perform(synced);
  const opened = settings.tempurl.enabled && exchange.rawQuery.includes('temp_url_') ? await openTempUrl(request) : undefined;
  if (opened !== undefined) return shownByTempUrl(opened, await shaped(request, () => (settings.staticweb.enabled && isOpenedWeb(opened) ? answerOpenedWeb(opened) : perform(opened.request))));
  const form = settings.formpost.enabled && exchange.method === 'POST' ? await answerForm(request) : undefined;
  if (form !== undefined) return form;
  const known = await identified(request, dialect.auth);
  return settings.staticweb.enabled && isWebRequest(known) ? answerWeb(known) : perform(known);
}

/** The request as its line and headers say it; nobody has said yet who sent it. */
function requestOf(exchange: Exchange, { store, settings, info, accounts }: Dialect): SwiftRequest {
  const target = parseTarget(exchange.path);
  const query = decodeQuery(exchange.rawQuery);
  const notes = { account: target.account, container: target.container };
  return { ...target, exchange, store, query, principal: undefined, grant: undefined, referer: exchange.header('referer'), info, accounts, settings, notes };
}

async function identified(request: SwiftRequest, auth: SwiftAuth): Promise<SwiftRequest> {
  const { account, exchange } = request;
  const principal = await auth.identify(exchange);
  if (principal === 'invalid') throw unauthorized(account);
  if (!auth.knowsAccount(account)) throw principal === undefined ? unauthorized(account) : new Refusal(403);
  return { ...request, principal };
}

/**
 * The Swift dialect: a codec between Swift's API (OpenStack "Object Storage API" reference) and core. Its outer shell is here:
 * it parses the target, learns who calls, lets the routes answer, and owns how an error looks.
 */
import { isStoreError, type Log } from '#common';
import type { Principal, Store } from '#proxy/core';
import { send, type Exchange, type Response, type Step } from '#proxy/edge';
import { unauthorized } from './authorize.ts';
import { refusalOf } from './errors.ts';
import { describeInfo, getInfo, type Info } from './info.ts';
import { page, HTML, Refusal } from './refusal.ts';
import { decodeQuery, parseTarget } from './request.ts';
import { route } from './routes.ts';

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
  readonly version: string;
  readonly log: Log;
}

/** Answers everything that no one before it took: a Swift proxy is the last in its pipeline. */
export function swiftDialect(options: SwiftOptions): Step {
  const info = describeInfo({ version: options.version, policies: options.store.cluster.policies, tempauth: true });
  return async (ctx) => {
    const exchange = ctx.state.exchange as Exchange;
    ctx.respond = false;
    const response = await respond(exchange, options, info);
    await send(exchange, response, ctx.res).catch((error: unknown) => {
      options.log.warn({ err: error, txn: exchange.transactionId }, 'an answer broke off');
    });
  };
}

async function respond(exchange: Exchange, options: SwiftOptions, info: Info): Promise<Response> {
  try {
    return await answer(exchange, options, info);
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, headers: error.headers, body: error.body };
    if (isStoreError(error)) {
      const refusal = refusalOf(error);
      if (refusal.status >= 500) options.log.error({ err: error, txn: exchange.transactionId }, 'the store could not do it');
      return { status: refusal.status, headers: refusal.headers, body: refusal.body };
    }
    options.log.error({ err: error, txn: exchange.transactionId }, 'a fault of ours');
    return { status: 500, headers: { 'Content-Type': HTML }, body: page(500) };
  }
}

async function answer(exchange: Exchange, { store, auth }: SwiftOptions, info: Info): Promise<Response> {
  if (exchange.path === '/info') {
    if (exchange.method === 'GET' || exchange.method === 'HEAD') return getInfo(info);
    if (exchange.method === 'OPTIONS') return { status: 200, headers: { Allow: 'GET, HEAD, OPTIONS' } };
    throw new Refusal(405, undefined, { Allow: 'GET, HEAD, OPTIONS' });
  }
  const target = parseTarget(exchange.path);
  const query = decodeQuery(exchange.rawQuery);
  const principal = await auth.identify(exchange);
  if (principal === 'invalid') throw unauthorized(target.account);
  if (!auth.knowsAccount(target.account)) throw principal === undefined ? unauthorized(target.account) : new Refusal(403);
  return route({ ...target, exchange, store, query, principal, referer: exchange.header('referer'), info });
}


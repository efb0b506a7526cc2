/** What operators ask a proxy, with the cluster's secret in hand: the `gori` command's end of the conversation. */
import { isStoreError, reportOf, type DaemonStatus, type StoreErrorCode } from '#common';
import { parseQuery } from '#common/http';
import type { Store } from '#proxy/core';
import { reply, type Exchange, type Response, type Step } from '#proxy/edge';
import { MAX_RING_BYTES, type RingVersions } from '#ring';
import { bearerOf, isBearer } from '#storage-node/protocol';

const PREFIX = '/.gori/';

/** What a proxy's process can be asked besides its store. */
export interface Operations {
  /** Keeps the rings of this process. */
  readonly rings?: { versions(): RingVersions; receive(name: string, bytes: Buffer): Promise<RingVersions> } | undefined;
  /** How the storage node in this process is, its proxy's janitors among its daemons; left out where there is none. */
  readonly recon?: (() => Promise<object>) | undefined;
}

export interface AdminOptions extends Operations {
  readonly store: Store;
  readonly secret: string;
  readonly janitors: readonly DaemonStatus[];
}

const STATUS: Partial<Record<StoreErrorCode, number>> = { 'bad-request': 400, conflict: 409, 'entity-too-large': 413 };

/** Answers `/.gori/...` in JSON to whoever shows the cluster's bearer; others are told that there is nothing. */
export function admin(options: AdminOptions): Step {
  const bearer = bearerOf(options.secret);
  return (ctx, next) => {
    const exchange = ctx.state.exchange as Exchange;
    if (!exchange.path.startsWith(PREFIX)) return next();
    const known = isBearer(exchange.headers.authorization, bearer);
    const operation = known ? operationOf(exchange, options) : undefined;
    if (operation === undefined) return reply(ctx, json(404, { fault: 'nothing here' }));
    return answer(operation).then((response) => reply(ctx, response));
  };
}

function operationOf(exchange: Exchange, { store, rings, janitors, recon = async () => ({ time: store.cluster.clock.nowMs(), daemons: reportOf(janitors), rings: rings?.versions() ?? {} }) }: AdminOptions): (() => Promise<unknown>) | undefined {
  const [what, name, ...rest] = exchange.path.slice(PREFIX.length).split('/');
  if (rest.length > 0) return undefined;
  if (what === 'where' && name === undefined) return () => where(store, exchange);
  if (what === 'explain' && name === undefined) return () => explain(store, exchange);
  if (what === 'recon' && name === undefined) return recon;
  if (what !== 'rings' || rings === undefined) return undefined;
  if (name === undefined && exchange.method === 'GET') return async () => rings.versions();
  if (name !== undefined && exchange.method === 'PUT') return async () => rings.receive(name, await exchange.body(MAX_RING_BYTES).collect(MAX_RING_BYTES));
  return undefined;
}

async function answer(operation: () => Promise<unknown>): Promise<Response> {
  try {
    return json(200, await operation());
  } catch (error) {
    if (!isStoreError(error)) throw error;
    return json(error.code.endsWith('-not-found') ? 404 : (STATUS[error.code] ?? 503), { fault: error.message });
  }
}

function where(store: Store, { rawQuery }: Exchange): Promise<unknown> {
  const query = parseQuery(rawQuery);
  return store.where({ account: query?.get('account') ?? '', container: query?.get('container'), object: query?.get('object') });
}

function explain(store: Store, { rawQuery }: Exchange): Promise<unknown> {
  const query = parseQuery(rawQuery);
  return store.explain({ account: query?.get('account') ?? '', container: query?.get('container') ?? '', object: query?.get('object') ?? '' });
}

function json(status: number, value: unknown): Response {
  return { status, headers: { 'Content-Type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) };
}

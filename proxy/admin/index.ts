/** What operators ask a proxy, with the cluster's secret in hand: the `gori` command's end of the conversation. */
import { isStoreError, reportOf, type DaemonStatus } from '#common';
import { parseQuery } from '#common/http';
import type { Store } from '#proxy/core';
import { reply, type Exchange, type Response, type Step } from '#proxy/edge';
import { bearerOf, isBearer } from '#storage-node/protocol';

const PREFIX = '/.gori/';

/** Answers `/.gori/...` in JSON to whoever shows the cluster's bearer; others are told that there is nothing. */
export function admin({ store, secret, janitors }: { store: Store; secret: string; janitors: readonly DaemonStatus[] }): Step {
  const bearer = bearerOf(secret);
  return (ctx, next) => {
    const exchange = ctx.state.exchange as Exchange;
    if (!exchange.path.startsWith(PREFIX)) return next();
    const known = isBearer(exchange.headers.authorization, bearer);
    if (known && exchange.path === `${PREFIX}recon`) return reply(ctx, json(200, { time: store.cluster.clock.nowMs(), daemons: reportOf(janitors) }));
    if (!known || exchange.path !== `${PREFIX}where`) return reply(ctx, json(404, { fault: 'nothing here' }));
    return where(store, exchange).then((answer) => reply(ctx, answer));
  };
}

async function where(store: Store, { rawQuery }: Exchange): Promise<Response> {
  const query = parseQuery(rawQuery);
  try {
    return json(200, await store.where({ account: query?.get('account') ?? '', container: query?.get('container'), object: query?.get('object') }));
  } catch (error) {
    if (!isStoreError(error)) throw error;
    return json(error.code.endsWith('-not-found') ? 404 : 503, { fault: error.message });
  }
}

function json(status: number, value: unknown): Response {
  return { status, headers: { 'Content-Type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) };
}

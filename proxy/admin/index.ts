/** What operators ask a proxy, with the cluster's secret in hand: the `gori` command's end of the conversation. */
import { isStoreError } from '#common';
import { parseQuery } from '#common/http';
import type { Store } from '#proxy/core';
import type { Exchange, Step } from '#proxy/edge';
import { bearerOf, isBearer } from '#storage-node/protocol';

const PREFIX = '/.gori/';

/** Answers `/.gori/...` in JSON to whoever shows the cluster's bearer; others are told that there is nothing. */
export function admin(store: Store, secret: string): Step {
  const bearer = bearerOf(secret);
  return async (ctx, next) => {
    const { path, rawQuery, headers } = ctx.state.exchange as Exchange;
    if (!path.startsWith(PREFIX)) return next();
    const known = isBearer(headers.authorization, bearer);
    ctx.status = 404;
    ctx.body = { fault: 'nothing here' };
    if (known && path === `${PREFIX}where`) {
      const query = parseQuery(rawQuery);
      try {
        ctx.body = await store.where({ account: query?.get('account') ?? '', container: query?.get('container'), object: query?.get('object') });
        ctx.status = 200;
      } catch (error) {
        if (!isStoreError(error)) throw error;
        ctx.status = error.code.endsWith('-not-found') ? 404 : 503;
        ctx.body = { fault: error.message };
      }
    }
  };
}

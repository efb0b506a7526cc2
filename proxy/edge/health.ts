/** GET /healthcheck: says that this proxy serves, for load balancers. */
import type { Middleware } from 'koa';

export function health(isStopping: () => boolean): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/healthcheck') return next();
    ctx.status = isStopping() ? 503 : 200;
    ctx.set('Content-Type', 'text/plain');
    ctx.body = isStopping() ? 'STOPPING' : 'OK';
  };
}

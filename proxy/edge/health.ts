/** GET /healthcheck: says that this proxy serves, for load balancers. */
import { splitTarget } from '#common/http';
import type { Step } from './step.ts';

export function health(isStopping: () => boolean): Step {
  return async (ctx, next) => {
    if (splitTarget(ctx.req.url ?? '').path !== '/healthcheck') return next();
    ctx.status = isStopping() ? 503 : 200;
    ctx.set('Content-Type', 'text/plain');
    ctx.body = isStopping() ? 'STOPPING' : 'OK';
  };
}

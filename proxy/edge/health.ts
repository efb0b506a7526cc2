/** GET /healthcheck: says that this proxy serves, for load balancers. */
import type { Exchange } from './exchange.ts';
import { reply } from './exchange-middleware.ts';
import type { Step } from './step.ts';

export function health(isStopping: () => boolean): Step {
  return (ctx, next) => {
    if ((ctx.state.exchange as Exchange).path !== '/healthcheck') return next();
    const stopping = isStopping();
    return reply(ctx, { status: stopping ? 503 : 200, headers: { 'Content-Type': 'text/plain' }, body: stopping ? 'STOPPING' : 'OK' });
  };
}

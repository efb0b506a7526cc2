/** Gives every request a transaction id, before anything can fail, and says it in every answer. */
import { newTransactionId } from './transaction.ts';
import type { Step } from './step.ts';

export function transaction(nowMs: () => number): Step {
  return (ctx, next) => {
    const extra = ctx.req.headers['x-trans-id-extra'];
    const id = newTransactionId(nowMs(), typeof extra === 'string' ? extra : undefined);
    ctx.state.transactionId = id;
    ctx.res.setHeader('X-Trans-Id', id);
    ctx.res.setHeader('X-Openstack-Request-Id', id);
    return next();
  };
}

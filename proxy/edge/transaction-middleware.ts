/** Gives every request a transaction id, before anything can fail, and says it in every answer. */
import { newTransactionId } from './transaction.ts';
import type { Step } from './step.ts';

export function transaction(nowMs: () => number): Step {
  return async (ctx, next) => {
    const extra = ctx.req.headers['x-trans-id-extra'];
    const id = newTransactionId(nowMs(), typeof extra === 'string' ? extra : undefined);
    ctx.state.transactionId = id;
    await next();
    // Dialects send their own answers, with the id among the headers (send.ts); this is for what koa answers.
    if (ctx.respond !== false) ctx.set({ 'X-Trans-Id': id, 'X-Openstack-Request-Id': id });
  };
}

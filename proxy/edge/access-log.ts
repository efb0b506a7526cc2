/** One line a request, when its answer is done: who asked what, how it ended, how long it took. */
import type { Log } from '#common';
import type { Exchange } from './exchange.ts';
import type { Step } from './step.ts';

/** Of a signature in a query, which lets whoever reads it in, enough is logged to tell one from another. */
const SIGNATURES = /([?&](?:temp_url_sig|swiftinfo_sig|X-Amz-Signature|Signature)=[^&]{0,8})[^&]*/g;

/** Logs at `info`, server faults at `error`; costs nothing at a level above. */
export function accessLog(log: Log): Step {
  return (ctx, next) => {
    if (!log.isLevelEnabled('info')) return next();
    const startMs = performance.now();
    ctx.res.once('close', () => {
      const { method } = ctx.req;
      const url = ctx.req.url?.replace(SIGNATURES, '$1...');
      const fields = { method, url, status: ctx.res.statusCode, ms: Math.round((performance.now() - startMs) * 100) / 100, txn: (ctx.state.exchange as Exchange).transactionId };
      if (ctx.res.writableFinished) log[ctx.res.statusCode >= 500 ? 'error' : 'info'](fields, 'request');
      else log.info({ ...fields, cut: true }, 'request ended before its answer');
    });
    return next();
  };
}

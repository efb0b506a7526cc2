/** Makes the Exchange that the dialects see out of koa's context. */
import type { IncomingMessage } from 'node:http';
import { Exchange } from './exchange.ts';
import { EXPECTS_CONTINUE } from './server.ts';
import type { Step } from './step.ts';

export function exchange(): Step {
  return (ctx, next) => {
    const expectsContinue = (ctx.req as IncomingMessage & { [EXPECTS_CONTINUE]?: boolean })[EXPECTS_CONTINUE] === true;
    ctx.state.exchange = new Exchange(ctx.req, ctx.res, ctx.state.transactionId as string, expectsContinue);
    return next();
  };
}

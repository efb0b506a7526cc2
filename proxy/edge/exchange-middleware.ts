/** Makes the Exchange that the dialects see out of koa's context, with a transaction id before anything can fail; every answer says it. */
import type { IncomingMessage } from 'node:http';
import { Exchange, type Response } from './exchange.ts';
import { send } from './send.ts';
import { EXPECTS_CONTINUE } from './server.ts';
import type { Step } from './step.ts';
import { newTransactionId } from './transaction.ts';

export function exchange(nowMs: () => number): Step {
  return (ctx, next) => {
    const extra = ctx.req.headers['x-trans-id-extra'];
    const id = newTransactionId(nowMs(), typeof extra === 'string' ? extra : undefined);
    const expectsContinue = (ctx.req as IncomingMessage & { [EXPECTS_CONTINUE]?: boolean })[EXPECTS_CONTINUE] === true;
    ctx.state.exchange = new Exchange(ctx.req, ctx.res, id, expectsContinue);
    return next();
  };
}

/** Answers, past koa's own way of answering. */
export function reply(ctx: Parameters<Step>[0], answer: Response): Promise<void> {
  ctx.respond = false;
  return send(ctx.state.exchange as Exchange, answer, ctx.res);
}

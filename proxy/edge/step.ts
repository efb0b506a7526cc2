/** One step of the pipeline: koa's middleware, with a `next` that answers nothing. */
import type { Context } from 'koa';

export type Step = (ctx: Context, next: () => Promise<void>) => Promise<void>;

/** Refusals from before the dialect itself is reached. */
import { reply, type Step } from '#proxy/edge';
import { Refusal } from '../refusal.ts';

/** Answers with what was thrown; throws on what is no refusal. */
export function refuse(ctx: Parameters<Step>[0], error: unknown): Promise<void> {
  if (!(error instanceof Refusal)) throw error;
  return reply(ctx, { status: error.status, headers: error.headers, body: error.body });
}

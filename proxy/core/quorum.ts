/**
 * Fan-out with a named quorum: ask several replicas at once, wait for all, but no longer than a grace after enough have
 * answered. Which answers are enough is the caller's to say; what the rest said is the caller's to see.
 */
import { StoreError } from '#common';
import type { Replica } from './placement.ts';

export type Answer<T> =
  | { readonly replica: Replica; readonly ok: true; readonly value: T }
  | { readonly replica: Replica; readonly ok: false; readonly error: unknown };

/** How long a write waits for the slowest replicas once a quorum has it, as Swift's post_quorum_timeout. */
export const POST_QUORUM_GRACE_MS = 500;

/**
 * Asks every replica; resolves when all have answered, or a grace after `enough` first held. Replicas that are still
 * silent then are left out of the answers, their work goes on by itself.
 */
export function askAll<T>(
  replicas: readonly Replica[],
  ask: (replica: Replica) => Promise<T>,
  enough: (answers: readonly Answer<T>[]) => boolean,
): Promise<Answer<T>[]> {
  if (replicas.length === 0) return Promise.resolve([]);
  return new Promise((resolve) => {
    const answers: Answer<T>[] = [];
    let grace: NodeJS.Timeout | undefined;
    let done = false;
    const note = (answer: Answer<T>): void => {
      answer.replica.health.note(answer.ok ? undefined : answer.error);
      if (done) return;
      answers.push(answer);
      if (answers.length === replicas.length) finish();
      else if (grace === undefined && enough(answers)) grace = setTimeout(finish, POST_QUORUM_GRACE_MS);
    };
    const finish = (): void => {
      done = true;
      clearTimeout(grace);
      resolve(answers);
    };
    for (const replica of replicas) askOne(replica, ask, note);
  });
}

function askOne<T>(replica: Replica, ask: (replica: Replica) => Promise<T>, note: (answer: Answer<T>) => void): void {
  const failed = (error: unknown): void => note({ replica, ok: false, error });
  try {
    if (!replica.health.usable()) throw new StoreError('device-unavailable', `${replica.device.device} failed too often just now`);
    ask(replica).then((value) => note({ replica, ok: true, value }), failed);
  } catch (error) {
    queueMicrotask(() => failed(error));
  }
}

/** The values of the replicas that answered. */
export function valuesOf<T>(answers: readonly Answer<T>[]): T[] {
  const values: T[] = [];
  for (const answer of answers) if (answer.ok) values.push(answer.value);
  return values;
}

/** The fault of a request that too few replicas answered: `device-full` where that is why, else `unavailable`. */
export function quorumFault(what: string, answers: readonly Answer<unknown>[], need: number): StoreError {
  const errors = answers.flatMap((answer) => (answer.ok ? [] : [answer.error]));
  const full = errors.length > 0 && errors.every((error) => error instanceof StoreError && error.code === 'device-full');
  const message = `${what}: ${answers.length - errors.length} of the ${need} replicas needed answered`;
  return new StoreError(full ? 'device-full' : 'unavailable', message, { cause: errors[0] });
}

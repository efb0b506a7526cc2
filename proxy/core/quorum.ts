/**
 * Fan-out with a named quorum: ask several replicas at once, wait for all, but no longer than a grace after enough have
 * answered. Which answers are enough is the caller's to say; what the rest said is the caller's to see.
 */
import { isStoreError, StoreError } from '#common';
import { quorumSize } from '#ring';
import type { Replica } from './placement.ts';

export type Answer<T> =
  | { readonly replica: Replica; readonly ok: true; readonly value: T }
  | { readonly replica: Replica; readonly ok: false; readonly error: unknown; /** It was left alone: what was asked of others cannot have reached it. */ readonly unasked?: true };

/** How long a write waits for the slowest replicas once a quorum has it, as Swift's post_quorum_timeout. */
export const POST_QUORUM_GRACE_MS = 500;

/**
 * Asks every replica; resolves when all have answered, or a grace after `enough` first held. Replicas that are still
 * silent then are left out of the answers, their work goes on by itself. Devices that failed too often just now are asked
 * only where the others' answers make no majority: they may be back, and are better than no answer at all.
 */
export function askAll<T>(
  replicas: readonly Replica[],
  ask: (replica: Replica) => Promise<T>,
  enough: (answers: readonly Answer<T>[]) => boolean,
): Promise<Answer<T>[]> {
  if (replicas.length === 0) return Promise.resolve([]);
  const all = replicas.every((replica) => !replica.health.paused);
  const usable = all ? replicas : replicas.filter((replica) => replica.health.usable());
  const paused = all ? [] : replicas.filter((replica) => !usable.includes(replica));
  return new Promise((resolve) => {
    const answers: Answer<T>[] = [];
    let grace: NodeJS.Timeout | undefined;
    let done = false;
    let asked = usable.length;
    const take = (answer: Answer<T>): void => {
      answers.push(answer);
      if (answers.length === asked) goOn();
      else if (grace === undefined && enough(answers)) grace = setTimeout(finish, POST_QUORUM_GRACE_MS);
    };
    const note = (answer: Answer<T>): void => {
      answer.replica.health.note(answer.ok ? undefined : answer.error);
      if (!done) take(answer);
    };
    const goOn = (): void => {
      const suffices = enough(answers) || valuesOf(answers).length >= quorumSize(replicas.length);
      if (asked === replicas.length || suffices) return finish();
      asked = replicas.length;
      for (const replica of paused) askOne(replica, ask, note);
    };
    const finish = (): void => {
      done = true;
      clearTimeout(grace);
      if (asked < replicas.length) answers.push(...paused.map(pausedAnswer));
      resolve(answers);
    };
    for (const replica of usable) askOne(replica, ask, note);
    if (usable.length === 0) goOn();
  });
}

function askOne<T>(replica: Replica, ask: (replica: Replica) => Promise<T>, note: (answer: Answer<T>) => void): void {
  const failed = (error: unknown): void => note({ replica, ok: false, error });
  try {
    ask(replica).then((value) => note({ replica, ok: true, value }), failed);
  } catch (error) {
    queueMicrotask(() => failed(error));
  }
}

function pausedAnswer(replica: Replica): Answer<never> {
  return { replica, ok: false, unasked: true, error: new StoreError('device-unavailable', `${replica.device.device} failed too often just now`) };
}

/** The same replicas, those that are not to be left alone just now first. */
export function willingFirst(replicas: readonly Replica[]): readonly Replica[] {
  if (!replicas.some((replica) => replica.health.paused)) return replicas;
  return [...replicas].sort((a, b) => Number(a.health.paused) - Number(b.health.paused));
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
  const full = errors.length > 0 && errors.every((error) => isStoreError(error, 'device-full'));
  const skews = errors.filter((error) => isStoreError(error, 'clock-skew'));
  if (skews.length >= need) return skewFault(what, skews, answers.every((answer) => !answer.ok && (answer.unasked || isStoreError(answer.error, 'clock-skew'))));
  const message = `${what}: ${answers.length - errors.length} of the ${need} replicas needed answered`;
  return new StoreError(full ? 'device-full' : 'unavailable', message, { cause: errors[0] });
}

/** A majority says that the write is of another time than theirs; `untaken` where no device can have taken it (in-time.ts acts on it). */
function skewFault(what: string, skews: readonly StoreError[], untaken: boolean): StoreError {
  const times = skews.map(({ detail }) => Number(detail['nowMs'])).sort((a, b) => a - b);
  return new StoreError('clock-skew', `${what}: the clock of this proxy is far from those of its devices`, { cause: skews[0], detail: { nowMs: times[times.length >> 1]!, untaken } });
}

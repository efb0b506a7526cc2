/**
 * Writes by a clock that most devices say is wrong: they refuse them (docs/decisions/0033), the proxy sets its clock by theirs, and where nobody can
 * have taken the write it is made once more, in its right place.
 */
import { isStoreError, StoreError } from '#common';
import type { Cluster } from './cluster.ts';

/** The clock may jump again meanwhile, once. */
const ATTEMPTS = 3;

/** `work` takes its timestamps anew each time. Where some device may have taken a refused write, throws `unavailable`: it may have happened. */
export async function inTime<T>({ timestamps, log }: Pick<Cluster, 'timestamps' | 'log'>, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isStoreError(error, 'clock-skew')) throw error;
      const aheadMs = timestamps.correct(Number(error.detail['nowMs']));
      log.error({ aheadMs: Math.round(aheadMs) }, 'the clock of this proxy is wrong: most devices say so, and writes go by theirs');
      if (error.detail['untaken'] !== true || attempt === ATTEMPTS) throw new StoreError('unavailable', error.message, { cause: error });
    }
  }
}

/** The same fault of what was no write yet: another may follow it whoever took it. */
export function harmless(fault: StoreError): StoreError {
  return fault.code === 'clock-skew' ? new StoreError(fault.code, fault.message, { cause: fault.cause, detail: { ...fault.detail, untaken: true } }) : fault;
}

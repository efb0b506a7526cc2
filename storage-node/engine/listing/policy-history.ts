/**
 * Which storage policy a container has, told from the puts it has heard of. A container takes the policy of the first put
 * since its last delete; as puts and deletes may be heard in any order, the later puts that asked for another policy have
 * to be remembered until a delete outlives them. Nearly always that is one run of one policy. Of a run its ends are known: where another replica's put parts it,
 * that replica may know of an end that this one has forgotten, and two replicas that differ need to exchange their histories twice to agree.
 */
import type { Timestamp } from '#common';

/** Puts of one policy with none of another known between them: the first and the last of them. */
export interface PolicyRun {
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly policy: number;
}

/** Runs in the order of time. */
export type PolicyHistory = readonly PolicyRun[];

/** Clients that ask for ever changing policies must not make the history grow: what lies before the newest run is forgotten first. */
const MAX_RUNS = 16;

export function notePut(history: PolicyHistory, timestamp: Timestamp, policy: number): PolicyHistory {
  if (history.some((run) => run.policy === policy && run.from <= timestamp && timestamp <= run.to)) return history;
  // Of two puts of one moment the smaller policy comes first, whichever was heard first.
  const isBefore = (run: PolicyRun): boolean => run.from < timestamp || (run.from === timestamp && run.policy < policy);
  const before = history.filter(isBefore);
  const after = history.filter((run) => !isBefore(run));
  const parted = before.at(-1);
  if (parted && (parted.to > timestamp || (parted.to === timestamp && parted.from < timestamp && parted.policy > policy))) {
    before[before.length - 1] = { ...parted, to: parted.from };
    after.unshift({ ...parted, from: parted.to });
  }
  const runs: PolicyRun[] = [];
  for (const run of [...before, { from: timestamp, to: timestamp, policy }, ...after]) {
    const last = runs.at(-1);
    if (last?.policy === run.policy) runs[runs.length - 1] = { ...last, to: run.to };
    else runs.push(run);
  }
  if (runs.length > MAX_RUNS) runs.splice(-2, 1);
  return runs;
}

/** Forgets what no longer matters after a delete; the newest put stays, for what a dead database is said to have had. */
export function noteDelete(history: PolicyHistory, timestamp: Timestamp): PolicyHistory {
  const alive = history.filter((run) => run.to > timestamp);
  if (alive.length === 0) return history.slice(-1);
  return alive.length === history.length ? history : alive;
}

/** The policy in force under a delete at `deleteTimestamp`. */
export function policyOf(history: PolicyHistory, deleteTimestamp: Timestamp): number {
  return (history.find((run) => run.to > deleteTimestamp) ?? history.at(-1))?.policy ?? 0;
}

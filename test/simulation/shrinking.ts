/** Makes a failing plan short: leaves out faults and requests, more at once first, as long as what is left still fails (Zeller's delta debugging). */
import type { Plan } from './plan.ts';

export interface Shrinking {
  /** Whether the plan still fails. */
  readonly fails: (plan: Plan) => Promise<boolean>;
  /** Tries at most. */
  readonly tries: number;
}

export async function shrink(plan: Plan, { fails, tries }: Shrinking): Promise<Plan> {
  let left = tries;
  const attempt = async (shorter: Plan): Promise<boolean> => left-- > 0 && (await fails(shorter));
  let best = plan;
  for (let before = Infinity; sizeOf(best) < before && left > 0; ) {
    before = sizeOf(best);
    best = { ...best, steps: await without(best.steps, (steps) => attempt({ ...best, steps })) };
    best = { ...best, faults: await without(best.faults, (faults) => attempt({ ...best, faults })) };
  }
  return best;
}

const sizeOf = ({ steps, faults }: Plan): number => steps.length + faults.length;

/** The parts that are needed for `fails`, as far as leaving out runs of them tells. */
async function without<T>(parts: readonly T[], fails: (parts: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = parts;
  for (let run = Math.ceil(kept.length / 2); run >= 1 && kept.length > 0; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let at = 0; at < kept.length; ) {
      const shorter = [...kept.slice(0, at), ...kept.slice(at + run)];
      if (await fails(shorter)) kept = shorter;
      else at += run;
    }
  }
  return kept;
}

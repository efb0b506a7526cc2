import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOf, type Plan } from './plan.ts';
import { PLANTS, type Plant } from './plants.ts';
import { shrink } from './shrinking.ts';
import { simulate } from './simulation.ts';

/** `npm run simulation` lives thousands. */
const FIRST_SEED = 1;
const SEEDS = 8;
const OPERATIONS = 300;

test('clusters keep their promises through crashes, cuts, failing disks and clocks that jump', async (t) => {
  let [operations, unanswered] = [0, 0];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const result = await simulate(planOf(seed, OPERATIONS));
    assert.deepEqual(result.violations, [], `seed ${seed}, ${OPERATIONS} operations`);
    operations += result.operations.length;
    unanswered += result.operations.filter(({ outcome }) => outcome === 'unknown').length;
  }
  t.diagnostic(`${operations} operations, ${unanswered} without an answer`);
});

test('the same plan is the same story', async () => {
  const plan = planOf(3, 150);
  const [one, two] = [await simulate(plan), await simulate(plan)];
  assert.deepEqual(two.operations, one.operations);
  assert.equal(two.steps, one.steps);
});

/** Within how many clusters each planted fault must be found. */
const BOUNDS: Record<Exclude<Plant, 'none'>, number> = {
  'no-fdatasync': 10,
  'index-before-sync': 20,
  'no-pending': 10,
  'timestamps-backwards': 10,
  'no-tombstones': 10,
  'blind-conditions': 10,
  'no-promises': 10,
};
/** Longer stories than above: in short ones the rarer faults are met too seldom for these bounds. */
const PLANTED_OPERATIONS = 600;

for (const plant of PLANTS) {
  if (plant === 'none') continue;
  test(`the planted fault ${plant} is found within ${BOUNDS[plant]} clusters`, async (t) => {
    for (let seeds = 1; seeds <= BOUNDS[plant]; seeds++) {
      const { violations } = await simulate(planOf(FIRST_SEED + seeds - 1, PLANTED_OPERATIONS), plant);
      if (violations.length > 0) return t.diagnostic(`found in cluster ${seeds}: ${violations[0]!.split('\n')[0]}`);
    }
    assert.fail('not found');
  });
}

test('a failing plan is made as short as its fault', async () => {
  const plan = planOf(1, 100);
  const guilty = plan.steps[37]!;
  const fails = async ({ steps, faults }: Plan): Promise<boolean> => steps.includes(guilty) && faults.includes(plan.faults[1]!);
  const { steps, faults } = await shrink(plan, { fails, tries: 1000 });
  assert.deepEqual({ steps, faults }, { steps: [guilty], faults: [plan.faults[1]] });
});

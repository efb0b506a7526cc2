import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rot } from './rot.ts';

test('bits that flip in the files of one device after the other are never served, and all comes back', async (t) => {
  const seed = Math.floor(Math.random() * 1e6);
  t.diagnostic(`seed ${seed}`);
  const { counts, faults } = await rot({ flips: 160, flipsPerRound: 20, objects: 60, seed });
  assert.deepEqual(faults, []);
  assert.ok((counts['records found damaged'] ?? 0) > 0, JSON.stringify(counts));
});

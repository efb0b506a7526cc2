import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER, type Timestamp } from '#common';
import { RecentStates } from './recent-states.ts';

const at = (n: number): Timestamp => n as Timestamp;

test('a run of states without a gap says of each timestamp whether it was one of them', () => {
  const recent = new RecentStates(NEVER);
  assert.equal(recent.hasHeld('k', at(5), undefined), false);
  recent.replaced('k', undefined);
  recent.replaced('k', at(10));
  assert.deepEqual([5, 10, 15, 20].map((n) => recent.hasHeld('k', at(n), at(20))), [false, true, false, true]);
  recent.forget('k');
  assert.equal(recent.hasHeld('k', at(10), at(20)), undefined);
});

test('a device that took another one’s place denies nothing that is older than itself', () => {
  const recent = new RecentStates(at(100));
  assert.equal(recent.hasHeld('k', at(50), undefined), undefined, 'the device before may have held it');
  assert.equal(recent.hasHeld('k', at(150), undefined), false);
  // What came from its peers does not tell what else the device before had.
  recent.replaced('k', undefined);
  assert.equal(recent.hasHeld('k', at(60), at(40)), undefined);
  assert.equal(recent.hasHeld('k', at(40), at(40)), true);
  assert.equal(recent.hasHeld('k', at(120), at(40)), false);
});

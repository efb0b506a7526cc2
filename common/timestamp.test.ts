import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from './clock.ts';
import { HybridClock, TICK_SHARES, type Timestamp } from './timestamp.ts';

test('timestamps follow the wall clock, and only ever grow', () => {
  const wall = new ManualClock(1_700_000_000_000);
  const clock = new HybridClock(wall, 3);
  assert.equal(clock.now(), 170_000_000_000_000);
  wall.wind(1);
  assert.equal(clock.now(), 170_000_000_000_100);
  const seen = [clock.now(), clock.now(), clock.now()];
  assert(seen.every((timestamp, i) => timestamp > (seen[i - 1] ?? 170_000_000_000_100)));
  assert(seen[2]! <= 170_000_000_000_100 + 3 * TICK_SHARES, 'ahead of the wall by no more than it must');
});

test('processes that are behind what all of them saw do not issue the same timestamps', () => {
  const wall = new ManualClock();
  const seen = (wall.nowMs() * 100 + 60 * 100_000) as Timestamp;
  const issued = Array.from({ length: TICK_SHARES }, (_, share) => {
    const clock = new HybridClock(wall, share);
    clock.observe(seen);
    return [clock.now(), clock.now(), clock.now()];
  }).flat();
  assert.equal(new Set(issued).size, issued.length);
  assert(issued.every((timestamp) => timestamp > seen));
});

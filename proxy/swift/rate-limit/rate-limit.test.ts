import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateAt, ratesOf } from './rates.ts';
import { Turnstile } from './turnstile.ts';

test('between two sizes a rate goes in a straight line; below the first and of nothing there is none', () => {
  const rates = ratesOf({ '300': 10, '100': 50 });
  assert.deepEqual([0, 99, 100, 150, 200, 300, 5000].map((size) => rateAt(rates, size)), [undefined, undefined, 50, 40, 30, 10, 10]);
  assert.equal(rateAt(ratesOf({}), 10), undefined);
  assert.equal(rateAt(ratesOf({ '0': 5 }), 0), undefined);
  assert.equal(rateAt(ratesOf({ '0': 5 }), 1), 5);
});

const NOW = 1_700_000_000_000;

test('requests that come at once wait one after the other, each key for itself', () => {
  const turnstile = new Turnstile({ bufferMs: 0, maxWaitMs: 60_000 });
  const waits = Array.from({ length: 4 }, () => turnstile.take('a', 10, NOW));
  assert.deepEqual(waits, [0, 100, 200, 300]);
  assert.equal(turnstile.take('b', 10, NOW), 0);
  assert.equal(turnstile.take('a', 10, NOW + 1000), 0);
});

test('after a pause a burst may make up for it, but for no more than the buffer', () => {
  const turnstile = new Turnstile({ bufferMs: 500, maxWaitMs: 60_000 });
  turnstile.take('a', 10, NOW);
  const waits = Array.from({ length: 5 }, () => turnstile.take('a', 10, NOW + 400));
  assert.deepEqual(waits, [0, 0, 0, 0, 100]);
  assert.deepEqual([turnstile.take('a', 10, NOW + 60_000), turnstile.take('a', 10, NOW + 60_000)], [0, 100]);
});

test('who would wait too long is refused and takes no turn from others', () => {
  const turnstile = new Turnstile({ bufferMs: 0, maxWaitMs: 1000 });
  assert.deepEqual(Array.from({ length: 4 }, () => turnstile.take('a', 2, NOW)), [0, 500, undefined, undefined]);
  assert.equal(turnstile.take('a', 2, NOW + 500), 500);
});

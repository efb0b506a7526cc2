import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRange } from './range.ts';

const cases: [header: string, size: number, expected: [number, number][] | undefined][] = [
  ['bytes=0-4', 10, [[0, 5]]],
  ['bytes=4-', 10, [[4, 10]]],
  ['bytes=-3', 10, [[7, 10]]],
  ['bytes=-30', 10, [[0, 10]]],
  ['bytes=0-99', 10, [[0, 10]]],
  ['BYTES = 0 - 4', 10, [[0, 5]]],
  ['bytes=0-1,5-6', 10, [[0, 2], [5, 7]]],
  ['bytes=0-1,50-60', 10, [[0, 2]]],
  ['bytes=-0', 10, []],
  ['bytes=10-', 10, []],
  ['bytes=-1', 0, []],
  ['bytes=5-2', 10, undefined],
  ['0-4', 10, undefined],
  ['parsecs=8-12', 10, undefined],
  ['bytes=', 10, undefined],
  ['bytes=a-b', 10, undefined],
  ['bytes=-', 10, undefined],
];

for (const [header, size, expected] of cases) {
  test(`${JSON.stringify(header)} of ${size} bytes is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(parseRange(header, size)?.map(({ start, end }) => [start, end]), expected);
  });
}

test('a long run of blanks costs no more than its length', () => {
  for (const blanks of [' '.repeat(60_000), '\t '.repeat(30_000)]) {
    const start = process.cpuUsage();
    for (const header of [`bytes=${blanks}x`, `bytes=0${blanks}x`, `bytes=0-${blanks}x`, `bytes=${blanks}0-${blanks}x`, `bytes${blanks}x`]) assert.equal(parseRange(header, 10), undefined);
    assert.ok(process.cpuUsage(start).user < 500_000, 'microseconds of CPU');
  }
});

test('more than fifty ranges, more than two overlaps or eight descents are refused', () => {
  const many = Array.from({ length: 51 }, (_, i) => `${i * 2}-${i * 2}`).join(',');
  assert.deepEqual(parseRange(`bytes=${many}`, 1000), []);
  assert.deepEqual(parseRange('bytes=0-9,0-9,0-9', 1000), []);
  assert.equal(parseRange('bytes=0-9,5-14', 1000)?.length, 2);
  const descending = Array.from({ length: 9 }, (_, i) => `${(20 - i) * 2}-${(20 - i) * 2}`).join(',');
  assert.deepEqual(parseRange(`bytes=${descending}`, 1000), []);
});

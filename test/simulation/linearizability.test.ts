import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Operation } from './history.ts';
import { checkRegister } from './linearizability.ts';

type Line = [from: number, to: number, kind: Operation['kind'], value: string | undefined, outcome: Operation['outcome'], condition?: Operation['condition']];

/** A history as lines; a read's value is what it saw. */
function history(...lines: Line[]): Operation[] {
  return lines.map(([invokedAt, returnedAt, kind, value, outcome, condition], id) => {
    const [data = '', meta = data] = value?.split('/') ?? [];
    const read = kind === 'read' && outcome === 'done' ? { seen: { value: data, meta } } : {};
    return { id, key: 'k', client: 'c', kind, condition, invokedAt, returnedAt, outcome, ...(value === undefined || kind === 'read' ? {} : { value }), ...read };
  });
}

const holds = (...lines: Line[]): void => assert.equal(checkRegister(history(...lines)).holds, true);
const fails = (...lines: Line[]): void => assert.equal(checkRegister(history(...lines)).holds, false);
const ABSENT = { absent: true } as const;

test('one thing after the other', () => {
  holds([1, 2, 'put', 'a', 'done'], [3, 4, 'read', 'a', 'done'], [5, 6, 'delete', undefined, 'done'], [7, 8, 'read', undefined, 'missing']);
  fails([1, 2, 'put', 'a', 'done'], [3, 4, 'read', undefined, 'missing']);
  fails([1, 2, 'put', 'a', 'done'], [3, 4, 'put', 'b', 'done'], [5, 6, 'read', 'a', 'done']);
});

test('what overlaps may come in any order, but in one', () => {
  holds([1, 10, 'put', 'a', 'done'], [2, 9, 'put', 'b', 'done'], [11, 12, 'read', 'a', 'done']);
  holds([1, 10, 'put', 'a', 'done'], [2, 9, 'put', 'b', 'done'], [11, 12, 'read', 'b', 'done']);
  fails([1, 10, 'put', 'a', 'done'], [2, 9, 'put', 'b', 'done'], [11, 12, 'read', 'a', 'done'], [13, 14, 'read', 'b', 'done']);
  fails([1, 2, 'put', 'a', 'done'], [3, 10, 'put', 'b', 'done'], [4, 5, 'read', 'b', 'done'], [6, 7, 'read', 'a', 'done']);
});

test('an operation without an answer may happen late, once, or never', () => {
  holds([1, Infinity, 'put', 'a', 'unknown'], [2, 3, 'read', undefined, 'missing'], [4, 5, 'read', 'a', 'done']);
  holds([1, Infinity, 'put', 'a', 'unknown'], [2, 3, 'read', undefined, 'missing']);
  fails([1, Infinity, 'put', 'a', 'unknown'], [2, 3, 'read', 'a', 'done'], [4, 5, 'put', 'b', 'done'], [6, 7, 'read', 'a', 'done']);
  fails([1, 2, 'read', 'a', 'done'], [3, Infinity, 'put', 'a', 'unknown']);
});

test('of two that create one object, one does', () => {
  fails([1, 10, 'put', 'a', 'done', ABSENT], [2, 9, 'put', 'b', 'done', ABSENT]);
  holds([1, 10, 'put', 'a', 'done', ABSENT], [2, 9, 'put', 'b', 'failed', ABSENT]);
  holds([1, 10, 'put', 'a', 'done', ABSENT], [2, 9, 'put', 'b', 'unknown', ABSENT], [11, 12, 'read', 'a', 'done']);
  fails([1, 10, 'put', 'a', 'done', ABSENT], [2, Infinity, 'put', 'b', 'unknown', ABSENT], [11, 12, 'read', 'a', 'done'], [13, 14, 'read', 'b', 'done']);
  holds([1, 10, 'put', 'a', 'done', ABSENT], [2, 9, 'put', 'b', 'done', { match: 'a' }], [11, 12, 'read', 'b', 'done']);
  fails([1, 2, 'put', 'a', 'done'], [3, 4, 'put', 'b', 'failed', { match: 'a' }]);
});

test('metadata goes with the data it was posted to', () => {
  holds([1, 2, 'put', 'a', 'done'], [3, 4, 'post', 'm', 'done'], [5, 6, 'read', 'a/m', 'done'], [7, 8, 'put', 'b', 'done'], [9, 10, 'read', 'b', 'done']);
  fails([1, 2, 'put', 'a', 'done'], [3, 4, 'post', 'm', 'done'], [5, 6, 'read', 'a', 'done']);
  fails([1, 2, 'put', 'a', 'done'], [3, 4, 'post', 'm', 'done'], [5, 6, 'put', 'b', 'done'], [7, 8, 'read', 'b/m', 'done']);
});

test('where nothing fits, it says how far it came', () => {
  const verdict = checkRegister(history([1, 2, 'put', 'a', 'done'], [3, 4, 'read', 'b', 'done']));
  assert(verdict.holds === false);
  assert.deepEqual([verdict.longest.map(({ id }) => id), verdict.stuck.map(({ id }) => id)], [[0], [1]]);
});

test('many operations without an answer do not hide what is wrong, nor take for ever', () => {
  const puts = Array.from({ length: 40 }, (_, i): Line => [i + 1, Infinity, 'put', `u${i}`, 'unknown']);
  const deletes = Array.from({ length: 40 }, (_, i): Line => [i + 50, Infinity, 'delete', undefined, 'unknown']);
  holds(...puts, ...deletes, [100, 101, 'read', 'u7', 'done'], [102, 103, 'read', undefined, 'missing'], [104, 105, 'read', 'u9', 'done'], [106, 107, 'put', 'x', 'failed', ABSENT]);
  fails(...puts, ...deletes, [100, 101, 'read', 'u7', 'done'], [102, 103, 'read', undefined, 'missing'], [104, 105, 'read', 'u7', 'done']);
  fails(...puts, [100, 101, 'read', 'u7', 'done'], [102, 103, 'read', undefined, 'missing']);
});

test('it begins with what is known to be there, and S3 deletes what is gone', () => {
  assert.equal(checkRegister(history([1, 2, 'read', 'a', 'done']), { value: 'a', meta: 'a' }).holds, true);
  assert.equal(checkRegister(history([1, 2, 'read', 'a', 'done']), { value: 'b', meta: 'b' }).holds, false);
  holds([1, 2, 'delete', undefined, 'done', { match: 'a', orAbsent: true }]);
  fails([1, 2, 'put', 'b', 'done'], [3, 4, 'delete', undefined, 'done', { match: 'a', orAbsent: true }]);
});

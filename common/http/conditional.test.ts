import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateConditions, formatHttpDate, matchesEtag, parseHttpDate } from './conditional.ts';

const representation = { etags: ['abc'], modifiedSeconds: 784_111_777 };

test('an entity tag matches bare, quoted, weak, in a list, or by the star', () => {
  for (const header of ['abc', '"abc"', 'W/"abc"', '"x", "abc"', '*']) assert.equal(matchesEtag(header, ['abc']), true, header);
  for (const header of ['', '"ab"', '"abcd"', 'x,y']) assert.equal(matchesEtag(header, ['abc']), false, header);
});

test('the three forms of HTTP date are one instant', () => {
  for (const text of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])
    assert.equal(parseHttpDate(text), 784_111_777, text);
  assert.equal(parseHttpDate('not a date'), undefined);
  assert.equal(formatHttpDate(784_111_777), 'Sun, 06 Nov 1994 08:49:37 GMT');
});

test('If-Match is asked before the dates, and If-None-Match beats If-Modified-Since', () => {
  const before = formatHttpDate(784_111_776);
  const after = formatHttpDate(784_111_778);
  assert.equal(evaluateConditions({ ifMatch: 'abc', ifUnmodifiedSince: before }, representation), 'proceed');
  assert.equal(evaluateConditions({ ifMatch: 'x' }, representation), 'precondition-failed');
  assert.equal(evaluateConditions({ ifUnmodifiedSince: before }, representation), 'precondition-failed');
  assert.equal(evaluateConditions({ ifUnmodifiedSince: after }, representation), 'proceed');
  assert.equal(evaluateConditions({ ifNoneMatch: 'abc' }, representation), 'not-modified');
  assert.equal(evaluateConditions({ ifNoneMatch: 'x', ifModifiedSince: after }, representation), 'proceed');
  assert.equal(evaluateConditions({ ifModifiedSince: after }, representation), 'not-modified');
  assert.equal(evaluateConditions({ ifModifiedSince: before }, representation), 'proceed');
  assert.equal(evaluateConditions({ ifModifiedSince: 'gibberish' }, representation), 'proceed');
});

test('where dates count beside tags, a date that fails decides', () => {
  const before = formatHttpDate(784_111_776);
  assert.equal(evaluateConditions({ ifMatch: 'abc', ifUnmodifiedSince: before }, representation, true), 'precondition-failed');
});

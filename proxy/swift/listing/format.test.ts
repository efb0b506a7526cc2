import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Timestamp } from '#common';
import type { ListingRow } from '#storage-node/protocol';
import { Refusal } from '../refusal.ts';
import { formatListing, listingFormat, OBJECT_ROWS } from './format.ts';
import { listingQuery } from './query.ts';

const row = (name: string, more: Partial<ListingRow> = {}): ListingRow => ({
  name,
  timestamp: 170_000_000_012_345 as Timestamp,
  deleted: false,
  metaTimestamp: 170_000_000_012_345 as Timestamp,
  bytes: 4,
  count: 1,
  policy: 0,
  etag: 'abc',
  contentType: 'text/plain; charset="utf-8"',
  ...more,
});
const root = { element: 'container', name: 'a&b' };

test('a listing in JSON is what JSON.parse reads back, whatever the names', () => {
  const names = ['plain', 'quo"te', 'back\\slash', 'new\nline', '한글', '\u{1f600}', '\u0001'];
  const text = formatListing('application/json', [...names.map((name) => row(name)), { subdir: 'dir/"x"/' }], OBJECT_ROWS, root);
  const parsed = JSON.parse(text) as { name?: string; subdir?: string; last_modified?: string; content_type?: string; hash?: string; bytes?: number }[];
  assert.deepEqual(parsed.slice(0, -1).map((entry) => entry.name), names);
  assert.deepEqual(parsed[0], { bytes: 4, content_type: 'text/plain; charset="utf-8"', hash: 'abc', last_modified: '2023-11-14T22:13:20.123450', name: 'plain' });
  assert.deepEqual(parsed.at(-1), { subdir: 'dir/"x"/' });
});

test('rows of one second keep their own fractions, and the newer of data and metadata is shown', () => {
  const rows = [row('a'), row('b', { timestamp: 170_000_000_099_999 as Timestamp, metaTimestamp: 170_000_000_099_999 as Timestamp }), row('c', { metaTimestamp: 170_000_000_100_000 as Timestamp })];
  const parsed = JSON.parse(formatListing('application/json', rows, OBJECT_ROWS, root)) as { last_modified: string }[];
  assert.deepEqual(parsed.map((entry) => entry.last_modified), ['2023-11-14T22:13:20.123450', '2023-11-14T22:13:20.999990', '2023-11-14T22:13:21.000000']);
});

test('text has a name a line, XML escapes what it must', () => {
  assert.equal(formatListing('text/plain', [row('a'), { subdir: 'd/' }], OBJECT_ROWS, root), 'a\nd/\n');
  assert.equal(formatListing('text/plain', [], OBJECT_ROWS, root), '');
  const xml = formatListing('application/xml', [row('<&>"')], OBJECT_ROWS, root);
  assert.match(xml, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<container name="a&amp;b"><object><name>&lt;&amp;&gt;/);
});

test('the format is what `format` says, else what Accept likes best, else text', () => {
  assert.equal(listingFormat('json', 'text/xml'), 'application/json');
  assert.equal(listingFormat('bogus', undefined), 'text/plain');
  assert.equal(listingFormat(undefined, undefined), 'text/plain');
  assert.equal(listingFormat(undefined, 'application/json'), 'application/json');
  assert.equal(listingFormat(undefined, 'application/xml, application/json;q=0.9'), 'application/xml');
  assert.equal(listingFormat(undefined, '*/*'), 'text/plain');
  assert.equal(listingFormat(undefined, 'text/plain;q=0.5, */*;q=0.8'), 'application/json');
  assert.throws(() => listingFormat(undefined, 'image/png'), (error) => error instanceof Refusal && error.status === 406);
  assert.throws(() => listingFormat(undefined, 'nonsense'), (error) => error instanceof Refusal && error.status === 400);
});

test('a limit above the largest is refused, what is no number is ignored', () => {
  const limitOf = (limit: string): number => listingQuery(new Map([['limit', limit]]), 10_000).limit;
  assert.equal(limitOf('5'), 5);
  assert.equal(limitOf('0'), 0);
  for (const text of ['abc', '-1', '', '1.5']) assert.equal(limitOf(text), 10_000, text);
  assert.throws(() => limitOf('10001'), (error) => error instanceof Refusal && error.status === 412);
});

test('reverse is what Swift takes for yes', () => {
  for (const [text, reverse] of [['true', true], ['TRUE', true], ['1', true], ['on', true], ['t', true], ['y', true], ['yes', true], ['2', false], ['no', false], ['', false]] as const) {
    assert.equal(listingQuery(new Map([['reverse', text]]), 10).reverse, reverse, text);
  }
});

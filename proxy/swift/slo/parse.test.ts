import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../refusal.ts';
import { parseManifest, rangeWithin } from './parse.ts';

const parse = (entries: unknown): unknown => parseManifest(typeof entries === 'string' ? entries : JSON.stringify(entries), 'c/self');
const refused = (entries: unknown, text: RegExp): void => {
  assert.throws(() => parse(entries), (error) => error instanceof Refusal && error.status === 400 && text.test(error.body), `${JSON.stringify(entries)} ${text}`);
};

test('a manifest names objects, or holds data beside them', () => {
  assert.deepEqual(parse([{ path: '/c/o', etag: 'abc', size_bytes: '12', range: '2-' }, { path: 'c/o', etag: null, size_bytes: null }, { data: 'aGk' }]), [
    { path: '/c/o', etag: 'abc', sizeBytes: 12, range: { first: 2, last: undefined } },
    { path: 'c/o', etag: undefined, sizeBytes: undefined, range: undefined },
    { data: 'aGk=' },
  ]);
  assert.deepEqual(parse([]), []);
});

test('what is no manifest is refused, with every entry that is wrong', () => {
  refused('{', /^Manifest must be valid JSON/);
  refused({}, /^Manifest must be a list/);
  refused([1, { path: 'c/o', teag: 'x' }], /Index 0: not a JSON object\nIndex 1: extraneous keys "teag"/);
  refused([{}], /expected keys to include one of/);
  refused([{ path: 5 }], /"path" must be a string/);
  refused([{ path: '/onlycontainer/' }], /path does not refer to an object/);
  refused([{ path: 'c/o', etag: 5 }], /"etag" must be a string or null/);
  refused([{ path: 'c/o', size_bytes: 'x' }], /invalid size_bytes/);
  refused([{ path: 'c/o', size_bytes: 0 }, { path: 'c/o' }], /Index 0: too small/);
  refused([{ path: '/c/self' }], /must not include itself/);
  refused([{ data: 'aGk=' }], /Inline data segments require at least one object-backed segment/);
  refused([{ path: 'c/o' }, { data: '***' }], /data must be valid base64/);
  refused([{ path: 'c/o' }, { data: '' }], /too small/);
});

test('the last segment may be empty', () => {
  assert.doesNotThrow(() => parse([{ path: 'c/o' }, { path: 'c/o', size_bytes: 0 }]));
});

test('ranges are one, and within what is there', () => {
  for (const range of ['x', '-', '5-2', 3]) refused([{ path: 'c/o', range }], /invalid range/);
  refused([{ path: 'c/o', range: '1-2,3-4' }], /multiple ranges/);
  refused([{ path: 'c/o', size_bytes: 10, range: '10-' }], /unsatisfiable range/);
  assert.deepEqual(rangeWithin({ first: undefined, last: 3 }, 10), { first: 7, last: 9 });
  assert.deepEqual(rangeWithin({ first: undefined, last: 30 }, 10), { first: 0, last: 9 });
  assert.deepEqual(rangeWithin({ first: 4, last: 99 }, 10), { first: 4, last: 9 });
  assert.equal(rangeWithin({ first: undefined, last: 0 }, 10), undefined);
});

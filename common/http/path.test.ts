import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuery, percentDecode, percentEncodePath, splitTarget } from './path.ts';

test('escapes and raw bytes decode to the same name', () => {
  assert.equal(percentDecode('/a%20b'), '/a b');
  assert.equal(percentDecode('/%ED%95%9C'), '/한');
  assert.equal(percentDecode('/\xed\x95\x9c'), '/한');
  assert.equal(percentDecode('/a%2Fb//c'), '/a/b//c');
  assert.equal(percentDecode('/100%'), '/100%');
  assert.equal(percentDecode('/%zz'), '/%zz');
});

test('bytes that are not UTF-8 are refused', () => {
  for (const raw of ['/%ff', '/%c3', '/%ed%a0%80', '/\xff']) assert.equal(percentDecode(raw), undefined, raw);
});

test('encoding keeps slashes and unreserved characters only', () => {
  assert.equal(percentEncodePath("a b/한'(~"), 'a%20b/%ED%95%9C%27%28~');
});

test('a query is read up to its first question mark, first value first', () => {
  assert.deepEqual(splitTarget('/a?b?c'), { path: '/a', query: 'b?c' });
  assert.deepEqual(splitTarget('http://host:8080/a?b'), { path: '/a', query: 'b' });
  assert.deepEqual(splitTarget('http://[::1/a'), { path: '/a', query: '' });
  assert.deepEqual([...parseQuery('a=1&b&a=2&c=x+y%2B')!], [['a', '1'], ['b', ''], ['c', 'x y+']]);
  assert.equal(parseQuery('a=%ff'), undefined);
});

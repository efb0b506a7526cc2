import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareNames, textAfterPrefix } from './name-order.ts';

const name = fc.string({ unit: fc.oneof(fc.constantFrom('a', 'b', '/', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{10ffff}'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })) });

test('names compare as the bytes of their UTF-8', () => {
  fc.assert(fc.property(name, name, (a, b) => assert.equal(Math.sign(compareNames(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)))));
});

test('the text after a prefix follows all that starts with it, and nothing lies between', () => {
  fc.assert(
    fc.property(name, name, (prefix, other) => {
      const after = textAfterPrefix(prefix);
      if (after === undefined) return;
      assert.ok(compareNames(prefix + other, after) < 0);
      if (compareNames(other, prefix) >= 0 && compareNames(other, after) < 0) assert.ok(other.startsWith(prefix));
    }),
  );
  assert.equal(textAfterPrefix(''), undefined);
  assert.equal(textAfterPrefix('a\u{10ffff}'), 'b');
  assert.equal(textAfterPrefix('\u{d7ff}'), '\u{e000}');
});

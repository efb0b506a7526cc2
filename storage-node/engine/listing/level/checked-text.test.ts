import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isStoreError } from '#common';
import { seal, unseal } from './checked-text.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const isCorrupt = (error: unknown): boolean => isStoreError(error, 'corrupt');

test('what was sealed comes back under its own key, and under no other', () => {
  fc.assert(
    fc.property(text, text, text, (key, value, other) => {
      assert.equal(unseal(key, seal(key, value)), value);
      if (other !== key) assert.throws(() => unseal(other, seal(key, value)), isCorrupt);
    }),
  );
});

test('any flipped bit of the stored bytes is noticed', () => {
  fc.assert(
    fc.property(text, text, fc.nat(), (key, value, at) => {
      const bytes = Buffer.from(seal(key, value));
      const bit = at % (bytes.length * 8);
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
      assert.throws(() => unseal(key, bytes.toString()), isCorrupt);
    }),
    { numRuns: 2000 },
  );
});

test('values of before there were checksums are taken as they are', () => {
  for (const value of ['123 0 5 0 0 3 abctext/plain', '{"id":"0000001"}', '[[1,1,2],0,"00",[],null]']) assert.equal(unseal('k', value), value);
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { asPartition, hashPath, partitionOf } from './hash-path.ts';

const salt = { prefix: 'p', suffix: 's' };

test('a key is the MD5 of prefix, path and suffix, as Swift makes it', () => {
  // Figures of swift.common.utils.hash_path with HASH_PATH_PREFIX=b'' and HASH_PATH_SUFFIX=b'endcap' (its own unit tests).
  const endcap = { prefix: '', suffix: 'endcap' };
  assert.equal(hashPath(endcap, 'a').toString('hex'), '1c84525acb02107ea475dcd3d09c2c58');
  assert.equal(hashPath(endcap, 'a', 'c').toString('hex'), '33379ecb053aa5c9e356c68997cbb59e');
  assert.equal(hashPath(endcap, 'a', 'c', 'o').toString('hex'), '06fbf0b514e5199dfc4e00f42eb5ea83');
  const expected = createHash('md5').update('p/ㄱ/😀/o s', 'utf8').digest('hex');
  assert.equal(hashPath({ prefix: 'p', suffix: '' }, 'ㄱ', '😀', 'o s').toString('hex'), expected);
});

test('the salt changes every key', () => {
  assert.notDeepEqual(hashPath(salt, 'a', 'c', 'o'), hashPath({ ...salt, prefix: '' }, 'a', 'c', 'o'));
  assert.notDeepEqual(hashPath(salt, 'a', 'c', 'o'), hashPath({ ...salt, suffix: '' }, 'a', 'c', 'o'));
});

test('a partition is the first bits of the key at every power', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.integer({ min: 1, max: 32 }), (key, power) => {
      const bits = Buffer.from(key).readUInt32BE(0).toString(2).padStart(32, '0');
      assert.equal(partitionOf(key, power), Number.parseInt(bits.slice(0, power), 2));
    }),
  );
});

test('a number outside the ring is no partition', () => {
  assert.equal(asPartition(255, 8), 255);
  for (const wrong of [-1, 256, 1.5, Number.NaN]) assert.throws(() => asPartition(wrong, 8), RangeError);
});

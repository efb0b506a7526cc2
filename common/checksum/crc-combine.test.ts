import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import { checksumsOf, combineCrc } from './index.ts';

test('CRCs of two pieces make the CRC of both laid end to end', () => {
  for (const algorithm of ['crc32', 'crc32c', 'crc64nvme'] as const) {
    for (let round = 0; round < 50; round++) {
      const [a, b] = [randomBytes(randomInt(0, 3000)), randomBytes(randomInt(0, 3000))];
      const digest = (...chunks: Buffer[]): Buffer => checksumsOf([algorithm], chunks)[algorithm];
      assert.deepEqual(combineCrc(algorithm, digest(a), digest(b), b.length), digest(a, b), `${algorithm} of ${a.length} and ${b.length} bytes`);
    }
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './parser-fuzz.ts';

test('whatever a parser is given, it takes or refuses in the words of the dialect', { timeout: 120_000 }, async (t) => {
  const seed = Number(process.env['GORI_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`node --expose-gc proxy/swift/parser-fuzz.ts --inputs 20000 --seed ${seed}`);
  const { taken, refused } = await fuzz({ inputs: 20_000, seed });
  assert.ok(taken > 2000 && refused > 2000, `${taken} taken, ${refused} refused: most of it would be noise if little succeeded`);
});

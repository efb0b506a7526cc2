import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '#common';
import { DEFAULT_POLICY, PolicySet, quorumSize } from './policy.ts';

test('any two quorums of the same replicas share one', () => {
  for (let replicas = 1; replicas <= 20; replicas++) {
    assert.ok(2 * quorumSize(replicas) > replicas, `${replicas} replicas`);
    assert.ok(2 * (quorumSize(replicas) - 1) <= replicas, `${replicas} replicas: no larger than it must be`);
  }
});

test('policies are found by index, and by name or alias in any case', () => {
  const silver = { ...DEFAULT_POLICY, index: 3, name: 'silver', aliases: ['argent'], default: false };
  const policies = new PolicySet([silver, DEFAULT_POLICY]);
  assert.equal(policies.byIndex(3), silver);
  assert.equal(policies.byName('ARGENT'), silver);
  assert.equal(policies.default, DEFAULT_POLICY);
  assert.deepEqual([...policies].map((policy) => policy.index), [0, 3]);
  assert.throws(() => policies.byIndex(7), (error) => isStoreError(error, 'policy-unknown'));
  assert.throws(() => policies.byName('gold'), (error) => isStoreError(error, 'policy-unknown'));
});

test('a set of policies names all its faults at once', () => {
  const second = { ...DEFAULT_POLICY, aliases: ['a b'], deprecated: true };
  assert.throws(
    () => new PolicySet([DEFAULT_POLICY, second]),
    (error) =>
      isStoreError(error, 'bad-request') &&
      ['index 0 is used twice', '"Policy-0" is used twice', '"a b" has characters', '2 policies are the default'].every((fault) => error.message.includes(fault)),
  );
  assert.throws(() => new PolicySet([]), /0 policies are the default/);
});

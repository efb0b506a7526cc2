import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Evidence, type KeyEvidence } from './evidence.ts';

function put(evidence: Evidence, key: KeyEvidence, value: string, outcome: 'done' | 'unknown' = 'done'): void {
  evidence.end(evidence.begin(key, 'c', { kind: 'put', value }), outcome);
}

function glance(evidence: Evidence, key: KeyEvidence, value: string | undefined): void {
  key.glances.push({ from: evidence.now(), to: evidence.now(), value });
}

function wrong(tell: (evidence: Evidence, key: KeyEvidence) => void): number {
  const evidence = new Evidence();
  const key = evidence.key('k');
  tell(evidence, key);
  return key.judge().violations.length;
}

test('a listing shows what was answered before it was asked for', () => {
  assert.equal(wrong((evidence, key) => (put(evidence, key, 'a'), glance(evidence, key, 'a'))), 0);
  assert.equal(wrong((evidence, key) => (put(evidence, key, 'a'), glance(evidence, key, undefined))), 1);
  assert.equal(wrong((evidence, key) => (put(evidence, key, 'a'), put(evidence, key, 'b'), glance(evidence, key, 'a'))), 1);
  assert.equal(wrong((evidence, key) => (put(evidence, key, 'a'), put(evidence, key, 'b', 'unknown'), glance(evidence, key, 'b'), glance(evidence, key, 'a'))), 0);
  assert.equal(wrong((evidence, key) => glance(evidence, key, 'never written')), 1);
});

test('what was folded is still held against what is read later', () => {
  const fold = (evidence: Evidence, key: KeyEvidence): void => {
    put(evidence, key, 'a');
    put(evidence, key, 'late', 'unknown');
    key.fold({ value: 'a', meta: 'a' });
  };
  const read = (evidence: Evidence, key: KeyEvidence, value: string): void => evidence.end(evidence.begin(key, 'c', { kind: 'read' }), 'done', { value, meta: value });
  assert.equal(wrong((evidence, key) => (fold(evidence, key), read(evidence, key, 'a'))), 0);
  assert.equal(wrong((evidence, key) => (fold(evidence, key), read(evidence, key, 'a'), read(evidence, key, 'late'))), 0);
  assert.equal(wrong((evidence, key) => (fold(evidence, key), read(evidence, key, 'late'), read(evidence, key, 'a'))), 1);
  assert.equal(wrong((evidence, key) => (fold(evidence, key), evidence.end(evidence.begin(key, 'c', { kind: 'read' }), 'missing'))), 1);
});

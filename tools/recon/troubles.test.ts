import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Recon } from '#storage-node';
import { troublesOf } from './troubles.ts';

const HOUR_MS = 3_600_000;
const drive = { state: 'serving', sizeBytes: 100, freeBytes: 50, quarantined: 0, asyncPending: 3, policies: {} } as const;
const daemon = (report: object, lastFault?: string) => ({ name: 'object-replicator', passes: 1, lastPassAtMs: 0, lastPassTookMs: 1, lastDone: {}, totals: {}, lastFault, report });
const recon = (drives: Recon['devices'], report: object = {}, lastFault?: string): Recon => ({ time: 0, devices: drives, daemons: { 'object-replicator': daemon(report, lastFault) as Recon['daemons'][string] }, address: '', rings: {} });
const near = { fault: undefined, skewMs: 20, nowMs: 10 * HOUR_MS };

test('a node whose devices serve and whose replicators keep up has no troubles', () => {
  assert.deepEqual(troublesOf(recon({ d1: drive }, { devices: { 'd1/0': { inSyncAtMs: 9.5 * HOUR_MS } }, resting: [] }), near), []);
});

test('each trouble is named with the device that it is of', () => {
  assert.deepEqual(troublesOf(undefined, { ...near, fault: 'ECONNREFUSED' }), ['no answer: ECONNREFUSED']);
  const report = { devices: { 'd1/0': { inSyncAtMs: 7 * HOUR_MS }, 'd2/0': { firstPassAtMs: 8 * HOUR_MS } }, resting: ['d2'] };
  assert.deepEqual(troublesOf(recon({ d1: { ...drive, quarantined: 2 }, d2: { ...drive, state: 'fenced' } }, report, 'a bug'), { ...near, skewMs: -5000 }), [
    'its clock is -5000 ms from ours',
    'd1 has 2 quarantined',
    'd2 is fenced',
    'object-replicator fails: a bug',
    'object-replicator leaves d2 alone after a failure',
    'object-replicator: d1/0 was last in sync 180 min ago',
    'object-replicator: d2/0 was last in sync 120 min ago',
  ]);
});

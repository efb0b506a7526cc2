import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, ManualClock, runDaemon } from '#common';
import type { AuditStep } from '#storage-node/engine';
import { auditor, type Auditable } from './auditor.ts';

const log = createLog({ level: 'silent' });
const MEGABYTE = 1_000_000;
const HOUR_MS = 3_600_000;

/** A device whose audit takes so many steps of a megabyte; the last one finds something. */
class Engine implements Auditable {
  readonly requests = 0;
  steps = 0;
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
  }

  async audit(): Promise<AuditStep> {
    const done = ++this.steps % this.#length === 0;
    return { records: 10, entries: 0, bytes: MEGABYTE, damaged: done ? 1 : 0, brokenGroups: 0, unindexed: 0, done };
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise(setImmediate);
}

test('a device is read at the rate it is given, to its end, and again when the interval is over', async () => {
  const clock = new ManualClock();
  const engine = new Engine(30);
  const stop = new AbortController();
  const daemon = auditor({ objects: () => [{ device: 'd1', policy: 0, engine }], clock, log, bytesPerSecond: MEGABYTE, intervalMs: HOUR_MS });
  const { status, ended } = runDaemon(daemon, { clock, signal: stop.signal, log });
  for (let second = 0; second < 10; second++) {
    await settled();
    assert.equal(engine.steps, second + 1, 'one megabyte a second');
    clock.wind(1000);
  }
  for (let second = 10; second < 60; second++) {
    await settled();
    clock.wind(1000);
  }
  assert.equal(engine.steps, 30);
  assert.equal(status.totals['damaged'], 1);
  const report = status.report()['devices'] as Record<string, { passes: number; records: number; damaged: number; beganAtMs?: number }>;
  assert.deepEqual([report['d1/0']?.passes, report['d1/0']?.records, report['d1/0']?.damaged, report['d1/0']?.beganAtMs], [1, 300, 1, undefined]);
  for (let minute = 0; minute < 62; minute++) {
    clock.wind(60_000);
    await settled();
  }
  assert.ok(engine.steps > 30, 'it begins again after an hour');
  stop.abort();
  clock.wind(HOUR_MS);
  await ended;
});

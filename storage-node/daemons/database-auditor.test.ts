import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, ManualClock } from '#common';
import { databaseAuditor, type AuditableListings } from './database-auditor.ts';

const log = createLog({ level: 'silent' });

class Listings implements AuditableListings {
  #step = 0;
  readonly #wrong: number;

  constructor(wrong: number) {
    this.#wrong = wrong;
  }

  async audit(): Promise<{ rows: number; wrong: boolean; done: boolean }> {
    const step = this.#step++ % 4;
    return { rows: step === 3 ? 0 : 10, wrong: step === this.#wrong, done: step === 3 };
  }
}

test('each device has all of its databases looked at, and the next pass begins anew', async () => {
  const listings = [{ device: 'd1', engine: new Listings(1) }, { device: 'd2', engine: new Listings(-1) }];
  const daemon = databaseAuditor({ listings: () => listings, clock: new ManualClock(), log, intervalMs: 1000 });
  for (let pass = 0; pass < 2; pass++) {
    const { done, more } = await daemon.pass(new AbortController().signal);
    assert.deepEqual({ done, more }, { done: { databases: 6, rows: 60, wrong: 1, failed: 0 }, more: false });
  }
});

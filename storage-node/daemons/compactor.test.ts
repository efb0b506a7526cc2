import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, ManualClock, runDaemon, StoreError } from '#common';
import type { Compacted } from '#storage-node/engine';
import { compactor, type Compactable } from './compactor.ts';

const log = createLog({ level: 'silent' });
const STEP_MS = 100;

/** An engine with so many volumes to empty, each a step of 100 ms by the clock; `clients` are served while it works. */
class Engine implements Compactable {
  requests = 0;
  steps = 0;
  readonly #clock: ManualClock;
  #volumes: number;
  clients = 0;

  constructor(clock: ManualClock, volumes: number) {
    this.#clock = clock;
    this.#volumes = volumes;
  }

  async compact(): Promise<Compacted> {
    this.steps++;
    this.requests += this.clients;
    if (this.#volumes === 0) return { volume: undefined, copiedBytes: 0, freedBytes: 0 };
    this.#clock.wind(STEP_MS);
    return { volume: this.#volumes--, copiedBytes: 10, freedBytes: 100 };
  }
}

const place = (engine: Compactable): { device: string; policy: number; engine: Compactable } => ({ device: 'd1', policy: 0, engine });

/** Lets everything run that waits for no clock. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
}

test('where nobody is served, all volumes that are worth it are emptied at once', async () => {
  const clock = new ManualClock();
  const engine = new Engine(clock, 3);
  const stop = new AbortController();
  const { status, ended } = runDaemon(compactor({ objects: () => [place(engine)], clock, log }), { clock, signal: stop.signal, log });
  await settled();
  assert.equal(engine.steps, 4, 'three volumes, and a look that finds no more');
  assert.deepEqual(status.lastDone, { volumes: 0, copiedBytes: 0, freedBytes: 0, failed: 0 });
  clock.wind(29_000);
  await settled();
  assert.equal(engine.steps, 4);
  clock.wind(1000);
  await settled();
  assert.equal(engine.steps, 5, 'it looks again after its interval');
  stop.abort();
  await ended;
});

test('beside clients it rests four times as long as it worked', async () => {
  const clock = new ManualClock();
  const engine = new Engine(clock, 3);
  engine.clients = 5;
  const stop = new AbortController();
  const { ended } = runDaemon(compactor({ objects: () => [place(engine)], clock, log }), { clock, signal: stop.signal, log });
  await settled();
  assert.equal(engine.steps, 1);
  clock.wind(4 * STEP_MS - 1);
  await settled();
  assert.equal(engine.steps, 1);
  clock.wind(1);
  await settled();
  assert.equal(engine.steps, 2);
  stop.abort();
  await ended;
  assert.equal(engine.steps, 2, 'a rest ends when the node stops');
});

test('a device that fails does not keep the others from being compacted', async () => {
  const clock = new ManualClock();
  const bad: Compactable = { requests: 0, compact: () => Promise.reject(new StoreError('device-unavailable', 'fenced')) };
  const good = new Engine(clock, 1);
  const { done, more } = await compactor({ objects: () => [{ ...place(bad), device: 'd2' }, place(good)], clock, log }).pass(new AbortController().signal);
  assert.deepEqual(done, { volumes: 1, copiedBytes: 10, freedBytes: 100, failed: 1 });
  assert(more);
});

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Gatherer, type Round } from './gatherer.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A round of `writes` on one device, closed when it has been waited for. */
async function round(gatherer: Gatherer, writes: number): Promise<void> {
  const rounds = Array.from({ length: writes }, () => gatherer.join());
  await gatherer.wait(rounds[0]!);
}

/** Whether a promise is settled a few turns of the event loop later. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  for (let i = 0; i < 3; i++) await turn();
  return settled;
}

test('a lone writer waits for nothing', async () => {
  const gatherer = new Gatherer({ gatherUs: 10_000_000 });
  for (let i = 0; i < 5; i++) assert(await isSettled(gatherer.wait(gatherer.join())));
});

test('where many came lately a device waits for as many, on whichever device they come', async () => {
  const gatherer = new Gatherer({ gatherUs: 10_000_000 });
  await round(gatherer, 12);
  const first = gatherer.wait(gatherer.join());
  const second = gatherer.wait(gatherer.join());
  assert(!(await isSettled(Promise.race([first, second]))));
  for (let i = 0; i < 9; i++) gatherer.join();
  assert(!(await isSettled(Promise.race([first, second]))));
  gatherer.join();
  await Promise.all([first, second]);
});

test('it waits no longer than it was told', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const gatherer = new Gatherer({ gatherUs: 2000 });
    await round(gatherer, 12);
    const waiting = gatherer.wait(gatherer.join());
    assert(!(await isSettled(waiting)));
    mock.timers.tick(2);
    assert(await isSettled(waiting));
  } finally {
    mock.timers.reset();
  }
});

test('a device that was busy when its round closed goes on at once', async () => {
  const gatherer = new Gatherer({ gatherUs: 10_000_000 });
  const late: Round = gatherer.join();
  await round(gatherer, 12);
  gatherer.join();
  assert(await isSettled(gatherer.wait(late)));
});

test('what came once in a crowd is forgotten when fewer come', async () => {
  const gatherer = new Gatherer({ gatherUs: 1 });
  await round(gatherer, 48);
  for (let i = 0; i < 60; i++) await round(gatherer, 1);
  const patient = new Gatherer({ gatherUs: 10_000_000 });
  await round(patient, 8);
  assert(await isSettled(patient.wait(patient.join())), 'eight are not waited for');
  assert(await isSettled(gatherer.wait(gatherer.join())));
});

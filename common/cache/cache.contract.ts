/** What every cache promises, run against each of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cache } from './cache.ts';

export interface CacheFixture {
  cache: Cache;
  /** Lets `ms` pass, by winding a clock or by waiting. */
  pass: (ms: number) => Promise<void>;
  close: () => Promise<void>;
}

export function cacheContract(name: string, open: () => Promise<CacheFixture>, options: { skip?: string | false } = {}): void {
  const run = (title: string, body: (fixture: CacheFixture) => Promise<void>): void => {
    test(`${name}: ${title}`, { skip: options.skip ?? false }, async () => {
      const fixture = await open();
      try {
        await body(fixture);
      } finally {
        await fixture.close();
      }
    });
  };

  run('a value comes back until it is deleted', async ({ cache }) => {
    assert.equal(await cache.get('a'), undefined);
    await cache.set('a', { n: 1, text: '한' }, 60_000);
    assert.deepEqual(await cache.get('a'), { n: 1, text: '한' });
    await cache.delete('a');
    assert.equal(await cache.get('a'), undefined);
  });

  run('a value is gone after its time to live', async ({ cache, pass }) => {
    await cache.set('a', { n: 1 }, 20);
    await pass(60);
    assert.equal(await cache.get('a'), undefined);
  });

  run('the last value set is the one that comes back', async ({ cache }) => {
    await cache.set('a', { n: 1 }, 60_000);
    await cache.set('a', { n: 2 }, 60_000);
    assert.deepEqual(await cache.get('a'), { n: 2 });
  });

  run('many keys do not mix', async ({ cache }) => {
    await Promise.all(Array.from({ length: 200 }, (_, i) => cache.set(`key-${i}`, { i }, 60_000)));
    for (let i = 0; i < 200; i++) assert.deepEqual(await cache.get(`key-${i}`), { i });
  });
}

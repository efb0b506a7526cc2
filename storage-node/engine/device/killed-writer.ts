/** The process that kill.test.ts kills: writes to a device as fast as it can, and prints each write that was acknowledged. */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { systemClock, timestampFromMs } from '#common';
import { openDevice } from './device.ts';

const [directory, round] = process.argv.slice(2) as [string, string];
const device = await openDevice({ directory, clock: systemClock, settings: { volumeBytes: 4 << 20, checkpointBytes: 256 << 10, flushEntries: 50, reserveBytes: 0 } });
const engine = device.objects(0);

async function writer(worker: number): Promise<void> {
  for (let i = 0; ; i++) {
    const name = `/a/c/${worker}-${i % 40}`;
    const key = createHash('md5').update(name).digest();
    const timestamp = timestampFromMs(systemClock.nowMs());
    const data = Buffer.alloc(i % 25 === 24 ? 1_500_000 : 100 + i, `${round} ${name} ${i}. `);
    const gone = i % 7 === 6;
    const receipt = gone ? await engine.delete({ key, name, timestamp }) : await engine.put({ key, name, timestamp, metadata: { ETag: createHash('md5').update(data).digest('hex') }, data });
    if (receipt.outcome === 'committed') writeSync(1, `${JSON.stringify({ name, timestamp, etag: gone ? '' : createHash('md5').update(data).digest('hex') })}\n`);
    if (i % 60 === 59) await engine.compact();
  }
}

await Promise.all(Array.from({ length: 8 }, (_, worker) => writer(worker)));

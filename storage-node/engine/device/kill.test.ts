import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock, type Timestamp } from '#common';
import { openDevice } from './device.ts';

interface Acknowledged {
  readonly name: string;
  readonly timestamp: Timestamp;
  /** '' for a delete. */
  readonly etag: string;
}

/** Runs the writer until so many writes were acknowledged, then kills it; answers the newest acknowledged for each name. */
async function writeAndKill({ directory, round, writes }: { directory: string; round: number; writes: number }, newest: Map<string, Acknowledged>): Promise<void> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./killed-writer.ts', import.meta.url)), directory, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const write = JSON.parse(line) as Acknowledged;
    newest.set(write.name, write);
    if (++count === writes) child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number, string];
  assert.equal(signal, 'SIGKILL', 'the writer ended by itself');
}

test('a process killed in the middle of its writes loses none that it acknowledged, five times over', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gori-kill-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const newest = new Map<string, Acknowledged>();
  for (let round = 1; round <= 5; round++) {
    await writeAndKill({ directory, round, writes: 150 + 211 * round }, newest);
    if (round === 4) rmSync(join(directory, '0', 'index'), { recursive: true });
    await using device = await openDevice({ directory, clock: systemClock });
    for (const { name, timestamp, etag } of newest.values()) {
      const key = createHash('md5').update(name).digest();
      const info = await device.objects(0).info(key);
      assert(info !== undefined && info.timestamp >= timestamp, `${name} of ${timestamp} is lost`);
      if (info.timestamp === timestamp) assert.equal(info.metadata['ETag'] ?? '', etag);
      await using reader = await device.objects(0).open(key);
      const hash = createHash('md5');
      for await (const chunk of reader?.read(0, reader.info.sizeBytes) ?? []) hash.update(chunk);
      if (reader) assert.equal(hash.digest('hex'), reader.info.metadata['ETag'], `${name} came back changed`);
    }
  }
});

/** Waiting for what happens by itself beside a request, in turns of the event loop and with a limit. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves as soon as `holds` does; rejects with `what` after `limitMs`. */
export async function eventually(what: string, holds: () => Promise<boolean> | boolean, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await sleep(5);
  }
}

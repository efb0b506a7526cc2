/** What runs in a worker thread for each body: takes pieces until the end, or until the port closes, and answers the checksums. */
import { checksumState } from './algorithms.ts';
import type { ChecksumTask, FromWorker, ToWorker } from './worker-hasher.ts';

export default function checksumBody({ port, algorithms }: ChecksumTask): Promise<Record<string, Uint8Array>> {
  const states = algorithms.map((algorithm) => [algorithm, checksumState(algorithm)] as const);
  return new Promise((resolve) => {
    port.on('message', (message: ToWorker) => {
      if (message === 'end') {
        resolve(Object.fromEntries(states.map(([algorithm, state]) => [algorithm, state.digest()])));
        port.close();
        return;
      }
      if ('shared' in message) {
        for (const [, state] of states) state.update(message.shared);
        port.postMessage('hashed' satisfies FromWorker);
        return;
      }
      const { slab, length } = message;
      for (const [, state] of states) state.update(slab.subarray(0, length));
      port.postMessage(slab satisfies FromWorker, [slab.buffer]);
    });
    // Closed by the sender before the end: the body was given up, and nobody waits for an answer.
    port.on('close', () => resolve({}));
  });
}

/**
 * Decompresses bzip2 in a thread of its own: a block holds its thread for a tenth of a second. The decoder pulls, byte by byte, so the
 * thread sleeps where there is no input, or where what it wrote was not taken: some bytes of input may stand for gigabytes.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import bunzip from 'seek-bzip';
import type { FromBunzip, ToBunzip } from './bunzip.ts';

const OUTPUT_BYTES = 256 << 10;
/** Chunks of output that nobody has taken yet. */
const MAX_AHEAD = 4;

const port = parentPort!;
/** How many messages were sent to us, and how many chunks of ours were taken. */
const [arrived, taken] = [0, 1];
const counters = new Int32Array((workerData as { counters: SharedArrayBuffer }).counters);

const say = (message: FromBunzip): void => port.postMessage(message);

let chunk: Uint8Array | undefined = new Uint8Array(0);
let at = 0;

/** Whether there is a byte at `at`; waits for more input. */
function filled(): boolean {
  while (chunk !== undefined && at >= chunk.length) {
    const seen = Atomics.load(counters, arrived);
    const received = receiveMessageOnPort(port) as { message: ToBunzip } | undefined;
    if (received === undefined) {
      Atomics.wait(counters, arrived, seen);
      continue;
    }
    chunk = received.message.input;
    at = 0;
    if (chunk !== undefined) say({ took: true });
  }
  return chunk !== undefined;
}

let output = new Uint8Array(OUTPUT_BYTES);
let length = 0;
let sent = 0;

function flush(): void {
  for (;;) {
    const count = Atomics.load(counters, taken);
    if (sent - count < MAX_AHEAD) break;
    Atomics.wait(counters, taken, count);
  }
  sent++;
  say({ output: output.subarray(0, length) });
  output = new Uint8Array(OUTPUT_BYTES);
  length = 0;
}

const input = {
  readByte: () => (filled() ? chunk![at++]! : -1),
  read: (buffer: Uint8Array, offset: number, wanted: number) => {
    let count = 0;
    while (count < wanted && filled()) buffer[offset + count++] = chunk![at++]!;
    return count === 0 ? -1 : count;
  },
  eof: () => !filled(),
};

try {
  bunzip.decode(input, {
    writeByte: (byte) => {
      output[length++] = byte;
      if (length === OUTPUT_BYTES) flush();
    },
  }, true);
  if (length > 0) flush();
  say({ done: true });
} catch (error) {
  say({ fault: error instanceof Error ? error.message : String(error) });
}

/** A bzip2 stream as what it holds, decompressed beside this thread, no further ahead than it is read. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { StoreError } from '#common';

/** Undefined: the end. */
export interface ToBunzip {
  readonly input: Uint8Array | undefined;
}

export type FromBunzip = { readonly output: Uint8Array } | { readonly took: true } | { readonly done: true } | { readonly fault: string };

/** Chunks of input that the worker has not taken yet. */
const MAX_QUEUED = 4;
const WORKER_MIB = 64;

/** Throws `bad-request` for what is no bzip2; a fault of the source as it is. */
export async function* bunzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const counters = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL('./bunzip-worker.ts', import.meta.url), { workerData: { counters: counters.buffer }, resourceLimits: { maxOldGenerationSizeMb: WORKER_MIB } });
  const bump = (counter: 0 | 1): void => {
    Atomics.add(counters, counter, 1);
    Atomics.notify(counters, counter);
  };
  const received: (FromBunzip | { readonly error: unknown })[] = [];
  let queued = 0;
  const news = new EventTarget();
  const tell = (): void => void news.dispatchEvent(new Event('news'));
  worker.on('message', (message: FromBunzip) => {
    if ('took' in message) queued--;
    else received.push(message);
    tell();
  });
  worker.on('error', (error: Error) => {
    received.push({ fault: error.message });
    tell();
  });
  const send = (input: Uint8Array | undefined): void => {
    queued++;
    worker.postMessage({ input } satisfies ToBunzip);
    bump(0);
  };
  let over = false;
  const feeding = feed(source, send, async () => {
    while (queued >= MAX_QUEUED && !over) await once(news, 'news');
    return over;
  });
  // Its fault is thrown below, after what it fed.
  feeding.catch((error: unknown) => {
    received.push({ error });
    tell();
  });
  try {
    for (;;) {
      const message = received.shift();
      if (message === undefined) await once(news, 'news');
      else if ('output' in message) {
        bump(1);
        yield Buffer.from(message.output.buffer, message.output.byteOffset, message.output.byteLength);
      } else if ('done' in message) return;
      else if ('fault' in message) throw new StoreError('bad-request', message.fault);
      else if ('error' in message) throw message.error;
    }
  } finally {
    over = true;
    tell();
    await worker.terminate();
  }
}

/** Sends the source chunk by chunk, as the worker takes them, and its end. */
async function feed(source: AsyncIterable<Buffer>, send: (input: Uint8Array | undefined) => void, isOver: () => Promise<boolean>): Promise<void> {
  for await (const chunk of source) {
    if (await isOver()) return;
    send(chunk);
  }
  send(undefined);
}

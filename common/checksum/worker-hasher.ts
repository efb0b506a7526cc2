/**
 * A body hashed in a worker: one long task of the pool for each body, fed over a MessagePort, so that all of its state stays in
 * one thread. Many bodies share a worker.
 */
import { availableParallelism } from 'node:os';
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { StoreError } from '../errors.ts';
import { isShared } from '../stream/slabs.ts';
import type { ChecksumAlgorithm } from './algorithms.ts';
import type { Hasher } from './hasher.ts';

/** What a worker is given for a body. */
export interface ChecksumTask {
  readonly port: MessagePort;
  readonly algorithms: readonly ChecksumAlgorithm[];
}

/**
 * To the worker: a slab and how much of it is filled, bytes in shared memory, or the end. From it: the slab, when its bytes are
 * hashed, or word that the oldest shared bytes are.
 */
export type ToWorker = { readonly slab: Uint8Array<ArrayBuffer>; readonly length: number } | { readonly shared: Uint8Array<SharedArrayBuffer> } | 'end';
export type FromWorker = Uint8Array<ArrayBuffer> | 'hashed';

/** Bytes travel in slabs that go to and fro: fewer messages than chunks, and no memory to allocate and page in for each. */
const SLAB_BYTES = 256 << 10;
/** Slabs of one body on their way before `update` makes its caller wait. */
const WINDOW_SLABS = 4;
const MAX_FREE_SLABS = 16;
const BODIES_PER_WORKER = 64;
const IDLE_TIMEOUT_MS = 10_000;

const freeSlabs: Uint8Array<ArrayBuffer>[] = [];

let pool: Piscina<ChecksumTask, Record<string, Uint8Array>> | undefined;

/** Started by the first large body; its threads end when there was nothing to do for a while. */
function workers(): NonNullable<typeof pool> {
  pool ??= new Piscina({
    filename: new URL('./checksum-worker.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: availableParallelism(),
    concurrentTasksPerWorker: BODIES_PER_WORKER,
    idleTimeout: IDLE_TIMEOUT_MS,
    atomics: 'disabled',
  });
  return pool;
}

/** Ends the worker threads at once; the next large body starts new ones. */
export async function closeChecksumWorkers(): Promise<void> {
  const closing = pool;
  pool = undefined;
  await closing?.destroy();
}

export class WorkerHasher<A extends ChecksumAlgorithm> implements Hasher<A> {
  readonly #port: MessagePort;
  readonly #digests: Promise<Record<string, Uint8Array>>;
  #slabsAway = 0;
  #slab: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #wake: (() => void) | undefined;
  /** Callers whose shared bytes are not hashed yet, oldest first. */
  readonly #sharing: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #failure: Error | undefined;

  constructor(algorithms: readonly A[]) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#port.on('message', (slab: FromWorker) => {
      if (slab === 'hashed') return this.#hashed();
      this.#slabsAway--;
      keepSlab(slab);
      this.#resume();
    });
    // Only a caller who waits keeps the process alive, not a body that nobody ends.
    this.#port.unref();
    // piscina's type for a transfer list takes the wrong overload of postMessage.
    const transferList = [port2] as object;
    this.#digests = workers().run({ port: port2, algorithms }, { transferList });
    this.#digests.catch((cause: unknown) => {
      this.#failure = new StoreError('internal', 'a checksum worker failed', { cause });
      this.#resume();
    });
  }

  update(chunk: Buffer): void | Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (isShared(chunk)) return this.#share(chunk);
    const taken = this.#fill(chunk);
    if (taken < chunk.length) return this.#fillLater(chunk.subarray(taken));
  }

  async digest(): Promise<Record<A, Buffer>> {
    this.#send();
    this.#port.postMessage('end' satisfies ToWorker);
    try {
      const digests = await this.#digests;
      return Object.fromEntries(Object.entries(digests).map(([algorithm, bytes]) => [algorithm, Buffer.from(bytes)])) as Record<A, Buffer>;
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      for (let late = receiveMessageOnPort(this.#port); late; late = receiveMessageOnPort(this.#port)) {
        const message = late.message as FromWorker;
        if (message === 'hashed') this.#hashed();
        else keepSlab(message);
      }
      this.#port.close();
    }
  }

  /** Closing the port ends the worker's task. */
  abort(): void {
    this.#failure ??= new StoreError('internal', 'the checksum was given up');
    this.#port.close();
    this.#resume();
  }

  /** Shared bytes are hashed where they are; resolves when they have been, since their owner may want to use the memory again. */
  #share(shared: Uint8Array<SharedArrayBuffer>): Promise<void> {
    this.#send();
    return new Promise((resolve, reject) => {
      this.#port.ref();
      this.#sharing.push({ resolve, reject });
      this.#port.postMessage({ shared } satisfies ToWorker);
    });
  }

  #hashed(): void {
    this.#sharing.shift()?.resolve();
    if (this.#sharing.length === 0) this.#port.unref();
  }

  /** Copies into slabs, so that the chunk stays whole here; answers how many bytes found room. */
  #fill(chunk: Buffer): number {
    let taken = 0;
    while (taken < chunk.length) {
      if (!this.#slab) {
        if (this.#slabsAway >= WINDOW_SLABS) break;
        this.#slab = freeSlabs.pop() ?? new Uint8Array(SLAB_BYTES);
      }
      const copied = chunk.copy(this.#slab, this.#filled, taken);
      taken += copied;
      this.#filled += copied;
      if (this.#filled === SLAB_BYTES) this.#send();
    }
    return taken;
  }

  async #fillLater(chunk: Buffer): Promise<void> {
    for (let rest = chunk; rest.length > 0; rest = rest.subarray(this.#fill(rest))) {
      await new Promise<void>((resolve) => {
        this.#port.ref();
        this.#wake = resolve;
      });
      if (this.#failure) throw this.#failure;
    }
  }

  #send(): void {
    if (!this.#slab) return;
    const message: ToWorker = { slab: this.#slab, length: this.#filled };
    this.#port.postMessage(message, [this.#slab.buffer]);
    this.#slabsAway++;
    this.#slab = undefined;
    this.#filled = 0;
  }

  #resume(): void {
    if (this.#failure) for (const { reject } of this.#sharing.splice(0)) reject(this.#failure);
    this.#port.unref();
    this.#wake?.();
    this.#wake = undefined;
  }
}

function keepSlab(slab: Uint8Array<ArrayBuffer>): void {
  if (freeSlabs.length < MAX_FREE_SLABS) freeSlabs.push(slab);
}

/**
 * Checksums of a body as it streams by: in this thread where it is small, in a worker where it is large, so that a large upload
 * does not hold up everybody else's requests.
 */
import { checksumState, type ChecksumAlgorithm } from './algorithms.ts';
import { WorkerHasher } from './worker-hasher.ts';

export interface Hasher<A extends ChecksumAlgorithm> {
  /**
   * Takes the next piece, which stays the caller's and must not be changed before the digest, or, where it is in shared memory, before
   * what this answers resolves: then its bytes are hashed. Wait for what it answers: back-pressure.
   */
  update(chunk: Buffer): void | Promise<void>;
  /** The checksum by each algorithm: bytes, big-endian. Once, after the last update. */
  digest(): Promise<Record<A, Buffer>>;
  /** Forgets everything, also after a failure. Harmless after the digest. */
  abort(): void;
}

/**
 * Up to this size a body is hashed where it is: MD5 of it holds this thread for 0.4 ms, and handing it to a worker holds it for
 * about 0.25 ms and costs twice the CPU. bench/common/checksum.bench.ts measures both.
 */
export const INLINE_BYTES = 256 << 10;

/** `sizeHint` is what the client declared; it is a hint, never trusted. */
export function createHasher<A extends ChecksumAlgorithm>(options: { algorithms: readonly A[]; sizeHint?: number | undefined }): Hasher<A> {
  const { algorithms, sizeHint } = options;
  return sizeHint !== undefined && sizeHint > INLINE_BYTES ? new WorkerHasher(algorithms) : new UndecidedHasher(algorithms);
}

/** The checksums of bytes that are all here. */
export function checksumsOf<A extends ChecksumAlgorithm>(algorithms: readonly A[], chunks: readonly Buffer[]): Record<A, Buffer> {
  const digests = algorithms.map((algorithm): [A, Buffer] => {
    const state = checksumState(algorithm);
    for (const chunk of chunks) state.update(chunk);
    return [algorithm, state.digest()];
  });
  return Object.fromEntries(digests) as Record<A, Buffer>;
}

/** Keeps what comes until it is over, and small, or has grown large enough for a worker. Hash states cannot move between threads. */
class UndecidedHasher<A extends ChecksumAlgorithm> implements Hasher<A> {
  readonly #algorithms: readonly A[];
  #chunks: Buffer[] = [];
  #size = 0;
  #worker: WorkerHasher<A> | undefined;

  constructor(algorithms: readonly A[]) {
    this.#algorithms = algorithms;
  }

  update(chunk: Buffer): void | Promise<void> {
    if (this.#worker) return this.#worker.update(chunk);
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size <= INLINE_BYTES) return;
    this.#worker = new WorkerHasher(this.#algorithms);
    const kept = this.#chunks;
    this.#chunks = [];
    return kept.map((earlier) => this.#worker!.update(earlier)).at(-1);
  }

  async digest(): Promise<Record<A, Buffer>> {
    return this.#worker ? this.#worker.digest() : checksumsOf(this.#algorithms, this.#chunks);
  }

  abort(): void {
    this.#chunks = [];
    this.#worker?.abort();
  }
}

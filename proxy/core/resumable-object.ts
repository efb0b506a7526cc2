/** An object open for reading that survives its device: a read that fails half-way goes on with another replica of the same version. */
import { compareStates } from '#storage-node/client';
import { isStoreError, StoreError, type Log } from '#common';
import type { ObjectInfo, ObjectReader } from '#storage-node/protocol';
import type { Placement, Replica } from './placement.ts';

/** An object open for reading; who opened it disposes it. */
export interface OpenObject extends AsyncDisposable {
  readonly info: ObjectInfo;
  /** The whole data where it is small; else undefined. */
  readonly data: Buffer | undefined;
  /** Bytes `start` up to `end`. Throws `unavailable` where no replica can go on. */
  read(start: number, end: number): AsyncGenerator<Buffer>;
}

export class ResumableObject implements OpenObject {
  readonly info: ObjectInfo;
  readonly data: Buffer | undefined;
  readonly #reader: ObjectReader;
  readonly #holder: Replica;
  readonly #placement: Placement;
  readonly #log: Log;

  constructor(reader: ObjectReader, holder: Replica, placement: Placement, log: Log) {
    this.info = reader.info;
    this.data = reader.data;
    this.#reader = reader;
    this.#holder = holder;
    this.#placement = placement;
    this.#log = log;
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    let at = start;
    try {
      for await (const chunk of this.#reader.read(start, end)) {
        at += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      if (!isStoreError(error, 'corrupt', 'device-unavailable')) throw error;
      this.#log.warn({ err: error, device: this.#holder.device.device, object: this.info.name, at }, 'a read failed half-way; going on with another replica');
    }
    for (const replica of this.#placement.replicas) {
      if (replica === this.#holder || replica.health.paused) continue;
      await using other = await replica.client.objects(this.#placement.policy).open(this.#placement.key).catch(() => undefined);
      if (other === undefined || compareStates(other.info, this.info) !== 0) continue;
      yield* other.read(at, end);
      return;
    }
    throw new StoreError('unavailable', 'the object could not be read to its end on any device');
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#reader[Symbol.asyncDispose]();
  }
}

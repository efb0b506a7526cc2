/** Open objects of another process: small ones are here already, large ones are read range by range under a lease. */
import type { IncomingMessage } from 'node:http';
import { StoreError } from '#common';
import { decodeFault, END_TRAILER, MAX_CHUNK_BYTES, parseJson, type ObjectInfo, type ObjectOperation, type ObjectReader } from '#storage-node/protocol';
import type { HttpTransport } from './http-transport.ts';

/** The data came with the answer. */
export class WholeReader implements ObjectReader {
  readonly info: ObjectInfo;
  readonly data: Buffer;

  constructor(info: ObjectInfo, data: Buffer) {
    if (data.length !== info.sizeBytes) throw new StoreError('device-unavailable', 'an answer without all of its data');
    this.info = info;
    this.data = data;
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer, void, undefined> {
    for (let at = start; at < end; at += MAX_CHUNK_BYTES) yield this.data.subarray(at, Math.min(end, at + MAX_CHUNK_BYTES));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export class RemoteReader implements ObjectReader {
  readonly info: ObjectInfo;
  readonly data = undefined;
  readonly #transport: HttpTransport;
  readonly #path: (operation: ObjectOperation) => string;
  readonly #lease: string;

  constructor(transport: HttpTransport, path: (operation: ObjectOperation) => string, { info, lease }: { info: ObjectInfo; lease: string }) {
    this.info = info;
    this.#transport = transport;
    this.#path = path;
    this.#lease = lease;
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer, void, undefined> {
    if (end <= start) return;
    const response = await this.#transport.stream(this.#path('read'), this.#request({ start, end }));
    let received = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        received += chunk.length;
        yield chunk;
      }
    } catch (error) {
      throw this.#transport.lost(error);
    } finally {
      // A caller that stops early leaves a body half read: its connection is of no more use.
      if (!response.complete) response.destroy();
    }
    checkEnd(response, received, end - start);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The lease expires by itself where the node does not hear this.
    await this.#transport.call(this.#path('release'), this.#request({})).catch(() => undefined);
  }

  #request(fields: object): string {
    return JSON.stringify({ lease: this.#lease, ...fields });
  }
}

function checkEnd(response: IncomingMessage, received: number, expected: number): void {
  const ending = response.trailers[END_TRAILER];
  if (ending !== undefined && ending !== 'ok') throw decodeFault(parseJson(Buffer.from(decodeURIComponent(ending))));
  if (ending === undefined || received !== expected) throw new StoreError('device-unavailable', `a storage node sent ${received} of ${expected} bytes`);
}

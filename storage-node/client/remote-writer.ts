/** A write of unknown size to a device of another process: one request whose body grows chunk by chunk and ends with the metadata. */
import assert from 'node:assert';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { StoreError, type Timestamp } from '#common';
import { frameHeader, jsonFrame, MAX_FRAME_BYTES, parseJson, type Metadata, type ObjectWriter, type WriteReceipt } from '#storage-node/protocol';
import type { HttpTransport } from './http-transport.ts';
import { receiptOf } from './receipt.ts';

export class RemoteWriter implements ObjectWriter {
  readonly #transport: HttpTransport;
  readonly #request: ClientRequest;
  readonly #response: Promise<IncomingMessage>;
  #ended = false;

  constructor(transport: HttpTransport, { request, response }: { request: ClientRequest; response: Promise<IncomingMessage> }) {
    this.#transport = transport;
    this.#request = request;
    this.#response = response;
    response.catch(() => undefined);
  }

  async write(chunk: Buffer): Promise<void> {
    assert(!this.#ended, 'write on a writer that was committed or aborted');
    for (let start = 0; start < chunk.length; start += MAX_FRAME_BYTES) await this.#writeFrame(chunk.subarray(start, start + MAX_FRAME_BYTES));
  }

  async commit(metadata: Metadata, ballot?: Timestamp): Promise<WriteReceipt> {
    assert(!this.#ended, 'commit on a writer that was committed, aborted or failed');
    this.#ended = true;
    this.#request.end(jsonFrame('commit', { metadata, ballot }));
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of (await this.#response) as AsyncIterable<Buffer>) chunks.push(chunk);
      return receiptOf(parseJson(Buffer.concat(chunks)));
    } catch (error) {
      this.#request.destroy();
      throw this.#transport.lost(error);
    }
  }

  /** Cutting the connection is the abort: the node forgets a write whose body ends without a commit. */
  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#request.destroy();
    await this.#response.catch(() => undefined);
  }

  async #writeFrame(data: Buffer): Promise<void> {
    this.#request.cork();
    this.#request.write(frameHeader('data', data.length));
    this.#request.write(data);
    this.#request.uncork();
    // Uncorking may drain at once, so that what write() answered no longer holds.
    if (this.#request.writableNeedDrain) await this.#drained();
  }

  /** Waits until the next chunk may come. An answer before the commit can only be a fault. */
  async #drained(): Promise<void> {
    let resume = (): void => undefined;
    const drained = new Promise<void>((resolve) => {
      resume = resolve;
      this.#request.once('drain', resume);
    });
    try {
      const answer = await Promise.race([drained, this.#response]);
      if (answer) throw new StoreError('device-unavailable', 'the storage node answered before the commit');
    } catch (error) {
      this.#ended = true;
      this.#request.destroy();
      throw this.#transport.lost(error);
    } finally {
      this.#request.off('drain', resume);
    }
  }
}

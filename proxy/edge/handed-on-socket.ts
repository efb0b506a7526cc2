/** A connection that is given to the HTTP server a second time: first come bytes that were read of it before, then what its socket goes on with. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export class HandedOnSocket extends Duplex {
  readonly #socket: Socket;

  /** Takes the socket from whoever reads it. */
  constructor(socket: Socket, first: Buffer) {
    super({ decodeStrings: false, allowHalfOpen: true });
    this.#socket = socket;
    socket.removeAllListeners('data').removeAllListeners('end');
    this.push(first);
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.once('end', () => this.push(null));
    socket.once('close', () => this.destroy());
    if (socket.readableEnded) this.push(null);
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }

  /** As of a socket: ends it, and is done with it when all is written. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, callback);
  }

  override _final(callback: () => void): void {
    this.#socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }
}

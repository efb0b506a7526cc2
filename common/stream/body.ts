/**
 * An incoming body: some bytes, of known or unknown length, read once, either collected whole (small ones) or chunk by chunk
 * with back-pressure. Faults have one meaning wherever the bytes come from: `client-disconnected` where the sender went
 * away, `body-incomplete` where fewer bytes came than were declared, `entity-too-large` where more came than are taken.
 */
import type { Readable } from 'node:stream';
import { StoreError } from '../errors.ts';

export interface Body {
  /** As declared, or undefined (chunked). */
  readonly sizeBytes: number | undefined;
  /** All of it at once; `entity-too-large` beyond `maxBytes`. */
  collect(maxBytes: number): Promise<Buffer>;
  /** Chunk by chunk, none empty. A consumer that stops early leaves the source to its owner. */
  chunks(): AsyncIterable<Buffer>;
}

/** The body of a request, of at most `maxBytes`. */
export function bodyOfStream(stream: Readable, sizeBytes: number | undefined, maxBytes: number): Body {
  return {
    sizeBytes,
    collect: (limit) => collectStream(stream, sizeBytes, Math.min(limit, maxBytes)),
    chunks: () => streamChunks(stream, sizeBytes, maxBytes),
  };
}

/** A body that is in memory already. */
export function bodyOfBuffer(data: Buffer): Body {
  return {
    sizeBytes: data.length,
    collect: (limit) => (data.length > limit ? Promise.reject(tooLarge(limit)) : Promise.resolve(data)),
    chunks: async function* () {
      if (data.length > 0) yield data;
    },
  };
}

/** A body from any source of chunks, of known length. */
export function bodyOfChunks(source: AsyncIterable<Buffer>, sizeBytes: number | undefined): Body {
  return {
    sizeBytes,
    collect: async (limit) => {
      const parts: Buffer[] = [];
      let length = 0;
      for await (const chunk of source) {
        length += chunk.length;
        if (length > limit) throw tooLarge(limit);
        parts.push(chunk);
      }
      if (sizeBytes !== undefined && length !== sizeBytes) throw incomplete(length, sizeBytes);
      return joined(parts, length);
    },
    chunks: () => source,
  };
}

/** Events instead of an async iterator: about 10 us of CPU less a request, which small objects feel. */
function collectStream(stream: Readable, sizeBytes: number | undefined, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const finish = (error?: Error): void => {
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      if (error) {
        stream.pause();
        reject(error);
      } else {
        resolve(joined(parts, length));
      }
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) finish(tooLarge(maxBytes));
      else parts.push(chunk);
    };
    const onEnd = (): void => finish(sizeBytes !== undefined && length !== sizeBytes ? incomplete(length, sizeBytes) : undefined);
    const onError = (error: Error): void => finish(disconnected(error));
    const onClose = (): void => finish(disconnected());
    if (stream.destroyed) finish(disconnected());
    else stream.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

async function* streamChunks(stream: Readable, sizeBytes: number | undefined, maxBytes: number): AsyncGenerator<Buffer> {
  let length = 0;
  const iterator = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const step = await iterator.next().catch((error: unknown) => Promise.reject(disconnected(error)));
      if (step.done === true) break;
      length += step.value.length;
      if (length > maxBytes) throw tooLarge(maxBytes);
      if (step.value.length > 0) yield step.value;
    }
  } finally {
    await iterator.return?.();
  }
  if (sizeBytes !== undefined && length !== sizeBytes) throw incomplete(length, sizeBytes);
}

function joined(parts: readonly Buffer[], length: number): Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
}

function tooLarge(maxBytes: number): StoreError {
  return new StoreError('entity-too-large', `the body is larger than ${maxBytes} bytes`);
}

function incomplete(length: number, sizeBytes: number): StoreError {
  return new StoreError('body-incomplete', `the body ended after ${length} of ${sizeBytes} bytes`);
}

function disconnected(cause?: unknown): StoreError {
  return new StoreError('client-disconnected', 'the client went away before the body was complete', { cause });
}

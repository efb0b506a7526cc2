/** One request and its answer: bodies read within limits, answers written as JSON or frames. Knows HTTP, no operation. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { StoreError } from '#common';
import { encodeFault, parseJson, statusOf } from '#storage-node/protocol';

/** The largest body that is read whole: a put of a small object, or a merge of some 100,000 rows. */
export const MAX_BODY_BYTES = 64 << 20;

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * The body as it comes. Leaving the loop early must not destroy the request, as iterating it plainly would: the answer goes out
 * over the same connection.
 */
export function bodyOf({ request }: Exchange): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

export async function readBody({ request, response }: Exchange): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > MAX_BODY_BYTES) throw new StoreError('entity-too-large', `a body of ${declared} bytes`);
  if (request.headers.expect !== undefined) response.writeContinue();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // Events, not iteration: for small bodies that halves what a request costs.
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) reject(new StoreError('entity-too-large', `a body of more than ${MAX_BODY_BYTES} bytes`));
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    const broken = (): void => {
      if (!request.readableEnded) reject(new StoreError('body-incomplete', 'the body broke off'));
    };
    request.once('close', broken).once('error', broken);
  });
}

/** The body as a JSON object; its fields are whatever the peer sent. */
export async function readJson(exchange: Exchange): Promise<Record<string, unknown>> {
  const value = parseJson(await readBody(exchange));
  if (typeof value !== 'object' || value === null) throw new StoreError('bad-request', 'a body that is not an object');
  return value as Record<string, unknown>;
}

/** Undefined travels as null. */
export function sendJson({ response }: Exchange, value: unknown): void {
  sendText(response, 200, JSON.stringify(value ?? null));
}

export function sendFrames({ response }: Exchange, frames: readonly Buffer[]): void {
  const length = frames.reduce((sum, frame) => sum + frame.length, 0);
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': length });
  response.cork();
  for (const frame of frames) response.write(frame);
  response.end();
  response.uncork();
}

/**
 * Answers a fault; where an answer has begun already, the connection ends with it. The rest of a body is read and forgotten: to
 * close on a peer that still sends would reset the connection, and the peer would lose the answer.
 */
export function sendFault({ request, response }: Exchange, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const fault = encodeFault(error);
  if (fault.code === 'unauthenticated') response.setHeader('connection', 'close');
  else request.resume();
  sendText(response, statusOf(fault.code), JSON.stringify(fault));
}

/** Text goes out in one piece with the headers, which buffers do not. */
function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

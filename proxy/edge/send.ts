/** Writes a Response value to the client: whole bodies in one packet, streams with back-pressure, faults half-way by cutting the connection. */
import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Exchange, Response } from './exchange.ts';

/** Bytes of an unread request body that are worth reading to keep the connection. */
const DRAIN_BYTES = 64 * 1024;

export async function send(exchange: Exchange, answer: Response, response: ServerResponse): Promise<void> {
  try {
    if (response.destroyed) return;
    keepOrClose(exchange, response);
    const { body } = answer;
    if (exchange.method === 'HEAD' || body === undefined) {
      response.writeHead(answer.status, headersOf(exchange, answer, 0));
      response.end();
    } else if (typeof body === 'string' || Buffer.isBuffer(body)) {
      response.writeHead(answer.status, headersOf(exchange, answer, Buffer.byteLength(body)));
      response.end(body);
    } else {
      response.writeHead(answer.status, headersOf(exchange, answer, undefined));
      await stream(body, response);
    }
  } finally {
    await answer.release?.();
  }
}

/**
 * The answer's headers with the transaction id, and a Content-Length where they have none and it is known, except where HTTP
 * forbids one. All headers are given to Node at once: set one by one they cost it several times as much.
 */
function headersOf({ transactionId }: Exchange, { status, headers }: Response, length: number | undefined): Record<string, string | number> {
  const all: Record<string, string | number> = { ...headers, 'X-Trans-Id': transactionId, 'X-Openstack-Request-Id': transactionId };
  if (length !== undefined && status !== 204 && status !== 304) all['Content-Length'] ??= length;
  return all;
}

/** Says `Connection` only where the client did, or where what is left of its body is not worth reading. */
function keepOrClose(exchange: Exchange, response: ServerResponse): void {
  const leave = exchange.bodyLeft && (exchange.chunked || (exchange.contentLength ?? 0) > DRAIN_BYTES || exchange.header('expect') !== undefined);
  if (leave) response.setHeader('Connection', 'close');
  else if (exchange.headers.connection === undefined) response.removeHeader('Connection');
}

async function stream(body: AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
  try {
    for await (const chunk of body) {
      if (response.destroyed) return;
      if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
    response.end();
  } catch (error) {
    // The status is long sent: a connection that breaks off is the only honest way left to say that the body is not whole.
    response.destroy();
    throw error;
  }
}

/** Writes a Response value to the client: whole bodies in one packet, streams with back-pressure, faults half-way by cutting the connection. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { giveSlab } from '#common/stream';
import type { Exchange, Response } from './exchange.ts';

/** Bytes of an unread request body that are worth reading to keep the connection. */
const DRAIN_BYTES = 64 * 1024;

/** How long a client that was answered in the middle of its body may go on sending before the connection is closed. */
const LINGER_MS = 5000;

/** Up to here a body goes to the socket as text behind its headers: one write of one string costs less than a vector of two. */
const ONE_WRITE_BYTES = 16 * 1024;

export async function send(exchange: Exchange, answer: Response, response: ServerResponse): Promise<void> {
  try {
    if (response.destroyed) return;
    const leaving = answer.readsBody !== true && leavesBody(exchange);
    if (leaving) response.setHeader('Connection', 'close');
    else if (exchange.headers.connection === undefined) response.removeHeader('Connection');
    const { body } = answer;
    if (exchange.method === 'HEAD' || body === undefined) {
      response.writeHead(answer.status, headersOf(exchange, answer, isStream(body) ? undefined : 0));
      if (leaving) await linger(exchange.request, response);
      response.end();
    } else if (typeof body === 'string' || Buffer.isBuffer(body)) {
      response.writeHead(answer.status, headersOf(exchange, answer, Buffer.byteLength(body)));
      if (leaving) await linger(exchange.request, response, body);
      if (leaving) response.end();
      else if (typeof body === 'string' || body.length > ONE_WRITE_BYTES) response.end(body);
      else response.end(body.toString('latin1'), 'latin1');
    } else {
      response.writeHead(answer.status, headersOf(exchange, answer, undefined));
      await stream(body, response);
    }
  } finally {
    await answer.release?.();
  }
}

/** A body in chunks, whose length its headers say, or nobody knows: also where it is only asked for its head. */
function isStream(body: Response['body']): boolean {
  return typeof body === 'object' && !Buffer.isBuffer(body);
}

/**
 * The answer's headers with the transaction id, and a Content-Length where they have none and it is known, except where HTTP
 * forbids one. All headers are given to Node at once: set one by one they cost it several times as much.
 */
function headersOf({ transactionId, relocate, lateHeaders }: Exchange, { status, headers }: Response, length: number | undefined): Record<string, string | number> {
  const all: Record<string, string | number> = { ...headers, 'X-Trans-Id': transactionId, 'X-Openstack-Request-Id': transactionId };
  if (lateHeaders !== undefined) Object.assign(all, lateHeaders());
  if (relocate !== undefined) for (const name of ['Location', 'Content-Location']) if (typeof all[name] === 'string') all[name] = relocate(all[name]);
  if (length !== undefined && status !== 204 && status !== 304) all['Content-Length'] ??= length;
  return all;
}

/** Whether what is left of the request's body is not worth reading to keep the connection. */
function leavesBody(exchange: Exchange): boolean {
  return exchange.bodyLeft && (exchange.chunked || (exchange.contentLength ?? 0) > DRAIN_BYTES || exchange.header('expect') !== undefined);
}

/**
 * Sends the answer at once, then takes what the client still sends and throws it away, until it ends, goes, or has had its time. A
 * connection that is closed while its client sends is reset, and many clients then report the reset and never read the answer that
 * explains it (RFC 9112, section 9.6).
 */
function linger(request: IncomingMessage, response: ServerResponse, body?: string | Buffer): Promise<void> {
  if (body === undefined) response.flushHeaders();
  else response.write(body);
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, LINGER_MS);
    request.once('end', done).once('close', done).resume();
    if (request.destroyed) done();
  });
}

async function stream(body: AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
  try {
    for await (const chunk of body) {
      if (response.destroyed) return;
      const taken = response.write(chunk, (error) => {
        if (!error) giveSlab(chunk);
      });
      if (!taken) await drained(response);
    }
    response.end();
  } catch (error) {
    // The status is long sent: a connection that breaks off is the only honest way left to say that the body is not whole.
    response.destroy();
    throw error;
  }
}

/** Until the client has taken what was written, or is gone. Leaves no listener behind: a large object waits a hundred thousand times. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
    if (response.destroyed) done();
  });
}

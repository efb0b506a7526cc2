/**
 * Requests to one storage node over kept-alive HTTP connections. Faults of the network are `device-unavailable`; a kept
 * connection that the peer closed meanwhile is tried once more on another, since every operation may be repeated.
 */
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { StoreError } from '#common';
import { bearerOf, decodeFault, parseJson } from '#storage-node/protocol';

export interface TransportOptions {
  readonly secret: string;
  /** Default 1 s. */
  readonly connectTimeoutMs?: number;
  /** From the request sent to its answer's head; and between two pieces of a body. Default 30 s. */
  readonly responseTimeoutMs?: number;
  /** Connections to one node. Default 256. */
  readonly maxConnections?: number;
  /** Ends every request under way, and all that come after. */
  readonly signal?: AbortSignal;
}

export interface NodeAddress {
  readonly ip: string;
  readonly port: number;
}

/** Text, or pieces of bytes. */
export type Body = string | readonly Buffer[];

interface Sending {
  readonly path: string;
  readonly headers: Record<string, string | number>;
}

export class HttpTransport implements Disposable {
  readonly #address: NodeAddress;
  readonly #options: TransportOptions;
  readonly #agent: Agent;
  readonly #bearer: string;

  constructor(address: NodeAddress, options: TransportOptions) {
    this.#address = address;
    this.#options = options;
    this.#bearer = bearerOf(options.secret);
    this.#agent = new Agent({ keepAlive: true, scheduling: 'lifo', maxSockets: options.maxConnections ?? 256, maxFreeSockets: 64 });
  }

  /** Sends a body and answers the whole one that comes back. Throws the fault that the node named. */
  async call(path: string, body: Body): Promise<Buffer> {
    const response = await this.stream(path, body);
    return collect(response);
  }

  /** Sends a body and answers the head of the answer, whose body is to be read. */
  async stream(path: string, body: Body): Promise<IncomingMessage> {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.reduce((sum, part) => sum + part.length, 0);
    const sending: Sending = { path, headers: { 'content-length': length } };
    return this.#retrying(async () => {
      const { request, response } = this.#begin(sending);
      send(request, body);
      return checked(await response);
    });
  }

  /** Begins a request whose body comes later; resolves when the node said `100 Continue`. */
  async begin(path: string, headers: Record<string, string>): Promise<{ request: ClientRequest; response: Promise<IncomingMessage> }> {
    return this.#retrying(async () => {
      const { request, response } = this.#begin({ path, headers: { ...headers, expect: '100-continue', 'transfer-encoding': 'chunked' } });
      const continued = new Promise<void>((resolve) => request.once('continue', resolve));
      request.flushHeaders();
      const early = await Promise.race([continued, response]);
      if (early) {
        await checked(early);
        throw new StoreError('device-unavailable', 'the storage node answered before it was asked');
      }
      return { request, response: response.then(checked) };
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #begin({ path, headers }: Sending): { request: ClientRequest; response: Promise<IncomingMessage> } {
    const { ip, port } = this.#address;
    const { signal, connectTimeoutMs = 1000, responseTimeoutMs = 30_000 } = this.#options;
    const request = httpRequest({ host: ip, port, path, method: 'POST', agent: this.#agent, headers: { ...headers, authorization: this.#bearer }, ...(signal && { signal }) });
    request.setTimeout(responseTimeoutMs, () => request.destroy(new Error(`no answer within ${responseTimeoutMs} ms`)));
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(() => request.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)), connectTimeoutMs);
      const stop = (): void => clearTimeout(timer);
      socket.once('connect', stop).once('close', stop);
    });
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.on('error', (error) => reject(new LostRequest(error, request.reusedSocket)));
    });
    response.catch(() => undefined);
    return { request, response };
  }

  async #retrying<T>(attempt: () => Promise<T>): Promise<T> {
    for (let tried = 0; ; tried++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof LostRequest)) throw error;
        if (tried === 0 && error.mayBeStale && !this.#options.signal?.aborted) continue;
        throw this.lost(error);
      }
    }
  }

  /** The StoreError for a connection that failed. */
  lost(error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    const cause = error instanceof LostRequest ? error.cause : error;
    const { ip, port } = this.#address;
    return new StoreError('device-unavailable', `storage node ${ip}:${port}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function send(request: ClientRequest, body: Body): void {
  if (typeof body === 'string') {
    request.end(body);
    return;
  }
  request.cork();
  for (const part of body) request.write(part);
  request.end();
  request.uncork();
}

/** A request that ended without an answer. */
class LostRequest extends Error {
  /** The connection had been used before, so that the peer may have closed it before it saw the request. */
  readonly mayBeStale: boolean;

  constructor(cause: Error, reused: boolean) {
    super(cause.message, { cause });
    const { code } = cause as NodeJS.ErrnoException;
    this.mayBeStale = reused && (code === 'ECONNRESET' || code === 'EPIPE');
  }
}

/** The answer where it is a good one, or else the fault in its body. */
async function checked(response: IncomingMessage): Promise<IncomingMessage> {
  if (response.statusCode === 200) return response;
  throw decodeFault(parseJson(await collect(response)));
}

/** The whole body. Events, not iteration: for small bodies that halves what a request costs. */
function collect(response: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const broken = (cause?: Error): void => reject(new StoreError('device-unavailable', 'the answer of a storage node broke off', { cause }));
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('end', () => (response.complete ? resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)) : broken()));
    response.once('error', broken);
    response.once('close', () => {
      if (!response.readableEnded) broken();
    });
  });
}

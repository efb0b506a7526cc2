/** The checker's own client: requests over kept-alive connections, with a clear word for those whose answer never came. */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';

export interface Asking {
  readonly method: string;
  /** Path and query, encoded. */
  readonly path: string;
  readonly headers?: Record<string, string | number>;
  readonly body?: Buffer;
  /** Sends the body without saying its length. */
  readonly chunked?: boolean;
  /** Breaks the connection off when so many bytes of the body are sent. */
  readonly cutAfterBytes?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** There is no (whole) answer. `sent` is false where the request surely never reached a server. */
export class Unanswered extends Error {
  readonly sent: boolean;

  constructor(cause: Error, sent: boolean) {
    super(cause.message, { cause });
    this.sent = sent;
  }
}

const TIMEOUT_MS = 20_000;
const PIECE_BYTES = 128 * 1024;

export class Client implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 64 });
  readonly #endpoint: URL;

  constructor(endpoint: string) {
    this.#endpoint = new URL(endpoint);
  }

  /** Throws Unanswered. */
  ask({ method, path, headers = {}, body, chunked = false, cutAfterBytes }: Asking): Promise<Answer> {
    const { hostname: host, port } = this.#endpoint;
    const length = body === undefined || chunked ? {} : { 'Content-Length': body.length };
    return new Promise((resolve, reject) => {
      const request = httpRequest({ host, port, method, path, agent: this.#agent, headers: { ...length, ...headers } });
      const fail = (error: Error): void => reject(new Unanswered(error, (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'));
      request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
      request.on('error', fail);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('close', () => {
          if (response.complete) resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) });
          else fail(new Error('the answer broke off'));
        });
      });
      if (cutAfterBytes !== undefined && body !== undefined) {
        request.write(body.subarray(0, cutAfterBytes), () => setImmediate(() => request.destroy(new Error('cut by the client'))));
        return;
      }
      for (let at = 0; body !== undefined && at < body.length; at += PIECE_BYTES) request.write(body.subarray(at, at + PIECE_BYTES));
      request.end();
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/**
 * One request and its answer, as both dialects see them: the parsed target, the headers, a body that is asked for only when
 * it is wanted, and an answer that is a value. Dialects never touch sockets; the edge never knows a dialect.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { splitTarget } from '#common/http';
import { bodyOfStream, type Body } from '#common/stream';

export interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /**
   * Whole, or in chunks (then `Content-Length` must be among the headers, or the answer is chunked). A chunk's memory is the answer's own: where
   * it is a slab, it is used again once it has been sent.
   */
  readonly body?: string | Buffer | AsyncIterable<Buffer> | undefined;
  /** Runs when the answer has been sent or given up. */
  readonly release?: (() => Promise<void>) | undefined;
}

export class Exchange {
  readonly method: string;
  /** The raw path, still percent-encoded, and the raw query. */
  readonly path: string;
  readonly rawQuery: string;
  readonly headers: IncomingHttpHeaders;
  readonly transactionId: string;
  readonly remoteAddress: string;
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  /** The client waits for `100 Continue` before it sends the body. */
  #continuePending: boolean;

  constructor(request: IncomingMessage, response: ServerResponse, transactionId: string, expectsContinue: boolean) {
    const { path, query } = splitTarget(request.url ?? '/');
    this.method = request.method ?? 'GET';
    this.path = path;
    this.rawQuery = query;
    this.headers = request.headers;
    this.transactionId = transactionId;
    this.remoteAddress = request.socket.remoteAddress ?? '';
    this.request = request;
    this.#response = response;
    this.#continuePending = expectsContinue;
  }

  /** A header's value as the client's bytes (latin-1 text), or undefined. */
  header(name: string): string | undefined {
    const value = this.headers[name];
    return typeof value === 'string' ? value : value?.[0];
  }

  /** The declared length of the body; undefined where it is chunked or none is declared. */
  get contentLength(): number | undefined {
    const value = this.headers['content-length'];
    return value === undefined ? undefined : Number(value);
  }

  /** How the client came: over TLS where a terminator before us says so. */
  get scheme(): 'http' | 'https' {
    return this.header('x-forwarded-proto') === 'https' ? 'https' : 'http';
  }

  get chunked(): boolean {
    return this.headers['transfer-encoding'] !== undefined;
  }

  /** The body; asking for it tells a waiting client to send it. */
  body(maxBytes: number): Body {
    if (this.#continuePending) this.#response.writeContinue();
    this.#continuePending = false;
    return bodyOfStream(this.request, this.chunked ? undefined : (this.contentLength ?? 0), maxBytes);
  }

  /** Whether bytes of the request may still come that nobody will read. */
  get bodyLeft(): boolean {
    return this.#continuePending || !this.request.complete;
  }
}

/**
 * One request and its answer, as both dialects see them: the parsed target, the headers, a body that is asked for only when
 * it is wanted, and an answer that is a value. Dialects never touch sockets; the edge never knows a dialect.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { splitTarget } from '#common/http';
import { bodyOfStream, type Body } from '#common/stream';
import { EXPECTS_OTHERWISE } from './server.ts';

export interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /**
   * Whole, or in chunks (then `Content-Length` must be among the headers, or the answer is chunked). A chunk's memory is the answer's own: where
   * it is a slab, it is used again once it has been sent.
   */
  readonly body?: string | Buffer | AsyncIterable<Buffer> | undefined;
  /** The request's body is read while the answer is sent: what is left of it then is no reason to close the connection. */
  readonly readsBody?: boolean | undefined;
  /** Runs when the answer has been sent or given up. */
  readonly release?: (() => Promise<void>) | undefined;
}

/** What a derived request says otherwise than the one it comes from. */
export interface Derivation {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: IncomingHttpHeaders;
  readonly body?: Body;
  /** Makes an address of ours one that the client knows. */
  readonly relocate?: (location: string) => string;
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
  readonly relocate: ((location: string) => string) | undefined;
  /** Headers of the answer that nobody knows before it is sent. */
  lateHeaders: (() => Readonly<Record<string, string>>) | undefined;
  readonly #response: ServerResponse;
  /** The client waits for `100 Continue` before it sends the body. */
  #continuePending: boolean;
  /** Of a derived request: where it comes from, and the body that is read instead of the client's. */
  readonly #origin: Exchange | undefined;
  readonly #body: Body | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, transactionId: string, expectsContinue: boolean, derived?: Derivation & { origin: Exchange }) {
    const { path, query } = splitTarget(request.url ?? '/');
    this.method = derived?.method ?? request.method ?? 'GET';
    this.path = derived?.path ?? path;
    this.rawQuery = query;
    this.headers = derived?.headers ?? request.headers;
    this.transactionId = transactionId;
    this.remoteAddress = request.socket.remoteAddress ?? '';
    this.request = request;
    this.relocate = derived?.relocate;
    this.lateHeaders = derived?.origin.lateHeaders;
    this.#response = response;
    this.#continuePending = expectsContinue;
    this.#origin = derived?.origin;
    this.#body = derived?.body;
  }

  /** This request in other words: for a part of its answer that is asked like a request of its own, or where its address means another. */
  derived(other: Derivation): Exchange {
    const { method, path, headers, relocate: outer } = this;
    const relocate = outer === undefined || other.relocate === undefined ? (other.relocate ?? outer) : (location: string) => outer(other.relocate!(location));
    return new Exchange(this.request, this.#response, this.transactionId, false, { method, path, headers, ...other, ...(relocate && { relocate }), origin: this });
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

  /** The client expects something that nobody knows. */
  get expectsUnknown(): boolean {
    return (this.request as IncomingMessage & { [EXPECTS_OTHERWISE]?: boolean })[EXPECTS_OTHERWISE] === true;
  }

  get chunked(): boolean {
    return this.headers['transfer-encoding'] !== undefined;
  }

  /** The body; asking for it tells a waiting client to send it. */
  body(maxBytes: number): Body {
    if (this.#body !== undefined) return this.#body;
    if (this.#origin !== undefined) return this.#origin.body(maxBytes);
    if (this.#continuePending) this.#response.writeContinue();
    this.#continuePending = false;
    return bodyOfStream(this.request, this.chunked ? undefined : (this.contentLength ?? 0), maxBytes);
  }

  /** Whether bytes of the request may still come that nobody will read. */
  get bodyLeft(): boolean {
    return this.#origin?.bodyLeft ?? (this.#continuePending || !this.request.complete);
  }
}

/**
 * The HTTP server at the edge: its limits, and answers to what Node's parser refuses before koa sees a request. Slow and silent
 * clients are given up; idle connections cost memory only.
 */
import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HandedOnSocket } from './handed-on-socket.ts';
import { mendLine } from './mended-line.ts';
import { watchSilence } from './silence.ts';
import { newTransactionId } from './transaction.ts';

export interface EdgeLimits {
  /** All request headers together. */
  readonly maxHeaderBytes: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** Silence in the middle of a body. */
  readonly bodyIdleTimeoutMs: number;
  /** Silence between requests. */
  readonly keepAliveTimeoutMs: number;
}

/** Marks requests whose client waits for `100 Continue`. */
export const EXPECTS_CONTINUE = Symbol('expects continue');
/** Marks requests that expect something else, of which nobody knows what it is: a dialect may refuse them (RFC 9110, section 10.1.1). */
export const EXPECTS_OTHERWISE = Symbol('expects otherwise');

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'COPY', 'OPTIONS'];

export function createEdgeServer(handler: RequestListener, limits: EdgeLimits): Server {
  const server = http.createServer(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: 0,
      keepAliveTimeout: 0, // watchSilence does it
      connectionsCheckingInterval: Math.min(5000, limits.headersTimeoutMs),
      noDelay: true,
      highWaterMark: 64 * 1024,
    },
    inTurn(handler),
  );
  server.maxRequestsPerSocket = 0;
  server.on('checkContinue', (request: IncomingMessage & { [EXPECTS_CONTINUE]?: boolean }, response: ServerResponse) => {
    request[EXPECTS_CONTINUE] = true;
    inTurn(handler)(request, response);
  });
  server.on('checkExpectation', (request: IncomingMessage & { [EXPECTS_OTHERWISE]?: boolean }, response: ServerResponse) => {
    request[EXPECTS_OTHERWISE] = true;
    inTurn(handler)(request, response);
  });
  server.on('connect', (_request, socket: Socket) => refuseMethod(socket));
  watchSilence<EdgeSocket>(server, {
    limitMs: (socket) => (socket[HANDED_ON] === true ? Infinity : isBetweenRequests(socket) ? limits.keepAliveTimeoutMs : limits.bodyIdleTimeoutMs),
    shortestMs: Math.min(limits.keepAliveTimeoutMs, limits.bodyIdleTimeoutMs),
    onSilence,
  });
  server.on('clientError', (error: ParseError, socket: EdgeSocket) => {
    if (!handedOn(server, error, socket)) onClientError(error, socket);
  });
  return server;
}

const ANSWERING = Symbol('the response that is being made for this socket');
const WAITING = Symbol('requests of this socket that wait for their turn');
const HANDED_ON = Symbol('a HandedOnSocket speaks for this socket');
/** With so many, the socket is read no further until some have had theirs. */
const MAX_WAITING = 100;

/** How long a request whose body turns out to be malformed may take to be refused for a reason of its own. */
const BROKEN_BODY_GRACE_MS = 200;
const MALFORMED = 'The server could not comply with the request since it is either malformed or otherwise incorrect.';

interface EdgeSocket extends Socket {
  [ANSWERING]?: ServerResponse;
  [WAITING]?: number;
  [HANDED_ON]?: boolean;
  parser?: { incoming?: IncomingMessage | null } | null;
}

/**
 * Handles the requests of a connection one after the other: of those that a client sends without waiting, each may count on the one
 * before (RFC 9112, section 9.3.2). Remembers the last answer too, so that a fault in what follows does not overtake it.
 */
function inTurn(handler: RequestListener): RequestListener {
  return (request, response) => {
    const socket = request.socket as EdgeSocket;
    const before = socket[ANSWERING];
    socket[ANSWERING] = response;
    if (before === undefined || before.writableFinished) return handler(request, response);
    const waiting = (socket[WAITING] ?? 0) + 1;
    socket[WAITING] = waiting;
    if (waiting >= MAX_WAITING) socket.pause();
    before.once('close', () => {
      const left = (socket[WAITING] ?? 1) - 1;
      socket[WAITING] = left;
      if (left === MAX_WAITING - 1) socket.resume();
      if (!socket.destroyed) handler(request, response);
    });
  };
}

function isBetweenRequests(socket: EdgeSocket): boolean {
  const answered = socket[ANSWERING];
  return answered === undefined || answered.writableFinished;
}

/** A socket was silent for long: that is a fault where a body is awaited or an answer not taken, and nothing where one is being made. */
function onSilence(socket: EdgeSocket): void {
  const request = socket.parser?.incoming;
  if (!request || isBetweenRequests(socket) || socket.writableLength > 0) {
    socket.destroy();
  } else if (!request.complete) {
    refuse(socket, 408, 'Request Timeout', 'The server has waited too long for the request to be sent by the client.');
  }
}

interface ParseError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
  /** How far into the packet the parser came. */
  readonly bytesParsed?: number;
  readonly reason?: string;
}

/** Whether the connection goes on as another, with its request line escaped (see `mendLine`), or did already. */
function handedOn(server: Server, { code, rawPacket, bytesParsed }: ParseError, socket: EdgeSocket): boolean {
  // Of the socket itself only its end concerns us still: what it sends and takes is the other's.
  if (socket[HANDED_ON] === true && code !== 'ECONNRESET') return true;
  if (code !== 'HPE_INVALID_URL' || rawPacket === undefined || bytesParsed === undefined) return false;
  if (socket instanceof HandedOnSocket || !socket.writable || !isBetweenRequests(socket)) return false;
  const first = mendLine(rawPacket, bytesParsed);
  if (first === undefined) return false;
  socket[HANDED_ON] = true;
  server.emit('connection', new HandedOnSocket(socket, first));
  return true;
}

function onClientError(error: ParseError, socket: EdgeSocket): void {
  const answering = socket[ANSWERING];
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
  } else if (answering && !answering.writableFinished) {
    answering.once('close', () => socket.destroy());
    if (!answering.req.complete) setTimeout(() => refuseBody(socket, answering), BROKEN_BODY_GRACE_MS);
  } else if (error.code === 'HPE_INVALID_URL') {
    refuse(socket, 412, 'Precondition Failed', '', '', 'Invalid UTF8 or contains NULL');
  } else if (error.code === 'HPE_HEADER_OVERFLOW') {
    refuse(socket, 400, 'Bad Request', 'The request headers are too large.');
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    refuse(socket, 408, 'Request Timeout', 'The server has waited too long for the request to be sent by the client.');
  } else if (error.code === 'HPE_INVALID_METHOD' && /^[A-Za-z_]+ \//.test(error.rawPacket?.toString('latin1', 0, 40) ?? '')) {
    refuseMethod(socket);
  } else if (error.code === 'HPE_INVALID_TRANSFER_ENCODING' && error.reason?.includes('Content-Length') !== true) {
    refuse(socket, 501, 'Not Implemented', 'The requested method is not implemented by this server.');
  } else {
    refuse(socket, 400, 'Bad Request', MALFORMED);
  }
}

/** A body that cannot be read on: an answer that was made without it stands, and who still waits for the body waits no longer. */
function refuseBody(socket: Socket, answering: ServerResponse): void {
  if (!answering.headersSent && socket.writable) refuse(socket, 400, 'Bad Request', MALFORMED);
}

function refuseMethod(socket: Socket): void {
  refuse(socket, 405, 'Method Not Allowed', 'The method is not allowed for this resource.', `Allow: ${METHODS.join(', ')}\r\n`);
}

function refuse(socket: Socket, status: number, reason: string, text: string, headers = '', body = `<html><h1>${reason}</h1><p>${text}</p></html>`): void {
  const id = newTransactionId(Date.now());
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Length: ${body.length}\r\n${headers}` +
      `X-Trans-Id: ${id}\r\nX-Openstack-Request-Id: ${id}\r\nDate: ${new Date().toUTCString()}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

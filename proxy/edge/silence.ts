/**
 * Connections on which nothing moves. One look at all of them every so often, instead of a timer for each that is wound up by every
 * request and every byte: nothing is done for those that are busy, and a silence is found at most a quarter of its length too late.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface SilenceOptions<S extends Socket> {
  /** How long this connection may be silent as it stands. */
  readonly limitMs: (socket: S) => number;
  /** The shortest of the limits: decides how often to look. */
  readonly shortestMs: number;
  /** Called at each look for as long as the silence lasts beyond its limit. */
  readonly onSilence: (socket: S) => void;
}

interface Heard {
  bytes: number;
  atMs: number;
}

const LOOKS_PER_LIMIT = 4;

export function watchSilence<S extends Socket>(server: Server, { limitMs, shortestMs, onSilence }: SilenceOptions<S>): void {
  const connections = new Map<S, Heard>();
  server.on('connection', (socket: S) => {
    connections.set(socket, { bytes: 0, atMs: performance.now() });
    socket.once('close', () => connections.delete(socket));
  });
  const look = (): void => {
    const nowMs = performance.now();
    for (const [socket, heard] of connections) {
      const bytes = socket.bytesRead + socket.bytesWritten;
      if (bytes !== heard.bytes) {
        heard.bytes = bytes;
        heard.atMs = nowMs;
      } else if (nowMs - heard.atMs >= limitMs(socket)) {
        onSilence(socket);
      }
    }
  };
  const timer = setInterval(look, shortestMs / LOOKS_PER_LIMIT).unref();
  server.once('close', () => clearInterval(timer));
}

/** Listening and closing of HTTP servers: clear faults for a port that cannot be had, and a close that finishes requests in flight. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StoreError } from '../errors.ts';

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** Stops accepting, lets requests in flight finish for at most `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** Listens on `host:port` (0 picks a free port). Throws `unavailable` with one clear line where it cannot. */
export function listen(server: Server, options: { host: string; port: number; reusePort?: boolean }): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(refusal(error, options));
    server.once('error', onError);
    server.listen({ host: options.host, port: options.port, reusePort: options.reusePort ?? false, backlog: 4096 }, () => {
      server.off('error', onError);
      const { port } = server.address() as AddressInfo;
      resolve({ host: options.host, port, close: (graceMs) => closeGently(server, graceMs) });
    });
  });
}

function refusal(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): StoreError {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another process listens there',
    EACCES: 'this user may not',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  return new StoreError('unavailable', `cannot listen on ${host}:${port}: ${reasons[error.code ?? ''] ?? error.message}`, { cause: error });
}

async function closeGently(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}

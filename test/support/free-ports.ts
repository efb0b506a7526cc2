/** Ports of loopback that nobody has at the moment, for processes that must be told where to listen. */
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';

/** The first of `count` consecutive ports that are free on all of `hosts`. */
export async function freePorts(count: number, hosts: readonly string[] = ['127.0.0.1']): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    // Below the range that the system gives out by itself, so that no client's socket takes one meanwhile.
    const first = 9000 + Math.floor(Math.random() * 23_000);
    if (await allFree(first, count, hosts)) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
}

async function allFree(first: number, count: number, hosts: readonly string[]): Promise<boolean> {
  const servers: Server[] = [];
  try {
    for (let port = first; port < first + count; port++) {
      for (const host of hosts) {
        const server = createServer();
        servers.push(server);
        server.listen(port, host);
        await once(server, 'listening');
      }
    }
    return true;
  } catch {
    return false;
  } finally {
    for (const server of servers) server.close();
  }
}

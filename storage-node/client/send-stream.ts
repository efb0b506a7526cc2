/** One request whose body is made while it is sent: as fast as the peer takes it, and no faster. */
import { StoreError } from '#common';
import { giveSlab } from '#common/stream';
import { parseJson } from '#storage-node/protocol';
import type { HttpTransport } from './http-transport.ts';

/** Sends pieces as they come; the JSON of the answer, which only comes after the last. A source that throws ends the request, unfinished. */
export async function sendStream(transport: HttpTransport, path: string, pieces: AsyncIterable<readonly Buffer[]>): Promise<unknown> {
  const { request, response } = await transport.begin(path, {});
  response.catch(() => undefined);
  try {
    for await (const piece of pieces) {
      request.cork();
      // What was read in slabs is used again once the socket has taken it.
      for (const part of piece) request.write(part, () => giveSlab(part));
      request.uncork();
      if (!request.writableNeedDrain) continue;
      // An answer before the end can only be a fault.
      const drained = new Promise<void>((resolve) => request.once('drain', resolve));
      if (await Promise.race([drained, response])) throw new StoreError('device-unavailable', 'the storage node answered before the end');
    }
    request.end();
    const chunks: Buffer[] = [];
    for await (const chunk of (await response) as AsyncIterable<Buffer>) chunks.push(chunk);
    return parseJson(Buffer.concat(chunks));
  } catch (error) {
    request.destroy();
    throw transport.lost(error);
  }
}

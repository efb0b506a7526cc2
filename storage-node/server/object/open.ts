/** `open`: info and, for a small object, its data in one answer; for a large one a lease to read ranges under. */
import { once } from 'node:events';
import { StoreError } from '#common';
import { decodeKey, encodeFault, END_TRAILER, frameHeader, INLINE_BYTES, jsonFrame, MAX_CHUNK_BYTES, type ObjectReader } from '#storage-node/protocol';
import { readJson, sendFrames, sendJson, type Exchange } from '../exchange.ts';
import type { ObjectContext } from './context.ts';

export async function openObject(exchange: Exchange, { engine, leases }: ObjectContext): Promise<void> {
  const { key } = await readJson(exchange);
  const reader = await engine.open(decodeKey(key));
  if (!reader) {
    sendFrames(exchange, []);
    return;
  }
  const { info } = reader;
  if (info.sizeBytes > (reader.data ? MAX_CHUNK_BYTES : INLINE_BYTES)) {
    sendFrames(exchange, [jsonFrame('head', { info, lease: await leases.add(reader) })]);
    return;
  }
  await using _open = reader;
  const pieces = reader.data ? [reader.data] : await collect(reader);
  sendFrames(exchange, [jsonFrame('head', { info }), frameHeader('data', info.sizeBytes), ...pieces]);
}

async function collect(reader: ObjectReader): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for await (const piece of reader.read(0, reader.info.sizeBytes)) pieces.push(piece);
  return pieces;
}

/** `read`: a range under a lease, as it comes from the device; the trailer says whether that was all. */
export async function readObject(exchange: Exchange, { leases }: ObjectContext): Promise<void> {
  const { lease, start, end } = await readJson(exchange);
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) throw new StoreError('bad-request', 'not a range');
  await leases.use(String(lease), async (reader) => {
    const { response } = exchange;
    response.writeHead(200, { 'content-type': 'application/octet-stream', trailer: END_TRAILER });
    let ending = 'ok';
    try {
      for await (const chunk of reader.read(start as number, end as number)) {
        if (response.destroyed) return;
        if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      }
    } catch (error) {
      ending = encodeURIComponent(JSON.stringify(encodeFault(error)));
    }
    response.addTrailers({ [END_TRAILER]: ending });
    response.end();
  });
}

export async function releaseObject(exchange: Exchange, { leases }: ObjectContext): Promise<void> {
  const { lease } = await readJson(exchange);
  await leases.release(String(lease));
  sendJson(exchange, null);
}

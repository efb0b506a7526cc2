/**
 * `create`: an object of unknown or large size, as data frames and a commit frame with its metadata. The peer waits for
 * `100 Continue`, which says that the device took the writer. A body that ends without the commit frame leaves nothing.
 */
import { StoreError } from '#common';
import { decodeKey, HEAD_HEADER, parseJson, parseJsonFrame, readFrames, type ObjectWriter, type WriteReceipt } from '#storage-node/protocol';
import { bodyOf, sendJson, type Exchange } from '../exchange.ts';
import { flagOf, metadataOf, nameOf, timestampOf, type ObjectContext } from './context.ts';

export async function createObject(exchange: Exchange, { engine }: ObjectContext): Promise<void> {
  const writer = await engine.create(createRequest(exchange));
  try {
    exchange.response.writeContinue();
    sendJson(exchange, await receive(exchange, writer));
  } finally {
    await writer.abort();
  }
}

function createRequest({ request }: Exchange): Parameters<ObjectContext['engine']['create']>[0] {
  const header = request.headers[HEAD_HEADER];
  if (typeof header !== 'string') throw new StoreError('bad-request', 'a create without a head');
  const { key, name, timestamp, sizeHint, conditional, dated } = parseJson(Buffer.from(decodeURIComponent(header))) as Record<string, unknown>;
  return { key: decodeKey(key), name: nameOf(name), timestamp: timestampOf(timestamp), sizeHint: typeof sizeHint === 'number' ? sizeHint : undefined, conditional: flagOf(conditional), dated: flagOf(dated) };
}

async function receive(exchange: Exchange, writer: ObjectWriter): Promise<WriteReceipt> {
  for await (const frame of readFrames(bodyOf(exchange))) {
    if (frame.type === 'commit') {
      const { metadata, ballot } = (parseJsonFrame(frame) ?? {}) as Record<string, unknown>;
      const receipt = await writer.commit(metadataOf(metadata), ballot === undefined ? undefined : timestampOf(ballot));
      exchange.request.resume();
      return receipt;
    }
    for (const piece of frame.pieces) await writer.write(piece);
  }
  throw new StoreError('body-incomplete', 'a create that was never committed');
}

/** `put`: a small object whole. The body is a head frame and a data frame. */
import { StoreError } from '#common';
import { decodeKey, parseJsonFrame, readFrames } from '#storage-node/protocol';
import { readBody, sendJson, type Exchange } from '../exchange.ts';
import { flagOf, metadataOf, nameOf, timestampOf, type ObjectContext } from './context.ts';

export async function putObject(exchange: Exchange, { engine }: ObjectContext): Promise<void> {
  const body = await readBody(exchange);
  let head: Record<string, unknown> | undefined;
  const pieces: Buffer[] = [];
  for await (const frame of readFrames(once(body))) {
    if (frame.type === 'head') head = parseJsonFrame(frame) as Record<string, unknown>;
    else pieces.push(...frame.pieces);
  }
  const data = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  if (head?.['sizeBytes'] !== data.length) throw new StoreError('body-incomplete', 'a put without all of its data');
  const { key, name, timestamp, metadata, conditional, dated } = head;
  sendJson(exchange, await engine.put({ key: decodeKey(key), name: nameOf(name), timestamp: timestampOf(timestamp), metadata: metadataOf(metadata), data, conditional: flagOf(conditional), dated: flagOf(dated) }));
}

async function* once(body: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield body;
}

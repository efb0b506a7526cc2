/** The ObjectEngine of a device in another process: each call is a request to the storage node that owns it. */
import { StoreError, type Timestamp } from '#common';
import {
  decodeKey, decodeStates, DIGEST_BYTES, encodeKey, encodeShipment, frameHeader, HEAD_HEADER, jsonFrame, objectPath, parseJson, parseJsonFrame, readFrames,
  type CreateRequest, type DeleteRequest, type HistoryEntry, type Key, type KeyedState, type KeyRanges, type ObjectEngine, type ObjectInfo, type ObjectOperation, type ObjectReader, type ObjectState, type ObjectWriter,
  type PendingRow, type Prepared, type PrepareRequest, type PostRequest, type PutRequest, type ShippedState, type Taken, type WriteReceipt,
} from '#storage-node/protocol';
import type { HttpTransport } from './http-transport.ts';
import { LazySender } from './lazy-sender.ts';
import { receiptOf } from './receipt.ts';
import { RemoteReader, WholeReader } from './remote-reader.ts';
import { RemoteWriter } from './remote-writer.ts';
import { sendStream } from './send-stream.ts';

export class RemoteObjectEngine implements ObjectEngine {
  readonly #transport: HttpTransport;
  readonly #path: (operation: ObjectOperation) => string;
  readonly #settling: LazySender<readonly [string, Timestamp]>;
  readonly #abandoning: LazySender<readonly [string, Timestamp]>;

  constructor(transport: HttpTransport, { device, policy }: { device: string; policy: number }) {
    this.#transport = transport;
    this.#path = (operation) => objectPath(device, policy, operation);
    this.#settling = new LazySender((entries) => this.#call('settle', { entries }));
    this.#abandoning = new LazySender((entries) => this.#call('abandon', { entries }));
  }

  async stat(key: Key): Promise<ObjectState | undefined> {
    return ((await this.#call('stat', { key: encodeKey(key) })) ?? undefined) as ObjectState | undefined;
  }

  async info(key: Key): Promise<ObjectInfo | undefined> {
    return ((await this.#call('info', { key: encodeKey(key) })) ?? undefined) as ObjectInfo | undefined;
  }

  async open(key: Key): Promise<ObjectReader | undefined> {
    const body = await this.#transport.call(this.#path('open'), JSON.stringify({ key: encodeKey(key) }));
    if (body.length === 0) return undefined;
    let head: { info: ObjectInfo; lease?: string } | undefined;
    const pieces: Buffer[] = [];
    for await (const frame of readFrames(once(body))) {
      if (frame.type === 'head') head = parseJsonFrame(frame) as { info: ObjectInfo; lease?: string };
      else pieces.push(...frame.pieces);
    }
    const { info, lease } = head!;
    if (lease !== undefined) return new RemoteReader(this.#transport, this.#path, { info, lease });
    return new WholeReader(info, pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
  }

  async history(key: Key): Promise<HistoryEntry[]> {
    return (await this.#call('history', { key: encodeKey(key) })) as HistoryEntry[];
  }

  async put({ key, name, timestamp, metadata, data, conditional, dated }: PutRequest): Promise<WriteReceipt> {
    const head = jsonFrame('head', { key: encodeKey(key), name, timestamp, metadata, sizeBytes: data.length, conditional, dated });
    const answer = await this.#transport.call(this.#path('put'), [head, frameHeader('data', data.length), data]);
    return receiptOf(parseJson(answer));
  }

  async create({ key, name, timestamp, sizeHint, conditional, dated }: CreateRequest): Promise<ObjectWriter> {
    const head = encodeURIComponent(JSON.stringify({ key: encodeKey(key), name, timestamp, sizeHint, conditional, dated }));
    const begun = await this.#transport.begin(this.#path('create'), { [HEAD_HEADER]: head });
    return new RemoteWriter(this.#transport, begun);
  }

  async post({ key, name, timestamp, base, metadata, dated }: PostRequest): Promise<WriteReceipt> {
    return receiptOf(await this.#call('post', { key: encodeKey(key), name, timestamp, base, metadata, dated }));
  }

  async delete({ key, name, timestamp, conditional, dated }: DeleteRequest): Promise<WriteReceipt> {
    return receiptOf(await this.#call('delete', { key: encodeKey(key), name, timestamp, conditional, dated }));
  }

  async prepare({ key, name, timestamp, overtaken, dated }: PrepareRequest): Promise<Prepared> {
    await this.#abandoning.flush();
    const { outcome, state, promised, hasHeld } = (await this.#call('prepare', { key: encodeKey(key), name, timestamp, overtaken, dated })) as Prepared;
    return { outcome, state, promised, ...(overtaken === undefined ? {} : { hasHeld }) };
  }

  abandon(key: Key, timestamp: Timestamp): void {
    this.#abandoning.add([encodeKey(key), timestamp]);
  }

  settle(key: Key, timestamp: Timestamp): void {
    this.#settling.add([encodeKey(key), timestamp]);
  }

  async pending(options: { olderThanMs: number; limit: number }): Promise<PendingRow[]> {
    await this.#settling.flush();
    const rows = (await this.#call('pending', options)) as { key: string; info: ObjectInfo }[];
    return rows.map(({ key, info }) => ({ key: decodeKey(key), info }));
  }

  async digests({ bits, prefixes }: KeyRanges): Promise<Buffer> {
    const digests = await this.#transport.call(this.#path('digests'), JSON.stringify({ bits, prefixes }));
    if (digests.length !== prefixes.length * DIGEST_BYTES) throw new StoreError('device-unavailable', 'an answer without all of its digests');
    return digests;
  }

  async states({ bits, prefixes, after, limit }: KeyRanges & { after?: Key | undefined; limit: number }): Promise<KeyedState[]> {
    return decodeStates(await this.#transport.call(this.#path('states'), JSON.stringify({ bits, prefixes, after: after && encodeKey(after), limit })));
  }

  async take(states: AsyncIterable<ShippedState>): Promise<Taken> {
    return (await sendStream(this.#transport, this.#path('take'), encodeShipment(states))) as Taken;
  }

  async #call(operation: ObjectOperation, fields: object): Promise<unknown> {
    return parseJson(await this.#transport.call(this.#path(operation), JSON.stringify(fields)));
  }
}

async function* once(body: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield body;
}

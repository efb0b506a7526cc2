/** A device as it is seen over the simulated network: the ports of storage-node/protocol, each call a message there and one back. */
import { StoreError } from '#common';
import type { DeviceClient } from '#storage-node/client';
import type { ListingEngine, ObjectEngine, ObjectReader, ObjectWriter } from '#storage-node/protocol';
import type { Host, Network } from './network.ts';

export interface FarDeviceOptions {
  readonly network: Network;
  readonly from: Host;
  /** The process that serves the device now. */
  readonly to: () => Host;
  /** The device's own ports, as they are now; only asked for while the process lives. */
  readonly objects: () => ObjectEngine;
  readonly listings: () => ListingEngine;
}

export function farDevice({ network, from, to, objects, listings }: FarDeviceOptions): DeviceClient {
  const link = { from, to };
  const call = <T>(answer: () => Promise<T>): Promise<T> => network.call(link, answer);
  /** What was opened is open in the process that opened it, until it is closed. */
  const opened = (): { while<T>(answer: () => Promise<T>): Promise<T>; close(answer: () => PromiseLike<void>): void } => {
    const host = to();
    let isOpen = true;
    return {
      while: (answer) => call(async () => {
        if (to() !== host || !isOpen) throw new StoreError('device-unavailable', 'it is no longer open');
        return answer();
      }),
      close: (answer) => network.tell(link, () => {
        isOpen = false;
        if (to() === host) void answer();
      }),
    };
  };
  const reader = (near: ObjectReader): ObjectReader => {
    const open = opened();
    const read = (start: number, end: number): AsyncGenerator<Buffer> => farChunks((answer) => open.while(answer), near, start, end);
    return { info: near.info, data: near.data, read, [Symbol.asyncDispose]: async () => open.close(() => near[Symbol.asyncDispose]()) };
  };
  const writer = (near: ObjectWriter): ObjectWriter => {
    const open = opened();
    return { write: (chunk) => open.while(() => near.write(chunk)), commit: (metadata, ballot) => open.while(() => near.commit(metadata, ballot)), abort: async () => open.close(() => near.abort()) };
  };
  const far: ObjectEngine = {
    stat: (key) => call(() => objects().stat(key)),
    info: (key) => call(() => objects().info(key)),
    open: (key) => call(async () => {
      const near = await objects().open(key);
      return near && reader(near);
    }),
    put: (request) => call(() => objects().put(request)),
    create: (request) => call(async () => writer(await objects().create(request))),
    post: (request) => call(() => objects().post(request)),
    delete: (request) => call(() => objects().delete(request)),
    prepare: (request) => call(() => objects().prepare(request)),
    abandon: (key, timestamp) => network.tell(link, () => objects().abandon(key, timestamp)),
    settle: (key, timestamp) => network.tell(link, () => objects().settle(key, timestamp)),
    pending: (options) => call(() => objects().pending(options)),
    digests: (ranges) => call(() => objects().digests(ranges)),
    states: (request) => call(() => objects().states(request)),
    take: (states) => call(() => objects().take(states)),
    history: (key) => call(() => objects().history(key)),
  };
  return { objects: () => far, listings: farListings(link, network, listings) };
}

async function* farChunks(call: <T>(answer: () => Promise<T>) => Promise<T>, near: ObjectReader, start: number, end: number): AsyncGenerator<Buffer> {
  const chunks = near.read(start, end)[Symbol.asyncIterator]();
  for (;;) {
    const next = await call(() => chunks.next());
    if (next.done === true) return;
    yield next.value;
  }
}

function farListings(link: { from: Host; to: () => Host }, network: Network, listings: () => ListingEngine): ListingEngine {
  const call = <T>(answer: () => Promise<T>): Promise<T> => network.call(link, answer);
  return {
    info: (database) => call(() => listings().info(database)),
    put: (request) => call(() => listings().put(request)),
    post: (request) => call(() => listings().post(request)),
    delete: (request) => call(() => listings().delete(request)),
    merge: (request) => call(() => listings().merge(request)),
    sync: () => call(() => listings().sync()),
    list: (database, query) => call(() => listings().list(database, query)),
    unreported: (limit) => call(() => listings().unreported(limit)),
    reported: (info) => network.tell(link, () => listings().reported(info)),
    databaseDigests: (ranges) => call(() => listings().databaseDigests(ranges)),
    databaseVersions: (request) => call(() => listings().databaseVersions(request)),
    databaseState: (database) => call(() => listings().databaseState(database)),
    databaseRows: (database, page) => call(() => listings().databaseRows(database, page)),
    rowDigests: (database, ranges) => call(() => listings().rowDigests(database, ranges)),
    adopt: (copies) => call(() => listings().adopt(copies)),
  };
}

/** The operations on objects of one policy of one device. Those that carry data have files of their own; the others are JSON both ways. */
import type { Timestamp } from '#common';
import { decodeKey, decodeRanges, decodeShipment, encodeKey, encodeStates, readFrames, type ObjectEngine, type ObjectOperation } from '#storage-node/protocol';
import { bodyOf, readJson, sendFrames, sendJson, type Exchange } from '../exchange.ts';
import { flagOf, metadataOf, nameOf, timestampOf, type ObjectContext } from './context.ts';
import { createObject } from './create.ts';
import { openObject, readObject, releaseObject } from './open.ts';
import { putObject } from './put.ts';

type Fields = Record<string, unknown>;

/** States of one answer: 4 MiB. */
const MAX_STATES = 100_000;

const simple = (answer: (engine: ObjectEngine, fields: Fields) => unknown) => async (exchange: Exchange, { engine }: ObjectContext) =>
  sendJson(exchange, await answer(engine, await readJson(exchange)));

const target = ({ key, name, timestamp, dated }: Fields) => ({ key: decodeKey(key), name: nameOf(name), timestamp: timestampOf(timestamp), dated: flagOf(dated) });

export const objectOperations: Record<ObjectOperation, (exchange: Exchange, context: ObjectContext) => Promise<void>> = {
  stat: simple((engine, { key }) => engine.stat(decodeKey(key))),
  info: simple((engine, { key }) => engine.info(decodeKey(key))),
  open: openObject,
  read: readObject,
  release: releaseObject,
  put: putObject,
  create: createObject,
  post: simple((engine, fields) => engine.post({ ...target(fields), base: timestampOf(fields['base']), metadata: metadataOf(fields['metadata']) })),
  delete: simple((engine, fields) => engine.delete({ ...target(fields), conditional: flagOf(fields['conditional']) })),
  prepare: simple((engine, fields) => engine.prepare({ ...target(fields), overtaken: fields['overtaken'] === undefined ? undefined : timestampOf(fields['overtaken']) })),
  abandon: simple((engine, { entries }) => {
    for (const [key, timestamp] of entries as [string, Timestamp][]) engine.abandon(decodeKey(key), timestampOf(timestamp));
  }),
  settle: simple((engine, { entries }) => {
    for (const [key, timestamp] of entries as [string, Timestamp][]) engine.settle(decodeKey(key), timestampOf(timestamp));
  }),
  digests: async (exchange, { engine }) => {
    const { bits, prefixes } = await readJson(exchange);
    sendFrames(exchange, [await engine.digests(decodeRanges(bits, prefixes))]);
  },
  states: async (exchange, { engine }) => {
    const { bits, prefixes, after, limit } = await readJson(exchange);
    const bounded = Math.min(Number(limit), MAX_STATES);
    sendFrames(exchange, [encodeStates(await engine.states({ ...decodeRanges(bits, prefixes), after: after === undefined ? undefined : decodeKey(after), limit: bounded }))]);
  },
  take: async (exchange, { engine }) => {
    exchange.response.writeContinue();
    const taken = await engine.take(decodeShipment(readFrames(bodyOf(exchange))));
    exchange.request.resume();
    sendJson(exchange, taken);
  },
  history: simple((engine, { key }) => engine.history(decodeKey(key))),
  pending: simple(async (engine, { olderThanMs, limit }) => {
    const rows = await engine.pending({ olderThanMs: Number(olderThanMs), limit: Number(limit) });
    return rows.map(({ key, info }) => ({ key: encodeKey(key), info }));
  }),
};

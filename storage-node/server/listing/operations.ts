/** The operations on the accounts and containers of one device: JSON both ways. */
import { StoreError } from '#common';
import { decodeDatabase, decodeRows, encodePage, type DatabaseInfo, type ListingEngine, type ListingOperation, type ListingQuery, type TimedMetadata } from '#storage-node/protocol';
import { readJson, sendJson, type Exchange } from '../exchange.ts';
import { timestampOf } from '../object/context.ts';

type Fields = Record<string, unknown>;

const simple = (answer: (engine: ListingEngine, fields: Fields) => unknown) => async (exchange: Exchange, engine: ListingEngine) =>
  sendJson(exchange, await answer(engine, await readJson(exchange)));

const change = ({ database, timestamp }: Fields) => ({ database: decodeDatabase(database), timestamp: timestampOf(timestamp) });

export const listingOperations: Record<ListingOperation, (exchange: Exchange, engine: ListingEngine) => Promise<void>> = {
  info: simple((engine, { database }) => engine.info(decodeDatabase(database))),
  put: simple((engine, fields) => engine.put({ ...change(fields), metadata: timedMetadataOf(fields['metadata']), policy: Number(fields['policy']) })),
  post: simple((engine, fields) => engine.post({ ...change(fields), metadata: timedMetadataOf(fields['metadata']) })),
  delete: simple((engine, fields) => engine.delete({ ...change(fields), force: fields['force'] === true })),
  merge: simple((engine, { database, rows, createWith, deferSync }) => {
    const create = createWith as Fields | undefined;
    const created = create && { createWith: { timestamp: timestampOf(create['timestamp']), policy: Number(create['policy']) } };
    return engine.merge({ database: decodeDatabase(database), rows: decodeRows(rows), deferSync: deferSync === true, ...created });
  }),
  sync: simple((engine) => engine.sync()),
  list: simple(async (engine, { database, query }) => {
    const page = await engine.list(decodeDatabase(database), queryOf(query));
    return page && encodePage(page);
  }),
  unreported: simple((engine, { limit }) => engine.unreported(Number(limit))),
  reported: simple((engine, { infos }) => {
    for (const info of infos as DatabaseInfo[]) engine.reported(info);
  }),
};

function timedMetadataOf(value: unknown): TimedMetadata {
  const entries = typeof value === 'object' && value !== null ? Object.values(value as Fields) : [undefined];
  const timed = entries.every((entry) => Array.isArray(entry) && typeof entry[0] === 'string' && Number.isSafeInteger(entry[1]));
  if (!timed) throw new StoreError('bad-request', 'not metadata with timestamps');
  return value as TimedMetadata;
}

function queryOf(value: unknown): ListingQuery {
  const { limit, marker, endMarker, prefix, delimiter, reverse, includeDeleted } = (value ?? {}) as Fields;
  const texts = [marker, endMarker, prefix, delimiter];
  if (!texts.every((text) => typeof text === 'string' && text.isWellFormed()) || !Number.isSafeInteger(limit)) throw new StoreError('bad-request', 'not a listing query');
  const bounds = { marker, endMarker, prefix, delimiter } as Pick<ListingQuery, 'marker' | 'endMarker' | 'prefix' | 'delimiter'>;
  return { ...bounds, limit: limit as number, reverse: reverse === true, includeDeleted: includeDeleted === true };
}
